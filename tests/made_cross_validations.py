"""Cross-validations as their worker would leave them, written by hand."""

from pathlib import Path
from typing import Any

from socal_core.dataset.opening import open_dataset
from socal_core.evaluation.cross_validation import finish_cross_validation
from socal_core.lifecycle.cross_validation import make_cross_validation
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.events import EventLog
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.splits import Split, SplitMethod
from tests.made_runs import write_run

SETTINGS = {"recipe": "finetune", "split_method": "k-fold", "folds": 3, "validation_fraction": 0.2}


def write_cross_validation(
    path: Path, data: Path, repeats: int = 1, done: int | None = None, state: RunState = RunState.DONE, **settings: Any
) -> RunFolder:
    """Write a cross-validation in a state. `done` folds are evaluated, by default all, and the next has failed."""
    values = SETTINGS | settings
    dataset = open_dataset(data)
    run = make_cross_validation(path, config_from(values, TINY), dataset, repeats=repeats)
    folds = folds_of(run)
    for fold in folds[:done]:
        write_run(fold.run.path, data, **{**values, "fold": fold.number, "seed": fold.seed})
    log = EventLog(run.events_file)
    log.append("started", epoch=0, step=0)
    log.append("stage", stage=f"Fold {len(folds[:done])} of {len(folds)}", done=0, total=1)
    write_status(run, state, "Fold 2 of 3 (fold-2) failed: The disk is full." if state is RunState.FAILED else "")
    if done is None:
        tested = {trial for fold in folds for trial in fold.run.read_split().test}
        run.write_split(Split((), (), tuple(sorted(tested)), 0, SplitMethod.KFOLD))
        finish_cross_validation(run)
    elif state is RunState.FAILED:
        write_run(folds[done].run.path, data, RunState.FAILED, **{**values, "fold": done + 1, "seed": folds[done].seed})
    return run
