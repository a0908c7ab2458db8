"""Run folders as a worker would leave them, written by hand: for tests of whatever reads runs."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import Stamp, stamp_of
from socal_core.dataset.opening import open_dataset
from socal_core.evaluation.controls import controls
from socal_core.evaluation.metrics import choose_threshold
from socal_core.evaluation.trial_scores import metrics_of_test_trials
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.events import EventLog
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, Recipe, TrainConfig, config_from
from socal_core.splits import make_split

Files = tuple[tuple[str, Stamp], ...]
MODEL_TEXTS = {
    Recipe.FINETUNE: "weights of epoch 3 (lowest validation loss)",
    Recipe.FROZEN: "logistic regression on frozen features of EfficientNet-Lite0 (slope over time, C 1)",
}
CHOSEN = {"encoders": ["image"], "statistics": ["slope"], "strength": 1.0, "loss": 0.41, "auroc": 0.83}
"""Of a frozen run: what the inner cross-validation chose."""


def write_run(
    path: Path, data: Path, state: RunState = RunState.DONE, epochs: int = 4, skill: float = 0.6, **settings: object
) -> RunFolder:
    """Write a run that trained some epochs and ended in a state; one that is done has predictions and metrics.

    `skill` 0 to 1 is how far its probabilities follow the outcomes.
    """
    files = _state_of(data)
    config = config_from(
        {"model": TINY, "recipe": "finetune", "validation_fraction": 0.2, "test_fraction": 0.2, **settings}, TINY
    )
    run = RunFolder.create(path, config, data)
    run.write_split(make_split(_opened(data, files).usable_trials, config.split))
    if config.model.recipe is Recipe.FROZEN:
        write_frozen_events(run)
    else:
        write_events(run, epochs, config.optimization.num_epochs)
    reasons = {RunState.STOPPED: "Stopped by the user. It can be resumed.", RunState.FAILED: "The disk is full."}
    write_status(run, state, reasons.get(state, ""))
    if state is RunState.DONE:
        predictions, metrics = _results(data, files, config, epochs, skill)
        run.write_predictions(predictions)
        run.write_metrics(metrics)
    return run


def _state_of(folder: Path) -> Files:
    """Return what tells whether a folder has changed."""
    return tuple((str(path), stamp_of(path.lstat())) for path in sorted(folder.rglob("*")))


@cache
def _opened(data: Path, files: Files) -> Dataset:
    return open_dataset(data)


@cache
def _results(
    data: Path, files: Files, config: TrainConfig, epochs: int, skill: float
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the predictions and metrics of a run that is done; computing them takes half a second."""
    dataset = _opened(data, files)
    split = make_split(dataset.usable_trials, config.split)
    sides = {"train": split.train, "validation": split.validation, "test": split.test}
    rows = [(trial, side) for side, trials in sides.items() for trial in trials]
    trials = dataset.trials.loc[[trial for trial, _ in rows]]
    label = trials["success"].to_numpy(dtype=int)
    noise = np.random.default_rng(config.split.seed).uniform(0, 1, len(label))
    predictions = pd.DataFrame(
        {
            "trial_id": trials.index,
            "participant_id": trials["participant_id"].to_numpy(),
            "split": [side for _, side in rows],
            "label": label,
            "prob_success": skill * label + (1 - skill) * noise,
        }
    )
    validation = predictions[predictions["split"] == "validation"]
    threshold = choose_threshold(validation["label"], validation["prob_success"])
    predictions["predicted"] = (predictions["prob_success"] >= threshold).astype(int)
    window = config.clip.observation
    metrics = {
        **metrics_of_test_trials(predictions),
        "task": "recognition" if window.stop is None else "prediction",
        "share_ending_inside": 1.0 if window.stop is None else 0.1,
        "window": window.describe(),
        "data_fingerprint": dataset.fingerprint,
        "model": {"recipe": str(config.model.recipe), "text": MODEL_TEXTS[config.model.recipe]},
        "epoch": max(1, epochs - 1),
        "threshold": threshold,
        "validation_trials": len(validation),
        "controls": controls(dataset, predictions, window, clips_of(dataset, predictions)),
        "left_out": [],
        "stand_ins": [],
    }
    return predictions, metrics


def clips_of(dataset: Dataset, predictions: pd.DataFrame) -> Iterator[NDArray[np.uint8]]:
    """One clip for each trial, of its first two frames; (1, 2, 3, height, width)."""
    for trial_id in predictions["trial_id"]:
        frames = [dataset.read_frame(frame) for frame in dataset.frames_of(trial_id)["frame"][:2]]
        yield np.stack(frames).transpose(0, 3, 1, 2)[None]


def write_events(run: RunFolder, epochs: int, of: int, steps: int = 5) -> None:
    """Append the events of some epochs of training: losses that fall, the last but one the best."""
    log = EventLog(run.events_file)
    log.append("started", epoch=0)
    log.append("notice", message="S100T1_frame_00000003.jpeg: this is no image. The frame before it stands in.")
    for epoch in range(1, epochs + 1):
        for step in range(1, steps + 1):
            loss = 0.7 - 0.05 * (epoch + step / steps) + 0.02 * (-1) ** step
            log.append("step", epoch=epoch, epochs=of, step=step, steps=steps, loss=loss, learning_rate=1e-3)
        best = epoch < epochs or epochs == 1
        log.append(
            "epoch",
            epoch=epoch,
            epochs=of,
            train_loss=0.7 - 0.05 * epoch,
            val_loss=0.72 - 0.04 * epoch + (0 if best else 0.08),
            val_accuracy=0.5 + 0.05 * epoch,
            val_auroc=0.5 + 0.06 * epoch,
            learning_rate=1e-3,
            seconds=2.5,
            data_wait=0.03,
            best=best,
        )


def write_frozen_events(run: RunFolder, folds: int = 5, fitted: bool = True) -> None:
    """Append the events of a frozen run: two stages, some inner folds of five, the second without a score, the head."""
    log = EventLog(run.events_file)
    log.append("started", epoch=0, step=0)
    for done in range(3):
        log.append("stage", stage="Embedding frames: EfficientNet-Lite0", done=done, total=2)
    log.append("stage", stage="Fitting the head", done=0, total=1)
    for number in range(1, folds + 1):
        scores = {"loss": None, "auroc": None} if number == 2 else {"loss": 0.4, "auroc": 0.5 + number / 10}
        log.append("fold", fold=number, folds=5, surgeons=2, trials=4, successes=2, **scores)
    if fitted:
        member = {**CHOSEN, "member": True}
        other = {**CHOSEN, "statistics": ["mean"], "loss": 0.7, "auroc": 0.5, "member": False}
        validation = {"val_loss": 0.52, "val_accuracy": 0.75, "val_auroc": 0.8}
        scores = {name: CHOSEN[name] for name in ("encoders", "loss", "auroc")}
        log.append("head", **scores, table=[other, member], clips=1, **validation, seconds=2.0)
