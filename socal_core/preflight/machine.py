"""What this machine offers a run: cores, memory, disk space, GPUs. Determined without loading PyTorch."""

import os
import shutil
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import psutil

from socal_core.lifecycle.gpus import ask_nvidia_smi, visible_gpus

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux lists the memory limit of a container."""


@dataclass(frozen=True)
class Gpu:
    """A GPU that a run may use."""

    name: str
    memory: int
    """Memory in bytes."""
    count: int = 1
    """The number of GPUs that runs may use."""


@dataclass(frozen=True)
class Machine:
    """The resources of the machine. All sizes are in bytes."""

    cores: int
    memory: int
    free_memory: int
    free_disk: int
    gpu: Gpu | None = None
    """The GPU with the least memory."""


def this_machine(runs: Path, gpu: Gpu | None) -> Machine:
    """Return what the machine offers now.

    Args:
        runs: The folder of runs, on whose disk the free space is measured.
        gpu: The result of `find_gpu`.
    """
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    limit, used = _number_in(CGROUP / "memory.max"), _number_in(CGROUP / "memory.current")
    if limit is not None and used is not None:
        total, free = min(total, limit), min(free, max(0, limit - used))
    return Machine(usable_cores(), total, free, shutil.disk_usage(runs).free, gpu)


def usable_cores() -> int:
    """Return how many CPU cores this process and its children may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def find_gpu() -> Gpu | None:
    """Return the usable GPU with the least memory; None if there is none or PyTorch supports only the CPU."""
    if version("torch").endswith("+cpu"):
        return None
    visible = visible_gpus()
    if not visible:
        return None
    return smallest_gpu(ask_nvidia_smi("--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits"), visible)


def smallest_gpu(listed: str, visible: tuple[str, ...]) -> Gpu | None:
    """Return the visible GPU with the least memory.

    Args:
        listed: The output of nvidia-smi, lines of `UUID, name, MiB`.
        visible: The UUIDs of the visible GPUs.

    Returns:
        The GPU; None if only parts of a divided GPU (MIG) are visible, because nvidia-smi does not list their memory.
    """
    gpus = []
    for line in listed.splitlines():
        uuid, name, mebibytes = (part.strip() for part in (line + ",,").split(",")[:3])
        if uuid in visible and mebibytes.isdecimal():
            gpus.append(Gpu(name, int(mebibytes) * 2**20))
    smallest = min(gpus, key=lambda gpu: gpu.memory, default=None)
    return smallest and replace(smallest, count=len(gpus))


def _number_in(path: Path) -> int | None:
    """Read a whole number from a file; None if the file is missing or contains `max`."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
