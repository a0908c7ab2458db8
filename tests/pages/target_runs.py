"""Runs that predict another target than success, written by hand, and a data folder for them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from socal_core.dataset.opening import open_dataset
from socal_core.dataset.target_choice import with_target
from socal_core.dataset.targets import Target
from socal_core.evaluation.compare import Ranking
from socal_core.evaluation.target_metrics import labels_of, scores_of_test_trials, with_outputs
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.events import EventLog
from socal_core.runs.files.metrics_record import TargetMetrics
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.splits import split_dataset
from tests.factories import write_dataset, write_outcomes

HOSTILE = ["<script>alert(1)</script>", "**bold** [link](https://outside.example)", "😀" + "x" * 300]
GRADES = ["low", "middle", "high"]
TRIALS = 22
LOSSES: list[object] = [*(100.0 + 35 * number for number in range(TRIALS - 2)), "NA", ""]
"""The blood loss of the trials, of which the last two are unknown."""


def write_outcome_data(folder: Path, grades: list[str] = GRADES) -> Path:
    """Write the data of `write_dataset` for 22 trials, with their blood loss and the columns grade and notes."""
    data = write_dataset(folder, surgeons=TRIALS // 2)
    grade: list[object] = [grades[number % len(grades)] for number in range(TRIALS)]
    return write_outcomes(
        data, blood_loss=LOSSES, grade=grade, notes=[f"note {number} about it" for number in range(TRIALS)]
    )


def write_target_run(
    path: Path, data: Path, column: str, state: RunState = RunState.DONE, epochs: int = 3, **settings: object
) -> RunFolder:
    """Write a run that trained some epochs; one that is done has predictions and metrics."""
    given = {"model": TINY, "recipe": "finetune", "validation_fraction": 0.2, "test_fraction": 0.4, "target": column}
    config = config_from(given | settings, TINY)
    dataset = with_target(open_dataset(data), column)
    split = split_dataset(dataset, config.split)
    values = dataset.target_values
    target = dataset.target.standardized_on(values[list(split.train)])
    run = RunFolder.create(path, config, data)
    run.write_split(split)
    run.write_target(target)
    write_target_events(run, target, epochs)
    write_status(run, state, "Stopped by the user." if state is RunState.STOPPED else "")
    if state is not RunState.DONE:
        return run
    subsets = {"train": split.train, "validation": split.validation, "test": split.test}
    rows = [(trial, subset) for subset, trials in subsets.items() for trial in trials]
    table = pd.DataFrame(rows, columns=["trial_id", "split"])
    table["participant_id"] = dataset.trials.loc[table["trial_id"], "participant_id"].to_numpy()
    known = values[table["trial_id"].to_list()].reset_index(drop=True)
    table["label"] = labels_of(known, target)
    table = with_outputs(table, _outputs(known, target), target)
    run.write_predictions(table)
    run.write_metrics(_metrics(table, target, unknown=int((dataset.trials["n_frames"] > 0).sum()) - len(values)))
    return run


def write_target_events(run: RunFolder, target: Target, epochs: int) -> None:
    """Append the events of some epochs of ten: a number has the validation RMSE, classes accuracy and AUROC."""
    log = EventLog(run.events_file)
    log.append("started", epoch=0)
    for epoch in range(1, epochs + 1):
        log.append("step", epoch=epoch, epochs=10, step=1, steps=1, loss=1.0 / epoch, learning_rate=1e-3)
        score = {"val_accuracy": 0.4 + 0.1 * epoch, "val_auroc": 0.6}
        scores: dict[str, Any] = {"val_rmse": 400.0 / epoch} if target.is_number else score
        losses = {"train_loss": 1.1 / epoch, "val_loss": 1.2 / epoch}
        log.append("epoch", epoch=epoch, epochs=10, **losses, **scores, learning_rate=1e-3, seconds=2.0, best=True)


def _outputs(values: pd.Series, target: Target) -> np.ndarray:
    """Return predictions that are right for most trials: each third number is far off, each third class is another."""
    wrong = np.arange(len(values)) % 3 == 0
    if target.is_number:
        return (values + np.where(wrong, 150.0, -20.0)).to_numpy()[:, None]
    shown = (values.to_numpy() + wrong) % target.outputs
    return np.full((len(values), target.outputs), 0.1) + np.eye(target.outputs)[shown] * (1 - 0.1 * target.outputs)


def _metrics(table: pd.DataFrame, target: Target, unknown: int) -> TargetMetrics:
    found = scores_of_test_trials(table, target)
    main = found["main"]
    factor = 2.0 if target.is_number else 0.5
    worse = {name: None if value is None else value * factor for name, value in found["scores"].items()}
    value = found["scores"][main] or 0.0
    difference = value - factor * value
    control = {
        "key": "colour",
        "name": "Colour",
        "description": "A regression on the mean colour.",
        "scores": worse,
        "difference": difference,
        "difference_interval": tuple(sorted((0.5 * difference, 1.5 * difference))),
        "verdict": str(Ranking.BETTER),
    }
    absent = control | {
        "key": "tools",
        "name": "Tools over time",
        "description": "The tools control was not computed: the data have no boxes.",
        "scores": dict.fromkeys(found["scores"]),
        "difference": None,
        "difference_interval": None,
        "verdict": None,
    }
    found["intervals"][main] = (0.8 * value, 1.1 * value)
    return {
        **found,
        "task": "prediction",
        "share_ending_inside": 0.1,
        "window": "first 60 s",
        "model": {"recipe": "finetune", "text": "weights of epoch 3 (lowest validation loss)"},
        "epoch": 3,
        "validation_trials": 4,
        "left_out": [],
        "stand_ins": [],
        "controls": [control, absent],
        "cross_validation": None,
        "unknown": unknown,
    }
