"""socal_core.lifecycle.waiting: the small process of a run that waits, with real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from socal_core.lifecycle import run_queue
from socal_core.lifecycle.background import start_module
from socal_core.lifecycle.launch import LOCK_VARIABLE, request_stop
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, RunStatus, read_status, write_status
from socal_core.lifecycle.waiting import HOOK_VARIABLE, STOP_SIGNALS
from socal_core.runs.activity import STOPPED_BY_USER
from socal_core.runs.events import read_events
from socal_core.runs.files.records import STATUS
from socal_core.runs.folder import RunFolder
from socal_core.storage import is_locked
from tests.lifecycle.workers import first_in_queue, log_of, new_run, pid_of, until

HEAVY = ("numpy", "pandas", "pydantic", "torch", "yaml", "psutil", "PIL", "subprocess", "asyncio")
Start = Callable[[RunFolder], None]


@pytest.fixture(autouse=True)
def first(tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A run that is first in the queue while the only slot is taken; the function lets it end, and the slot go."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv(HOOK_VARIABLE, raising=False)
    with first_in_queue(tmp_path / "first") as end:
        yield end


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the process of a run, which becomes the stand-in of a worker; all are killed after the test."""
    started: list[RunFolder] = []

    def begin(run: RunFolder) -> None:
        lock = take_lock(run.lock_file, run.name)
        run.log_file.unlink(missing_ok=True)  # of an earlier process
        write_status(run, RunState.QUEUED)
        run_queue.enter(run)
        module = "tests.lifecycle.worker_stand_in"
        arguments = ["socal_core.lifecycle.waiting", module, str(run.path), "--resume"]
        start_module(arguments, run.log_file, lock, {LOCK_VARIABLE: str(lock)})
        os.close(lock)
        started.append(run)
        until(lambda: "Waiting: number" in log_of(run) or told(run) != {})

    yield begin
    for run in started:
        kill(run)


@pytest.fixture
def queued(start: Start, tmp_path: Path) -> list[RunFolder]:
    """Two runs that wait behind the first one."""
    runs = [new_run(tmp_path / "run-2"), new_run(tmp_path / "run-3")]
    for run in runs:
        start(run)
    return runs


def told(run: RunFolder) -> dict[str, Any]:
    """What the stand-in of the worker printed; empty before it begins."""
    lines = [line for line in log_of(run).splitlines(keepends=True) if line.startswith("{")]
    return json.loads(lines[-1]) if lines and lines[-1].endswith("\n") else {}


def kill(run: RunFolder) -> None:
    if is_locked(run.lock_file):
        assert pid_of(run) != os.getpid()
        os.kill(pid_of(run), signal.SIGKILL)
    until(lambda: not is_locked(run.lock_file))


def stages(run: RunFolder) -> list[str]:
    return [event["stage"] for event in read_events(run.events_file) if event["type"] == "stage"]


def names() -> list[str]:
    return [run.name for run in run_queue.waiting()]


def test_a_waiting_run_loads_no_heavy_library(queued: list[RunFolder]) -> None:
    libraries = Path(f"/proc/{pid_of(queued[0])}/maps").read_text()
    assert not [name for name in HEAVY if f"/{name}" in libraries]
    code = f"import sys, socal_core.lifecycle.waiting; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_it_says_that_it_waits_and_who_waits(queued: list[RunFolder]) -> None:
    assert names() == ["first", "run-2", "run-3"]
    for place, run in enumerate(queued, start=2):
        assert read_status(run) == RunStatus(RunState.QUEUED)
        assert stages(run) == [f"Waiting: number {place} in the queue"]
        assert "socal_core.lifecycle.waiting" in psutil.Process(pid_of(run)).cmdline()


def test_the_first_of_the_queue_becomes_its_worker_with_the_same_process_and_lock(
    queued: list[RunFolder], first: Callable[[], None]
) -> None:
    run, other = queued
    before = STATUS.read(run.path, run.name)
    first()
    until(lambda: told(run) != {})
    assert told(run) == {
        "pid": pid_of(run),
        "arguments": [str(run.path), "--resume"],
        "blocked": sorted(STOP_SIGNALS),
    }
    assert psutil.Process(pid_of(run)).cmdline()[2] == "tests.lifecycle.worker_stand_in"
    assert STATUS.read(run.path, run.name) == before
    assert is_locked(run.lock_file)
    assert names() == ["run-2", "run-3"]
    assert not told(other)


@pytest.mark.parametrize("how", ["stop", "SIGTERM", "SIGINT"])
def test_a_waiting_run_is_stopped(queued: list[RunFolder], how: str) -> None:
    run, other = queued
    request_stop(run) if how == "stop" else os.kill(pid_of(run), signal.Signals[how])
    until(lambda: not read_status(run).state.alive)
    assert read_status(run) == RunStatus(RunState.STOPPED, STOPPED_BY_USER)
    end = read_events(run.events_file)[-1]
    assert (end["type"], end["state"], end["reason"]) == ("ended", "stopped", STOPPED_BY_USER)
    assert log_of(run).endswith("The run is stopped.\n")
    assert not told(run)
    assert names() == ["first", "run-3"]
    assert read_status(other) == RunStatus(RunState.QUEUED)


@pytest.mark.parametrize("how", ["stop", "SIGTERM"])
def test_with_a_hook_the_worker_ends_a_run_that_is_stopped(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv(HOOK_VARIABLE, "true")
    run = new_run(tmp_path / "run-2")
    start(run)
    request_stop(run) if how == "stop" else os.kill(pid_of(run), signal.SIGTERM)
    until(lambda: told(run) != {})
    assert run.stop_file.exists()
    assert read_status(run).state is RunState.STOPPING


def test_a_killed_run_is_passed_over_and_can_be_started_again(
    queued: list[RunFolder], start: Start, first: Callable[[], None]
) -> None:
    killed, other = queued
    kill(killed)
    assert read_status(killed).state is RunState.INTERRUPTED
    assert names() == ["first", "run-3"]
    start(killed)
    assert names() == ["first", "run-3", "run-2"]
    first()
    until(lambda: told(other) != {})
    assert not told(killed)


def test_it_notices_when_its_place_changes(queued: list[RunFolder]) -> None:
    run_queue.move(queued[1], 2)
    until(lambda: stages(queued[0])[-1] == "Waiting: number 3 in the queue")
    until(lambda: stages(queued[1])[-1] == "Waiting: number 2 in the queue")
    run_queue.move(queued[1], 1)
    until(lambda: told(queued[1]) != {})
    assert not told(queued[0])


@pytest.mark.parametrize("content", ["[1, null]", None])
def test_waiting_runs_recreate_a_damaged_order(queued: list[RunFolder], workspace: Path, content: str | None) -> None:
    order = workspace / "queue" / "order.json"
    order.write_text(content) if content is not None else order.unlink()
    until(lambda: sorted(names()) == ["run-2", "run-3"])
    until(lambda: len([run for run in queued if told(run)]) == 1)


def test_a_run_that_cannot_wait_leaves_that_to_its_worker(queued: list[RunFolder], workspace: Path) -> None:
    (workspace / "queue" / "order.lock").unlink()
    (workspace / "queue" / "order.lock").mkdir()
    (workspace / "queue" / "order.json").unlink()
    for run in queued:
        until(lambda run=run: told(run) != {})
        assert "IsADirectoryError" in log_of(run)
