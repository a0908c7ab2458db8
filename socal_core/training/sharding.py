"""Shard the weights of a network, their gradients and the state of the optimizer over processes (FSDP).

This uses PyTorch's `fully_shard` itself: Accelerate's plugin does nothing on processors (accelerate 1.15,
`AcceleratorState`), so that its way could be tested only on GPUs. Checkpoints hold whole tensors, as with DDP.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from socal_core.errors import RunError
from socal_core.models.layers import blocks_of
from socal_core.settings import MachineSettings, Sharding


def shard(model: PreTrainedModel, settings: MachineSettings, accelerator: Accelerator) -> bool:
    """Shard a network if the settings say so and there are several processes.

    Each transformer block is gathered only while it computes.

    Args:
        model: The network, with the same weights in all processes; it is changed.
        settings: `sharding`.
        accelerator: The device and the processes.

    Returns:
        Whether the network is sharded.

    Raises:
        RunError: Training uses float16.
    """
    if settings.sharding is not Sharding.FSDP or accelerator.num_processes == 1:
        return False
    if accelerator.scaler is not None:
        raise RunError("sharding=fsdp needs GPUs that support bfloat16. Start a new run with sharding=ddp.")
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    for module in (*blocks_of(model), model):
        fully_shard(module, mesh=mesh, reshard_after_forward=True)
    return True


@contextmanager
def gathered(model: nn.Module) -> Iterator[None]:
    """Hold the whole weights of a sharded network inside the context, so that processes compute independently."""
    sharded = [module for module in model.modules() if isinstance(module, FSDPModule)]
    for module in sharded:
        module.set_reshard_after_forward(False, recurse=False)
        module.unshard()
    try:
        yield
    finally:
        for module in sharded:
            module.set_reshard_after_forward(True, recurse=False)
            module.reshard()


def whole(value: Any) -> Any:
    """Gather the sharded tensors in a state dict. All processes call this, and only the main process keeps them."""
    if isinstance(value, DTensor):
        tensor = value.full_tensor()
        return tensor.cpu() if dist.get_rank() == 0 else None
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value


def sharded_as(tensor: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """Shard a whole tensor as a parameter of the same shape is; one of another shape, or without need, is returned."""
    if not isinstance(parameter, DTensor) or isinstance(tensor, DTensor) or tensor.shape != parameter.shape:
        return tensor
    there = tensor.to(parameter.device)
    return distribute_tensor(there, parameter.device_mesh, parameter.placements, src_data_rank=None)


def sharded_state(state: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Shard the state dict of an optimizer as its parameters are."""
    parameters = dict(enumerate(parameter for group in optimizer.param_groups for parameter in group["params"]))
    of_parameters = {
        index: {
            name: sharded_as(value, parameters[index]) if isinstance(value, torch.Tensor) else value
            for name, value in values.items()
        }
        for index, values in state["state"].items()
        if index in parameters
    }
    return {**state, "state": of_parameters}
