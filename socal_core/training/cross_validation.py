"""The process that trains a cross-validation: `python -m socal_core.training.cross_validation RUN_DIR [--resume]`.

It trains the folds one after another, each as a run of its own, and pools their predictions. Under torchrun, each fold
is trained by all processes: the results do not depend on their number, and folds need no more memory at the same time.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from socal_core.errors import RunError, SocalError
from socal_core.evaluation.cross_validation import finish_cross_validation
from socal_core.lifecycle.cross_validation import check_folds, create_folds, is_finished
from socal_core.lifecycle.further import frames_seen_before, seen_before
from socal_core.lifecycle.gpus import visible_gpus
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.cross_validation import Fold, folds_of, stop_requested
from socal_core.runs.events import EventLog
from socal_core.runs.files.event_types import EVENTS_FORMAT, Event
from socal_core.runs.folder import RunFolder
from socal_core.training.end_hook import hook_after
from socal_core.training.run_end import RunEnd, reason_of
from socal_core.training.signals import signals_stop
from socal_core.training.stop import StopRequested
from socal_core.training.turn import is_main_process, lock_held
from socal_core.training.worker import ignore_event, main, work

logger = logging.getLogger(__name__)

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def cross_validate(run: RunFolder, echo: Callable[[Event], None] | None = None, restarts: bool = False) -> RunState:
    """Train the folds of a cross-validation in this process, or all that torchrun started, and pool their predictions.

    Folds that are finished are skipped, and others continue from their newest checkpoint.

    Args:
        run: The cross-validation.
        echo: Receives each event, also those of the folds.
        restarts: Whether a fold is trained in a child process that restarts if it is killed, as far as the settings
            allow that.

    Returns:
        The state in which it ended.
    """
    writes = is_main_process()
    report = EventLog(run.events_file, echo).append if writes else ignore_event
    end = RunEnd(run, report, writes)
    with hook_after(run, end), lock_held(run), end, nullcontext() if _under_torchrun() else signals_stop(run):
        if writes:
            write_status(run, RunState.RUNNING)
            # They may belong to a fold that is trained again.
            run.metrics_file.unlink(missing_ok=True)
            run.predictions_file.unlink(missing_ok=True)
            report("started", format=EVENTS_FORMAT, epoch=0, step=0)
            _create_folds(run, report)
        _wait_for_all_processes()
        folds = folds_of(run)
        left = {fold for fold in folds if not is_finished(fold)}
        for number, fold in enumerate(folds, start=1):
            if _is_stopped(run):
                raise StopRequested
            if fold in left:
                title = f"Fold {number} of {len(folds)}"
                report("stage", stage=title, done=0, total=1)
                _train(fold, title, echo, restarts)
        if writes:
            report("stage", stage="Pooling the predictions of all folds", done=0, total=1)
            finish_cross_validation(run)
        _wait_for_all_processes()
    return end.state


def _under_torchrun() -> bool:
    return "RANK" in os.environ


def _wait_for_all_processes() -> None:
    if _under_torchrun():
        from socal_core.training.distributed import wait_for_all_processes  # loads PyTorch, which only folds need

        wait_for_all_processes()


def _is_stopped(run: RunFolder) -> bool:
    """Check whether the cross-validation was asked to stop; all processes get the same answer."""
    requested = stop_requested(run)
    if not _under_torchrun():
        return requested
    from socal_core.models.processes import seen_by_any  # see above

    return seen_by_any(requested)


def _create_folds(run: RunFolder, report: Callable[..., None]) -> None:
    """Create the folds that do not exist, and report what limits their scores.

    These are subsets with only one outcome, and test trials that the model has seen before.
    """
    dataset, config = run.open_dataset(), run.read_config()
    folds = create_folds(run, dataset)
    model, split = config.model.model, run.read_split()
    seen = (seen_before(model, split), frames_seen_before(model, split, dataset.fingerprint))
    for message in (*check_folds(dataset, config, folds), *filter(None, seen)):
        report("notice", message=message)


def _train(fold: Fold, title: str, echo: Callable[[Event], None] | None, restarts: bool) -> None:
    """Train and evaluate a fold.

    Raises:
        StopRequested: It was stopped.
        RunError: It failed. The message names the fold.
    """
    with _all_gpus_visible() as gpus:
        try:
            # PyTorch keeps the GPU that it has used first, and the next fold may be given another one. Processes of
            # torchrun keep theirs.
            in_child = bool(gpus) and not _under_torchrun()
            state = work(fold.run, resume=True, echo=echo, restarts=restarts, in_child=in_child)
        except SocalError as error:
            raise RunError(_failure(fold, title, str(error))) from None
        except Exception:
            logger.exception("%s failed.", title)
            raise RunError(_failure(fold, title, reason_of(fold.run))) from None
    if state is RunState.STOPPED:
        raise StopRequested
    if state is RunState.FAILED:
        raise RunError(_failure(fold, title, reason_of(fold.run)))


@contextmanager
def _all_gpus_visible() -> Iterator[tuple[str, ...]]:
    """Return the GPUs that folds may use; afterwards restore CUDA_VISIBLE_DEVICES, which a fold changes."""
    before = os.environ.get(_VISIBLE)
    try:
        yield visible_gpus()
    finally:
        os.environ.pop(_VISIBLE, None)
        if before is not None:
            os.environ[_VISIBLE] = before


def _failure(fold: Fold, title: str, reason: str) -> str:
    return f"{title} ({fold.run.name}) failed: {reason} Resume the cross-validation to try this fold again."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda run, resume, *others: cross_validate(run, *others)))
