"""Starting and stopping a run's worker, a process of its own."""

import os

from socal_core.errors import RunError
from socal_core.runs.background import start_module
from socal_core.runs.folder import RunFolder
from socal_core.runs.lock import take_lock
from socal_core.runs.state import RunState, read_status, write_status, written_status

LOCK_VARIABLE = "SOCAL_RUN_LOCK"
"""Tells a worker the descriptor of the lock that it was born with."""
LOCK_IN_PARENT = "parent"
"""Its value for the processes of torchrun, which keeps the lock for them."""


def start(run: RunFolder, resume: bool = False) -> None:
    """Start the run's worker in the background; RunError when one is at it or the run is done."""
    try:
        lock = take_lock(run.lock_file, run.name)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be started: {error.strerror}.") from None
    try:
        if written_status(run).state is RunState.DONE:
            raise RunError(f"Run {run.name} is done. Start a new run for other settings.")
        run.stop_file.unlink(missing_ok=True)  # meant for an earlier worker
        write_status(run, RunState.QUEUED)
        arguments = ["socal_core.training.worker", str(run.path.resolve()), *(["--resume"] if resume else [])]
        environment = {LOCK_VARIABLE: str(lock)}
        if not run.read_config().allow_download:
            environment["HF_HUB_OFFLINE"] = "1"
        start_module(arguments, run.log_file, lock, environment)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be started: {error.strerror}.") from None
    finally:
        # The child keeps its own copy: from here on the lock is the worker's alone.
        os.close(lock)


def request_stop(run: RunFolder) -> None:
    """Ask a living worker to stop at the next step; nothing happens to a run that has ended."""
    if read_status(run).state.alive:
        run.stop_file.touch()
