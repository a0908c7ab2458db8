"""What this machine has for a run: cores, memory, room on the disk, a GPU. Known without PyTorch."""

import os
import shutil
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import psutil

from socal_core.lifecycle.gpus import ask_nvidia_smi, visible_gpus

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux says how much memory a container may take."""


@dataclass(frozen=True)
class Gpu:
    """A GPU that a run may use."""

    name: str
    memory: int
    """Bytes."""
    count: int = 1
    """How many there are that runs may use."""


@dataclass(frozen=True)
class Machine:
    """What a run can have here; all sizes in bytes."""

    cores: int
    memory: int
    free_memory: int
    free_disk: int
    gpu: Gpu | None = None
    """The one with the least memory, where there are several."""


def this_machine(runs: Path, gpu: Gpu | None) -> Machine:
    """What there is now, and the room on the disk of the folder of runs; a GPU is what `find_gpu` found."""
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    limit, used = _number_in(CGROUP / "memory.max"), _number_in(CGROUP / "memory.current")
    if limit is not None and used is not None:
        total, free = min(total, limit), min(free, max(0, limit - used))
    return Machine(usable_cores(), total, free, shutil.disk_usage(runs).free, gpu)


def usable_cores() -> int:
    """The CPU cores that processes started from here may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def find_gpu() -> Gpu | None:
    """The smallest GPU that runs may use; None where there is none, or where PyTorch is built for the CPU alone."""
    if version("torch").endswith("+cpu"):
        return None
    visible = visible_gpus()
    if not visible:
        return None
    return smallest_gpu(ask_nvidia_smi("--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits"), visible)


def smallest_gpu(listed: str, visible: tuple[str, ...]) -> Gpu | None:
    """Of lines `UUID, name, MiB` from nvidia-smi those that are visible, the one with the least memory.

    None also where only parts of a divided GPU (MIG) are visible: nvidia-smi says their memory in no table.
    """
    gpus = []
    for line in listed.splitlines():
        uuid, name, mebibytes = (part.strip() for part in (line + ",,").split(",")[:3])
        if uuid in visible and mebibytes.isdecimal():
            gpus.append(Gpu(name, int(mebibytes) * 2**20))
    smallest = min(gpus, key=lambda gpu: gpu.memory, default=None)
    return smallest and replace(smallest, count=len(gpus))


def _number_in(path: Path) -> int | None:
    """A whole number that a file holds; None where the file is not there or says `max`."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
