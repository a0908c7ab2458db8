"""Training in one process or several, with PyTorch's distributed engine through Accelerate and torchrun."""

import os
import sys

import torch
from accelerate import Accelerator

from socal_core.lifecycle.launch import LOCK_IN_PARENT, LOCK_VARIABLE
from socal_core.runs.folder import RunFolder


def make_accelerator() -> Accelerator:
    """Create the accelerator; on a GPU it uses mixed precision, in bfloat16 if supported, else float16."""
    if not torch.cuda.is_available():
        return Accelerator(cpu=not torch.accelerator.is_available(), mixed_precision="no")
    return Accelerator(mixed_precision="bf16" if torch.cuda.is_bf16_supported() else "fp16")


def spread_over_gpus(run: RunFolder, resume: bool) -> None:
    """Replace this process by torchrun with one process per GPU.

    The function returns without effect if there are fewer than two GPUs, or if torchrun started this process.

    Args:
        run: The run.
        resume: Whether to continue from the newest checkpoint.
    """
    count = torch.cuda.device_count()
    if count < 2 or "RANK" in os.environ:
        return
    # torchrun, the parent of all the processes, keeps the locks of run and slot.
    os.environ[LOCK_VARIABLE] = LOCK_IN_PARENT
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    command += ["--module", "socal_core.training.worker", str(run.path)]
    os.execv(sys.executable, command + (["--resume"] if resume else []))  # noqa: S606 - our own module, no shell
