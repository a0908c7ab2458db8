"""Starting and stopping a run's worker, a process of its own."""

import os

from socal_core.errors import ConfigError, RunError
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.background import start_module
from socal_core.lifecycle.further import how_to_continue
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, read_status, write_status, written_status
from socal_core.runs.folder import RunFolder

LOCK_VARIABLE = "SOCAL_RUN_LOCK"
"""Tells a worker the descriptor of the lock that it was born with."""
LOCK_IN_PARENT = "parent"
"""Its value for the processes of torchrun, which keeps the lock for them."""


def start(run: RunFolder, resume: bool = False) -> None:
    """Start the run's worker in the background, where it waits for its turn (lifecycle/run_queue.py).

    RunError when a worker is at it, when the run is done, or when its folder is gone or damaged; then nothing changes.
    """
    environment = _environment(run)
    try:
        lock = take_lock(run.lock_file, run.name)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be started: {error.strerror}.") from None
    try:
        if written_status(run).state is RunState.DONE:
            raise RunError(f"Run {run.name} is done. {how_to_continue(run)}")
        run.stop_file.unlink(missing_ok=True)  # meant for an earlier worker
        write_status(run, RunState.QUEUED)
        run_queue.enter(run)
        _start_worker(run, resume, lock, environment)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be started: {error.strerror}.") from None
    finally:
        # The child keeps its own copy: from here on the lock is the worker's alone.
        os.close(lock)


def request_stop(run: RunFolder) -> None:
    """Ask a living worker to stop, at the next step or while it waits; nothing happens to a run that has ended."""
    if not read_status(run).state.alive:
        return
    try:
        run.stop_file.touch()
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be asked to stop: {error.strerror}.") from None


def _environment(run: RunFolder) -> dict[str, str]:
    """What the worker's environment has beside that of this process; RunError where no worker could begin."""
    if not run.path.is_dir():
        raise RunError(f"Run {run.name} cannot be started: its folder is gone. Bring it back, or start a new run.")
    try:
        config = run.read_config()
    except ConfigError as error:
        raise RunError(f"Run {run.name} cannot be started, in its config.json {error}. Start a new run.") from None
    return {} if config.model.allow_download else {"HF_HUB_OFFLINE": "1"}


def _start_worker(run: RunFolder, resume: bool, lock: int, environment: dict[str, str]) -> None:
    arguments = ["socal_core.training.worker", str(run.path.resolve()), *(["--resume"] if resume else [])]
    try:
        start_module(arguments, run.log_file, lock, {LOCK_VARIABLE: str(lock), **environment})
    except OSError as error:
        write_status(run, RunState.FAILED, f"The training process could not be started: {error.strerror}.")
        raise
