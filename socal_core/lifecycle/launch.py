"""Start and stop the worker of a run, which is a separate process."""

import os

from socal_core.errors import ConfigError, RunError, TooManyFilesError
from socal_core.file_handles import os_reason
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.background import start_module
from socal_core.lifecycle.cross_validation import unfinished_folds
from socal_core.lifecycle.further import how_to_continue
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, read_status, write_status, written_status
from socal_core.runs.cross_validation import is_cross_validation
from socal_core.runs.folder import RunFolder

LOCK_VARIABLE = "SOCAL_RUN_LOCK"
"""The environment variable with the descriptor of the lock that a worker inherits."""
LOCK_IN_PARENT = "parent"
"""The value of the variable for the processes of torchrun, which holds the lock for them."""


def start(run: RunFolder, resume: bool = False) -> None:
    """Start the worker of a run in the background, where it waits for its turn (lifecycle/waiting.py).

    Args:
        run: The run.
        resume: Whether to continue from the newest checkpoint.

    Raises:
        RunError: The run is active or done, or its folder is missing or damaged. Then nothing changes.
    """
    environment = _environment(run)
    try:
        lock = take_lock(run.lock_file, run.name)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be started: {os_reason(error)}.") from None
    try:
        if written_status(run).state is RunState.DONE and not unfinished_folds(run):
            raise RunError(f"Run {run.name} is done. {how_to_continue(run)}")
        run.stop_file.unlink(missing_ok=True)  # meant for an earlier worker
        write_status(run, RunState.QUEUED)
        run_queue.enter(run)
        _start_worker(run, resume, lock, environment)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be started: {os_reason(error)}.") from None
    finally:
        # The child has its own copy of the descriptor: from here on only the worker holds the lock.
        os.close(lock)


def request_stop(run: RunFolder) -> None:
    """Ask the worker of a run to stop, at the next step or while it waits; a run that has ended is not changed.

    Raises:
        RunError: The folder of the run cannot be written to.
    """
    if not read_status(run).state.alive:
        return
    try:
        run.stop_file.touch()
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be asked to stop: {os_reason(error)}.") from None


def _environment(run: RunFolder) -> dict[str, str]:
    """Return the additional environment variables of the worker; raise a RunError if no worker can start."""
    if not run.path.is_dir():
        raise RunError(f"Run {run.name} cannot be started: its folder is missing. Restore it, or start a new run.")
    try:
        config = run.read_config()
    except ConfigError as error:
        raise RunError(
            f"Run {run.name} cannot be started: in its config.json, {error.without_file}. Start a new run."
        ) from None
    return {} if config.model.allow_download else {"HF_HUB_OFFLINE": "1"}


def _start_worker(run: RunFolder, resume: bool, lock: int, environment: dict[str, str]) -> None:
    worker = f"socal_core.training.{'cross_validation' if is_cross_validation(run) else 'worker'}"
    arguments = [worker, str(run.path.resolve()), *(["--resume"] if resume else [])]
    try:
        start_module(
            ["socal_core.lifecycle.waiting", *arguments], run.log_file, lock, {LOCK_VARIABLE: str(lock), **environment}
        )
    except OSError as error:
        write_status(run, RunState.FAILED, f"The training process could not be started: {os_reason(error)}.")
        raise
    except TooManyFilesError as error:
        write_status(run, RunState.FAILED, f"The training process could not be started. {error}")
        raise
