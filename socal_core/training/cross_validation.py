"""The process that trains a cross-validation: `python -m socal_core.training.cross_validation RUN_DIR [--resume]`.

It trains the folds one after another, each as a run of its own, and pools their predictions.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from socal_core.errors import RunError, SocalError
from socal_core.evaluation.cross_validation import finish_cross_validation
from socal_core.lifecycle.cross_validation import check_folds, create_folds, is_finished
from socal_core.lifecycle.further import frames_seen_before, seen_before
from socal_core.lifecycle.gpus import visible_gpus
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.cross_validation import Fold, stop_requested
from socal_core.runs.events import EventLog
from socal_core.runs.files.event_types import EVENTS_FORMAT, Event
from socal_core.runs.folder import RunFolder
from socal_core.training.end_hook import hook_after
from socal_core.training.run_end import RunEnd, reason_of
from socal_core.training.stop import StopRequested
from socal_core.training.turn import lock_held, signals_stop
from socal_core.training.worker import main, work

logger = logging.getLogger(__name__)

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def cross_validate(run: RunFolder, echo: Callable[[Event], None] | None = None, restarts: bool = False) -> RunState:
    """Train the folds of a cross-validation in this process, and pool their test predictions.

    Folds that are finished are skipped, and others continue from their newest checkpoint.

    Args:
        run: The cross-validation.
        echo: Receives each event, also those of the folds.
        restarts: Whether a fold is trained in a child process that restarts if it is killed, as far as the settings
            allow that.

    Returns:
        The state in which it ended.
    """
    report = EventLog(run.events_file, echo).append
    end = RunEnd(run, report, writes=True)
    with hook_after(run, end), lock_held(run), end, signals_stop(run):
        write_status(run, RunState.RUNNING)
        # They may belong to a fold that is trained again.
        run.metrics_file.unlink(missing_ok=True)
        run.predictions_file.unlink(missing_ok=True)
        report("started", format=EVENTS_FORMAT, epoch=0, step=0)
        folds = _open_folds(run, report)
        for number, fold in enumerate(folds, start=1):
            if stop_requested(run):
                raise StopRequested
            if not is_finished(fold):
                title = f"Fold {number} of {len(folds)}"
                report("stage", stage=title, done=0, total=1)
                _train(fold, title, echo, restarts)
        report("stage", stage="Pooling the predictions of all folds", done=0, total=1)
        finish_cross_validation(run)
    return end.state


def _open_folds(run: RunFolder, report: Callable[..., None]) -> list[Fold]:
    """Create the folds that do not exist, and report what limits their scores.

    These are subsets with only one outcome, and test trials that the model has seen before.
    """
    dataset, config = run.open_dataset(), run.read_config()
    folds = create_folds(run, dataset)
    model, split = config.model.model, run.read_split()
    seen = (seen_before(model, split), frames_seen_before(model, split, dataset.fingerprint))
    for message in (*check_folds(dataset.usable_trials, config, folds), *filter(None, seen)):
        report("notice", message=message)
    return folds


def _train(fold: Fold, title: str, echo: Callable[[Event], None] | None, restarts: bool) -> None:
    """Train and evaluate a fold.

    Raises:
        StopRequested: It was stopped.
        RunError: It failed. The message names the fold.
    """
    with _all_gpus_visible() as gpus:
        try:
            # PyTorch keeps the GPU that it has used first, and the next fold may be given another one.
            state = work(fold.run, resume=True, echo=echo, restarts=restarts, in_child=bool(gpus))
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
