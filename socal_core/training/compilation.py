"""Compile the network of a run for its machine with torch.compile."""

from typing import cast

import torch
from torch import nn


def compiled(model: nn.Module, device: torch.device) -> tuple[nn.Module, str]:
    """Compile a network, if this machine has what that needs: on a processor a C++ compiler, on a GPU Triton and C.

    The network itself does not change, so validation, checkpoints and the optimizer use it under its own names. Its
    compiled form shares its weights. A batch of another size is compiled too: it is the last one of an epoch, and
    code for any size would be slower for all others.

    Args:
        model: The network in training.
        device: Where it is.

    Returns:
        The compiled form, or the network itself if nothing can be compiled here; and then a notice for the user,
        otherwise "".
    """
    try:
        torch.compile(torch.sin)(torch.ones(1, device=device))
    except (RuntimeError, OSError) as error:  # RuntimeError is the base of what the compiler raises
        cause = str(error).strip().partition("\n")[0]
        notice = (
            "The model is trained without being compiled, because torch.compile does not work on this machine. It "
            "needs a C++ compiler, on Linux for example that of the package g++, and on a GPU Triton, which comes "
            f"with PyTorch on Linux. PyTorch reports: {cause}"
        )
        return model, notice
    return cast(nn.Module, torch.compile(model, dynamic=False)), ""
