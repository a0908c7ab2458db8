"""Which GPUs this machine lends to runs, and how one is used; known without PyTorch."""

import os
import re
import subprocess
from dataclasses import dataclass

_TIMEOUT_SECONDS = 20
_GPU = re.compile(r"^GPU \d+: .*\(UUID: (GPU-[0-9a-zA-Z-]+)\)", re.MULTILINE)
_PART = re.compile(r"^\s+MIG .*\(UUID: (MIG-[0-9a-zA-Z/-]+)\)", re.MULTILINE)


@dataclass(frozen=True)
class GpuUse:
    """How a GPU is used, by all processes together."""

    percent: float | None
    """Of the time that it was busy lately; None for a part of a divided GPU (MIG), for which nobody measures it."""
    memory: int
    """Bytes taken."""
    memory_total: int
    """Bytes."""


def gpu_use(uuid: str) -> GpuUse | None:
    """Ask the driver how a GPU, or a part of one (MIG), is used.

    Args:
        uuid: As `visible_gpus` gives it.

    Returns:
        The use; None where there is no driver, or it does not know the GPU or its memory.
    """
    import pynvml  # many machines have no GPU to ask for

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
    """The GPUs that a process started from here may use, as CUDA_VISIBLE_DEVICES takes them; empty without one."""
    return chosen_gpus(ask_nvidia_smi("-L"), os.environ.get("CUDA_VISIBLE_DEVICES"))


def ask_nvidia_smi(*arguments: str) -> str:
    """What the driver's own program prints; "" where there is no driver, or it does not answer in time."""
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
    """The GPUs in the output of `nvidia-smi -L`, by UUID, of those the ones that CUDA_VISIBLE_DEVICES leaves.

    As for CUDA, an entry is a number or the beginning of a UUID, and what comes after a wrong entry does not count. A
    GPU that is divided (MIG) stands for its first part: CUDA gives a process no more than one.
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
