"""What a worker holds while it trains a run: the lock of the run, its slot in the queue, and its signals."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from socal_core.errors import RunError
from socal_core.file_handles import os_reason
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.launch import LOCK_IN_PARENT, LOCK_VARIABLE
from socal_core.lifecycle.lock import take_lock
from socal_core.runs.cross_validation import stop_requested
from socal_core.runs.folder import RunFolder
from socal_core.training.signals import signals_stop
from socal_core.training.stop import StopRequested


@contextmanager
def lock_held(run: RunFolder) -> Iterator[int | None]:
    """Hold the lock of the run, and give its descriptor; None if a parent process holds it."""
    inherited = os.environ.pop(LOCK_VARIABLE, None)
    if inherited == LOCK_IN_PARENT or not is_main_process():
        yield None
        return
    if inherited is None:
        try:
            lock = take_lock(run.lock_file, run.name)
        except OSError as error:
            raise RunError(f"Run {run.name} cannot be started: {os_reason(error)}.") from None
        run.stop_file.unlink(missing_ok=True)  # meant for an earlier worker
    else:
        lock = int(inherited)
    os.set_inheritable(lock, True)  # for child processes that train
    try:
        yield lock
    finally:
        os.close(lock)


@contextmanager
def turn(run: RunFolder, lock: int | None, report: Callable[..., None]) -> Iterator[None]:
    """Wait for the run's turn and hold its slot; processes that torchrun started use the slot of their parent."""
    if lock is None or "RANK" in os.environ:
        yield
        return

    def check_stop() -> None:
        if stop_requested(run):
            raise StopRequested

    with (
        signals_stop(run),
        run_queue.slot(run, check_stop, lambda text: report("stage", stage=text, done=0, total=1)) as gpus,
    ):
        if gpus is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        yield


def is_main_process() -> bool:
    """Check whether this process has rank 0, as the only process of a run does."""
    return os.environ.get("RANK", "0") == "0"
