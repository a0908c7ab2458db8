"""socal_core.runs.state, lock and launch: what is shown is what is true."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from socal_core.errors import RunError
from socal_core.runs.config import TINY, default_config
from socal_core.runs.folder import RunFolder
from socal_core.runs.launch import request_stop, start
from socal_core.runs.lock import is_locked, take_lock
from socal_core.runs.state import RunState, read_status, write_status

HOLD = """
import sys, pathlib
from socal_core.runs.folder import RunFolder
from socal_core.runs.lock import take_lock
from socal_core.runs.state import RunState, write_status
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
    """A process that holds the run's lock and calls the run running, until it is killed."""
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


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "sleeping", "reason": ""}', '{"state": 3}'])
def test_a_damaged_status_is_no_traceback(run: RunFolder, content: str) -> None:
    run.status_file.write_text(content)
    assert read_status(run).state is RunState.INTERRUPTED


def test_a_living_worker_is_running_and_a_killed_one_is_not(run: RunFolder, worker: subprocess.Popen[str]) -> None:
    assert read_status(run).state is RunState.RUNNING
    worker.send_signal(signal.SIGKILL)
    # Not waited for: the dead process stays as a zombie, whose number still answers.
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    os.kill(worker.pid, 0)
    assert read_status(run).state is RunState.INTERRUPTED


def test_a_second_worker_is_refused(run: RunFolder, worker: subprocess.Popen[str]) -> None:
    with pytest.raises(RunError, match="is at work already"):
        start(run)
    assert read_status(run).state is RunState.RUNNING


def test_stopping_shows_while_the_worker_lives_and_touches_no_ended_run(
    run: RunFolder, worker: subprocess.Popen[str]
) -> None:
    assert not read_status(run).stopping
    request_stop(run)
    assert read_status(run).stopping
    worker.kill()
    worker.wait()
    run.stop_file.unlink()
    request_stop(run)
    assert not run.stop_file.exists()


def test_a_done_run_is_not_started_again(run: RunFolder) -> None:
    write_status(run, RunState.DONE)
    with pytest.raises(RunError, match="is done"):
        start(run)
    assert read_status(run).state is RunState.DONE


def test_a_lock_goes_with_its_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    handle = take_lock(path, "run")
    assert is_locked(path)
    os.close(handle)
    assert not is_locked(path)


def test_a_run_that_has_gone_cannot_be_started(run: RunFolder) -> None:
    shutil.rmtree(run.path)
    with pytest.raises(RunError, match="run-1 cannot be started") as caught:
        start(run)
    assert str(run.path) not in str(caught.value)
