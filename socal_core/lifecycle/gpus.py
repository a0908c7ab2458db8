"""The GPUs that runs may use, and their utilization, without PyTorch."""

import os
import re
import subprocess
from dataclasses import dataclass

_TIMEOUT_SECONDS = 20
_GPU = re.compile(r"^GPU \d+: .*\(UUID: (GPU-[0-9a-zA-Z-]+)\)", re.MULTILINE)
_PART = re.compile(r"^\s+MIG .*\(UUID: (MIG-[0-9a-zA-Z/-]+)\)", re.MULTILINE)


@dataclass(frozen=True)
class GpuUse:
    """The use of a GPU by all processes together."""

    percent: float | None
    """Percentage of recent time in which it was busy; None for a part of a divided GPU (MIG), which is not measured."""
    memory: int
    """Used memory in bytes."""
    memory_total: int
    """Total memory in bytes."""


def gpu_use(uuid: str) -> GpuUse | None:
    """Query the driver for the use of a GPU or of a part of one (MIG).

    Args:
        uuid: The UUID, as returned by `visible_gpus`.

    Returns:
        The use; None if there is no driver, or it does not report the GPU or its memory.
    """
    import pynvml  # not needed on machines without a GPU

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError:
        return None
    try:
        percent = float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except pynvml.NVMLError:
        percent = None
    return GpuUse(percent, memory.used, memory.total)


def visible_gpus() -> tuple[str, ...]:
    """Return the UUIDs of the GPUs that child processes may use, in the form of CUDA_VISIBLE_DEVICES."""
    return chosen_gpus(ask_nvidia_smi("-L"), os.environ.get("CUDA_VISIBLE_DEVICES"))


def ask_nvidia_smi(*arguments: str) -> str:
    """Return the output of nvidia-smi; "" if there is no driver or it does not answer in time."""
    try:
        return subprocess.run(  # noqa: S603 - our own arguments
            ["nvidia-smi", *arguments],  # noqa: S607 - found as the driver installed it
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def chosen_gpus(listed: str, chosen: str | None) -> tuple[str, ...]:
    """Return the UUIDs of the GPUs that CUDA_VISIBLE_DEVICES makes visible.

    As in CUDA, an entry is a number or the beginning of a UUID, and entries after an invalid one are ignored. For a
    divided GPU (MIG), a number selects its first part, because CUDA gives a process only one part.

    Args:
        listed: The output of `nvidia-smi -L`.
        chosen: The value of CUDA_VISIBLE_DEVICES; None if it is not set.
    """
    gpus: list[str] = []
    parts: list[str] = []
    for block in re.split(r"(?m)^(?=GPU )", listed):
        if whole := _GPU.search(block):
            inside = _PART.findall(block)
            gpus.append(inside[0] if inside else whole[1])
            parts += inside or [whole[1]]
    if chosen is None:
        return tuple(parts)
    visible: list[str] = []
    for entry in (text.strip() for text in chosen.split(",")):
        if entry.isdecimal():
            found = gpus[int(entry) : int(entry) + 1]
        else:
            found = [uuid for uuid in parts if entry and uuid.startswith(entry)]
        if len(found) != 1 or found[0] in visible:
            break
        visible += found
    return tuple(visible)
