"""socal_core.training.signals: runs end on a signal or on the file `stop`, whatever they are doing."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from socal_core.lifecycle.state import RunState, written_status
from socal_core.runs.folder import RunFolder
from socal_core.training.signals import AT_ONCE, interrupted_by_stop
from socal_core.training.stop import StopRequested
from tests.training.small_runs import new_run

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
BUSY = """
import hashlib, sys
from pathlib import Path
from socal_core.runs.folder import RunFolder
from socal_core.training.signals import signals_stop
with signals_stop(RunFolder(Path(sys.argv[1]))):
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # returns to Python only after many minutes
"""


@pytest.fixture
def run(tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    return new_run(tmp_path / "run", shared_data_folder)


def test_a_stage_without_checks_ends_when_the_run_is_asked_to_stop(run: RunFolder) -> None:
    end = time.monotonic() + SECONDS
    with pytest.raises(StopRequested), interrupted_by_stop(run):
        run.stop_file.touch()
        while time.monotonic() < end:
            pass
    assert time.monotonic() < end


def test_a_stage_that_is_over_is_not_interrupted(run: RunFolder) -> None:
    with interrupted_by_stop(run):
        pass
    run.stop_file.touch()
    assert sum(range(1000)) == 499_500


def test_a_second_sigterm_ends_a_process_that_does_not_return_to_python(run: RunFolder) -> None:
    command = [sys.executable, "-c", BUSY, str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            end = time.monotonic() + SECONDS
            while not run.stop_file.exists() and time.monotonic() < end:
                time.sleep(0.01)
            assert run.stop_file.exists(), "the first one asks the run to stop"
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 128 + signal.SIGTERM
        finally:
            process.kill()
    assert (written_status(run).state, written_status(run).reason) == (RunState.STOPPED, AT_ONCE)


EXHAUSTED = """
import sys
from pathlib import Path
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.folder import RunFolder
from socal_core.training.signals import end_at_once
from tests.few_handles import few_handles
run = RunFolder(Path(sys.argv[1]))
write_status(run, RunState.RUNNING)
with few_handles(0):
    end_at_once(lambda: write_status(run, RunState.STOPPED))
"""


def test_a_process_with_too_many_open_files_still_ends_at_once(run: RunFolder) -> None:
    command = [sys.executable, "-c", EXHAUSTED, str(run.path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (128 + signal.SIGTERM, "")
    assert written_status(run).state is RunState.RUNNING, "the status that could not be replaced is complete"
    assert [path for path in run.path.rglob("*.tmp")] == []


PENDING = """
import os, signal, sys
from pathlib import Path
from socal_core.lifecycle.waiting import STOP_SIGNALS
signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # as in a process that becomes the worker
from socal_core.runs.folder import RunFolder  # starts threads
from socal_core.training.signals import signals_stop
os.kill(os.getpid(), signal.SIGTERM)
with signals_stop(RunFolder(Path(sys.argv[1]))):
    print("goes on")
"""


def test_a_signal_from_before_the_worker_is_ready_stops_the_run(run: RunFolder) -> None:
    result = subprocess.run([sys.executable, "-c", PENDING, str(run.path)], capture_output=True, text=True, check=True)
    assert result.stdout == "goes on\n"
    assert run.stop_file.exists()
