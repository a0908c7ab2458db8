"""socal_core.lifecycle.process"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from socal_core.lifecycle import process
from socal_core.lifecycle.process import Process, this_process


def test_the_start_time_is_the_systems_own() -> None:
    started = this_process().started
    assert started is not None
    seconds = psutil.boot_time() + started / os.sysconf("SC_CLK_TCK")
    assert seconds == pytest.approx(psutil.Process().create_time(), abs=2)


def test_a_process_with_parentheses_in_its_name_differs_from_its_successor(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.symlink_to(Path(sys.executable).resolve())
    child = subprocess.Popen([str(program), "-c", "input()"], stdin=subprocess.PIPE)
    started = process._start_time(child.pid)
    known = replace(this_process(), pid=child.pid, started=started)
    assert known.lives
    assert not replace(known, started=(started or 0) - 1).lives
    assert not replace(known, boot="another").lives
    child.communicate(b"\n")
    assert not known.lives


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/app/run\n", {"app/run/memory.events": 2}, "app/run/memory.events"),
        ("0::/\n", {"memory.events": 2}, "memory.events"),
        ("9:cpu:/a\n4:memory:/a:b\n0::/\n", {"memory/a:b/memory.oom_control": 5}, "memory/a:b/memory.oom_control"),
        ("0::/hidden\n", {}, "vmstat"),
        ("nonsense\n", {}, "vmstat"),
        (None, {}, "vmstat"),
    ],
)
def test_the_most_specific_counter_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str | None, files: dict[str, int], expected: str
) -> None:
    for name, kills in {**files, "vmstat": 9}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"oom 1\noom_kill {kills}\n")
    if groups is not None:
        (tmp_path / "cgroup").write_text(groups)
    monkeypatch.setattr(process, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(process, "_CGROUP_MOUNT", tmp_path)
    monkeypatch.setattr(process, "_WHOLE_MACHINE", tmp_path / "vmstat")
    found = this_process()
    assert (found.oom_counter, found.oom_kills) == (str(tmp_path / expected), files.get(expected, 9))


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [(2, "oom_kill 3\n", True), (2, "oom_kill 2\n", False), (2, "", False), (None, "oom_kill 3\n", False)],
)
def test_only_later_oom_kills_count(tmp_path: Path, then: int | None, now: str, expected: bool) -> None:
    (tmp_path / "counter").write_text(now)
    assert Process(1, 1, "", str(tmp_path / "counter"), then).killed_for_memory is expected
    assert not Process(1, 1, "", str(tmp_path / "none"), then).killed_for_memory
