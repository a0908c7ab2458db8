"""socal_core.lifecycle.gpus"""

import os
from pathlib import Path

import pytest

from socal_core.lifecycle.gpus import chosen_gpus, visible_gpus

TWO = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-9f0c4a8e-0000-1111-2222-333344445555)
"""
DIVIDED = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c7384736-a75d-5afc-978f-d2f1294409fd)
  MIG 3g.20gb     Device  1: (UUID: MIG-a28ad590-3fda-56dd-84fc-0a0b96edc58d)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-9f0c4a8e-0000-1111-2222-333344445555)
"""
FIRST, SECOND = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77", "GPU-9f0c4a8e-0000-1111-2222-333344445555"
PARTS = ("MIG-c7384736-a75d-5afc-978f-d2f1294409fd", "MIG-a28ad590-3fda-56dd-84fc-0a0b96edc58d")


@pytest.mark.parametrize(
    ("listed", "chosen", "expected"),
    [
        (TWO, None, (FIRST, SECOND)),
        (TWO, "1", (SECOND,)),
        (TWO, "1, 0", (SECOND, FIRST)),
        (TWO, "GPU-9f0c", (SECOND,)),
        (TWO, "GPU-", ()),
        (TWO, "", ()),
        (TWO, "-1", ()),
        (TWO, "1,-1,0", (SECOND,)),
        (TWO, "0,7", (FIRST,)),
        (TWO, "0,0", (FIRST,)),
        (DIVIDED, None, (*PARTS, SECOND)),
        (DIVIDED, "0", (PARTS[0],)),
        (DIVIDED, f"{PARTS[1]},1", (PARTS[1], SECOND)),
        ("", None, ()),
        ("No devices were found\n", None, ()),
    ],
)
def test_gpus_are_those_that_cuda_would_see(listed: str, chosen: str | None, expected: tuple[str, ...]) -> None:
    assert chosen_gpus(listed, chosen) == expected


@pytest.mark.parametrize("script", [None, "exit 9", "echo broken", "kill -9 $$"])
def test_without_a_working_driver_there_is_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}" if script else str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if script:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    assert visible_gpus() == ()
