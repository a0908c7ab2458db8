"""socal_core.lifecycle.state and lock: the displayed state is the true one."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socal_core.lifecycle import state
from socal_core.lifecycle.launch import request_stop
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.process import process_of, this_process
from socal_core.lifecycle.state import RunState, RunStatus, read_status, write_status, written_status
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, default_config
from socal_core.storage import is_locked
from tests.disks import files_up_to

HOLD = """
import sys, pathlib
from socal_core.runs.folder import RunFolder
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, write_status
run = RunFolder(pathlib.Path(sys.argv[1]))
lock = take_lock(run.lock_file, run.name)
write_status(run, RunState.RUNNING)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run-1", default_config(TINY), tmp_path)


@pytest.fixture
def worker(run: RunFolder):
    """A process that holds the lock of the run and has written the state running, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, RunState.INTERRUPTED),
        (RunState.QUEUED, RunState.INTERRUPTED),
        (RunState.RUNNING, RunState.INTERRUPTED),
        (RunState.STOPPING, RunState.INTERRUPTED),
        (RunState.DONE, RunState.DONE),
        (RunState.STOPPED, RunState.STOPPED),
        (RunState.FAILED, RunState.FAILED),
    ],
)
def test_without_a_worker_no_run_is_alive(run: RunFolder, written: RunState | None, expected: RunState) -> None:
    if written is not None:
        write_status(run, written, "why")
    assert read_status(run).state is expected
    if expected is not RunState.DONE:
        assert read_status(run).reason


def change_writer(run: RunFolder, **values: Any) -> None:
    """Write the status of a run as if another process had done so."""
    status = json.loads(run.status_file.read_text())
    status["process"] |= values
    run.status_file.write_text(json.dumps(status))


def dead_run(run: RunFolder, **writer: Any) -> RunFolder:
    """A run that was active when its worker died."""
    os.close(take_lock(run.lock_file, run.name))
    write_status(run, RunState.RUNNING)
    change_writer(run, **writer)
    return run


@pytest.mark.parametrize(
    "change",
    [{"process": None}, {"process": []}, {"process": {}}, {"process": {"pid": 1}}, {"pid": "1"}, {"boot": None}],
)
def test_a_state_is_valid_without_its_process(run: RunFolder, change: dict[str, Any]) -> None:
    write_status(run, RunState.STOPPED, "Stopped by the user.")
    written = state._read(run)
    assert written is not None
    assert process_of(written.process) == this_process()
    values = json.loads(run.status_file.read_text())
    changed = change if "process" in change else {"process": values["process"] | change}
    run.status_file.write_text(json.dumps(values | changed))
    assert state._read(run) == replace(written, process=None)
    assert read_status(run) == RunStatus(RunState.STOPPED, "Stopped by the user.")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "sleeping", "reason": ""}', '{"state": 3}'])
def test_a_damaged_status_raises_nothing(run: RunFolder, content: str) -> None:
    run.status_file.write_text(content)
    found = read_status(run)
    assert found.state is RunState.INTERRUPTED
    assert "status.json cannot be read" in found.reason


@pytest.mark.slow
def test_a_living_worker_is_running_and_a_killed_one_is_not(run: RunFolder, worker: subprocess.Popen[str]) -> None:
    assert read_status(run).state is RunState.RUNNING
    worker.send_signal(signal.SIGKILL)
    # Not waited for: the dead process stays as a zombie, whose number still answers.
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    os.kill(worker.pid, 0)
    assert read_status(run).state is RunState.INTERRUPTED


@pytest.mark.slow
def test_stopping_is_shown_while_the_worker_lives_and_never_for_an_ended_run(
    run: RunFolder, worker: subprocess.Popen[str]
) -> None:
    assert not read_status(run).stopping
    request_stop(run)
    assert read_status(run) == RunStatus(RunState.STOPPING)
    assert read_status(run).stopping
    assert read_status(run).state.alive
    worker.kill()
    worker.wait()
    assert read_status(run).state is RunState.INTERRUPTED
    run.stop_file.unlink()
    request_stop(run)
    assert not run.stop_file.exists()


def test_a_lock_is_free_when_its_descriptor_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    handle = take_lock(path, "run")
    assert is_locked(path)
    os.close(handle)
    assert not is_locked(path)


@pytest.mark.parametrize(
    ("writer", "expected"),
    [
        ({}, RunState.RUNNING),  # it has written its end and is about to leave
        ({"started": 1}, RunState.QUEUED),  # an earlier worker, whose number went to another process
        ({"pid": 2**22 + 1}, RunState.QUEUED),
        ({"boot": "another"}, RunState.QUEUED),
        ({"pid": "many"}, RunState.QUEUED),
    ],
)
def test_a_held_lock_with_a_recorded_end_is_a_worker_that_exits_or_a_new_one(
    run: RunFolder, writer: dict[str, Any], expected: RunState
) -> None:
    lock = take_lock(run.lock_file, run.name)
    write_status(run, RunState.STOPPED, "Stopped by the user.")
    change_writer(run, **writer)
    assert read_status(run) == RunStatus(expected)
    os.close(lock)
    assert read_status(run) == RunStatus(RunState.STOPPED, "Stopped by the user.")


@pytest.mark.parametrize("pid", [os.getpid(), 1], ids=["this process", "init"])
def test_a_reused_process_id_is_not_a_worker(run: RunFolder, pid: int) -> None:
    status = read_status(dead_run(run, pid=pid, started=1))
    assert status.state is RunState.INTERRUPTED
    assert "ended unexpectedly" in status.reason


def test_a_restart_of_the_machine_is_reported(run: RunFolder) -> None:
    status = read_status(dead_run(run, boot="the boot before"))
    assert status.state is RunState.INTERRUPTED
    assert status.reason == "The machine was restarted before the run ended. Resume the run."


def test_the_oom_killer_is_reported_but_not_for_earlier_deaths(run: RunFolder, tmp_path: Path) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom 4\noom_kill 3\n")
    dead_run(run, oom_counter=str(counter), oom_kills=3)
    copy = run.status_file.read_bytes()
    assert "ended unexpectedly" in read_status(run).reason
    counter.write_text("low 0\noom 5\noom_kill 4\n")
    assert "ended unexpectedly" in read_status(run).reason  # that one came later and hit something else

    run.status_file.write_bytes(copy)
    reason = read_status(run).reason
    assert "OOM killer" in reason
    assert "more accumulation_steps" in reason
    counter.unlink()
    assert read_status(run) == written_status(run) == RunStatus(RunState.INTERRUPTED, reason)


def test_a_recorded_cause_keeps_the_other_fields_and_needs_no_write_permission(run: RunFolder) -> None:
    dead_run(run, boot="the boot before")
    before = json.loads(run.status_file.read_text())
    reason = read_status(run).reason
    after = json.loads(run.status_file.read_text())
    assert after == {**before, "state": "interrupted", "reason": reason}
    # Where nothing can be written the verdict is worked out at each look.
    write_status(run, RunState.RUNNING)
    change_writer(run, boot="the boot before")
    content = run.status_file.read_bytes()
    with files_up_to(0):
        assert read_status(run).reason == reason
    assert run.status_file.read_bytes() == content


def test_a_cause_does_not_overwrite_the_status_of_a_new_worker(run: RunFolder) -> None:
    dead_run(run)
    values, written = json.loads(run.status_file.read_text()), state._read(run)
    assert written is not None
    lock = take_lock(run.lock_file, run.name)
    state._settle(run, written, "too late")
    assert json.loads(run.status_file.read_text()) == values
    write_status(run, RunState.DONE)
    os.close(lock)
    state._settle(run, written, "too late")
    assert read_status(run) == RunStatus(RunState.DONE)


def test_this_process_is_identified_as_alive() -> None:
    process = this_process()
    assert process.pid == os.getpid()
    assert process.lives
    assert not process.rebooted_since
    assert not process.killed_for_memory
