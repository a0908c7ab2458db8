"""Run folders of other targets than success as a worker would leave them, written by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.target_choice import with_target
from socal_core.evaluation.cross_validation import finish_cross_validation
from socal_core.evaluation.target_controls import target_controls
from socal_core.evaluation.target_metrics import labels_of, scores_of_test_trials, with_outputs
from socal_core.lifecycle.cross_validation import make_cross_validation
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.files.target_metrics_record import TargetMetrics
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, TrainConfig, config_from
from socal_core.splits import Split, SplitMethod, split_dataset
from tests.factories import write_dataset, write_outcomes
from tests.made_runs import MODEL_TEXTS, clips_of, write_events

NUMBER, CLASSES = "blood_loss", "grade"
"""The targets of the data folder: a number in mL, and the classes Fair, good and poor."""
SURGEONS = 12
SETTINGS = {"recipe": "finetune", "validation_fraction": 0.2, "test_fraction": 0.25}
FOLDS = {"split_method": "k-fold", "folds": 3, "validation_fraction": 0.2}


def write_target_dataset(root: Path, surgeons: int = SURGEONS) -> Path:
    """Write a data folder as `write_dataset` does, with varying times and blood losses, and grades.

    The blood loss grows with the time to haemostasis. That of the first trial and the grade of the second are unknown.
    """
    trials = 2 * surgeons
    chance = np.random.default_rng(0)
    time = chance.integers(60, 300, trials)
    loss = 3 * time + chance.integers(0, 300, trials)
    grades = [["good", "Fair", "poor"][number % 3] for number in range(trials)]
    write_dataset(root, surgeons=surgeons, frames=4)
    return write_outcomes(
        root, tth=time.tolist(), blood_loss=["", *loss.tolist()[1:]], grade=[grades[0], "n/a", *grades[2:]]
    )


def write_target_run(path: Path, data: Path, target: str, skill: float = 0.4, **settings: object) -> RunFolder:
    """Write a run with a target that trained some epochs and is done, with predictions and metrics.

    `skill` 0 to 1 is how far its predictions follow the true values.
    """
    config = config_from({**SETTINGS, **settings, "target": target, "model": TINY}, TINY)
    dataset = with_target(open_dataset(data), target)
    run = RunFolder.create(path, config, data)
    fill_target_run(run, dataset, split_dataset(dataset, config.split), config, skill)
    return run


def write_target_cross_validation(
    path: Path, data: Path, target: str, repeats: int = 1, **settings: object
) -> RunFolder:
    """Write a cross-validation with a target, whose folds are done."""
    config = config_from({**SETTINGS, **FOLDS, **settings, "target": target, "model": TINY}, TINY)
    dataset = with_target(open_dataset(data), target)
    run = make_cross_validation(path, config, dataset, repeats=repeats)
    for fold in folds_of(run):
        of_fold = fold.settings(config)
        created = RunFolder.create(fold.run.path, of_fold, data)
        fill_target_run(created, dataset, split_dataset(dataset, of_fold.split), of_fold, skill=0.4)
    tested = {trial for fold in folds_of(run) for trial in fold.run.read_split().test}
    run.write_split(Split((), (), tuple(sorted(tested)), 0, SplitMethod.KFOLD))
    write_status(run, RunState.DONE, "")
    finish_cross_validation(run)
    return run


def fill_target_run(run: RunFolder, dataset: Dataset, split: Split, config: TrainConfig, skill: float) -> None:
    """Write split, target, events, state, predictions and metrics of a run that is done."""
    run.write_split(split)
    target = dataset.target.standardized_on(dataset.target_values[list(split.train)])
    run.write_target(target)
    write_events(run, 4, config.optimization.num_epochs)
    write_status(run, RunState.DONE, "")
    predictions = predicted(run.open_dataset(), split, skill)
    window = config.clip.observation
    metrics: TargetMetrics = {
        **scores_of_test_trials(predictions, target),
        "controls": target_controls(run.open_dataset(), predictions, window, clips_of(dataset, predictions)),
        "cross_validation": None,
        "unknown": 1,
        "task": "prediction",
        "share_ending_inside": 0.1,
        "window": window.describe(),
        "model": {"recipe": str(config.model.recipe), "text": MODEL_TEXTS[config.model.recipe]},
        "epoch": 3,
        "validation_trials": len(split.validation),
        "left_out": [],
        "stand_ins": [],
    }
    run.write_predictions(predictions)
    run.write_metrics(metrics)


def predicted(dataset: Dataset, split: Split, skill: float) -> pd.DataFrame:
    """Return made predictions of all trials of a split."""
    sides = {"train": split.train, "validation": split.validation, "test": split.test}
    rows = [(trial, side) for side, trials in sides.items() for trial in trials]
    trials = dataset.trials.loc[[trial for trial, _ in rows]]
    values = dataset.target_values[trials.index]
    table = pd.DataFrame(
        {
            "trial_id": trials.index,
            "participant_id": trials["participant_id"].to_numpy(),
            "split": [side for _, side in rows],
            "label": labels_of(values, dataset.target).to_numpy(),
        }
    )
    return with_outputs(table, _outputs(values, dataset, np.random.default_rng(split.seed), skill), dataset.target)


def _outputs(values: pd.Series, dataset: Dataset, chance: np.random.Generator, skill: float) -> NDArray[np.float64]:
    target, n = dataset.target, len(values)
    if target.is_number:
        true = values.to_numpy(float)
        guesses = chance.normal(target.mean, target.scale, n)
        return (skill * true + (1 - skill) * guesses)[:, None]
    guesses = chance.dirichlet(np.ones(target.outputs), n)
    return skill * np.eye(target.outputs)[values.to_numpy(int)] + (1 - skill) * guesses
