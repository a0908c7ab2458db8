"""The real server, killed, with its clock set back, and without file handles: short forms of three benchmarks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.serving.page_handles import PAGES

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def found_by(module: str, *arguments: object) -> dict[str, Any]:
    """What a module of this folder prints; in a process of its own, since it changes variables and the clock."""
    command = [sys.executable, "-m", f"tests.serving.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_work_goes_on_as_if_nothing_had_been_killed(tmp_path: Path) -> None:
    found = found_by("server_kills", tmp_path, 3, 0)
    assert found["faults"] == []
    assert found["kills"] == {"server": 1, "workers": 1, "server and workers": 1}
    assert set(found["ended"]) == {"run", "download", "clip-cache", "demo"}


def test_a_clock_that_is_set_back_changes_nothing(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler to build the clock with: install gcc")
    assert found_by("clock_set_back", tmp_path) == {
        "clock of the server, seconds": -3600,
        "queue": ["run-2"],
        "seconds left, at least": True,
        "durations below zero on the page": [],
        "runs on the page": True,
        "states": ["done", "done"],
        "the same to the bit": True,
        "clock set back in the run": True,
        "seconds at work": True,
        "durations of epochs": True,
        "audit": ["start run", "stop run"],
        "status of a frame": 200,
        "lines of the log that cannot be read": 0,
        "errors in the log": [],
    }


@pytest.mark.parametrize("free", [0, 1])
def test_pages_without_file_handles_go_on_later(tmp_path: Path, free: int) -> None:
    found = found_by("page_handles", tmp_path, free)
    if free:  # without any handle, Streamlit runs no page
        assert set(found["said"]) | set(found["complete"]) == set(PAGES)
    assert found["goes on"]
