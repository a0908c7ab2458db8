"""The resources of the machine, compared with what the system reports."""

import os
from pathlib import Path

import psutil
import pytest

from socal_core.preflight import machine
from socal_core.preflight.machine import Gpu, find_gpu, smallest_gpu, this_machine

MIB = 2**20
LISTED = "GPU-a1, NVIDIA L4, 23034\nGPU-b2, NVIDIA T4, 15360\nGPU-c3, Old, [N/A]\n"


def test_the_machine_matches_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    found = this_machine(tmp_path, Gpu("A GPU", MIB))
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.memory == psutil.virtual_memory().total
    assert 0 < found.free_memory < found.memory
    assert 0 < found.free_disk < 1e16
    assert found.gpu == Gpu("A GPU", MIB)


@pytest.mark.parametrize(
    ("limit", "used", "memory", "free"),
    [(str(300 * MIB), str(100 * MIB), 300 * MIB, 200 * MIB), (str(300 * MIB), str(400 * MIB), 300 * MIB, 0)],
)
def test_the_limits_of_a_container_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, used: str, memory: int, free: int
) -> None:
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    found = this_machine(tmp_path, None)
    assert (found.memory, found.free_memory) == (memory, free)
    (tmp_path / "memory.max").write_text("max\n")
    assert this_machine(tmp_path, None).memory == psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (("GPU-a1",), Gpu("NVIDIA L4", 23034 * MIB)),
        (("GPU-a1", "GPU-b2"), Gpu("NVIDIA T4", 15360 * MIB, 2)),
        (("GPU-c3",), None),
        (("MIG-d4",), None),
        ((), None),
    ],
)
def test_the_smallest_visible_gpu_counts(visible: tuple[str, ...], expected: Gpu | None) -> None:
    assert smallest_gpu(LISTED, visible) == expected


@pytest.mark.parametrize(("build", "expected"), [("2.13.0", Gpu("NVIDIA L4", 23034 * MIB)), ("2.13.0+cpu", None)])
def test_a_gpu_counts_only_where_pytorch_can_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: str, expected: Gpu | None
) -> None:
    """A script in place of nvidia-smi prints what nvidia-smi prints."""
    tool = tmp_path / "nvidia-smi"
    listing = "GPU 0: NVIDIA L4 (UUID: GPU-a1)"
    tool.write_text(f'#!/bin/sh\nif [ "$1" = -L ]; then echo "{listing}"; else echo "GPU-a1, NVIDIA L4, 23034"; fi\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "version", lambda package: build)
    assert find_gpu() == expected
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert find_gpu() is None
