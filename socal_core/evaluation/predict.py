"""From a model and clips to logits, and from a run's best checkpoint to its predictions and test metrics."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel

from socal_core.clips.loader import ClipReader, open_clips
from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.splits import Split
from socal_core.dataset.types import Dataset
from socal_core.dataset.windows import share_ending_inside, task_of
from socal_core.errors import DataError, RunError
from socal_core.evaluation.controls import controls
from socal_core.evaluation.metrics import choose_threshold, metrics_of_test_trials
from socal_core.files import write_json
from socal_core.models.build import VideoClassifier, load_classifier
from socal_core.runs.checkpoints import best_checkpoint, read_training_state
from socal_core.runs.folder import RunFolder

PREDICTION_BATCH = 8
"""Clips a forward pass; the result depends on it by rounding alone."""


@torch.no_grad()
def logits_of(
    model: PreTrainedModel,
    reader: ClipReader,
    trial_ids: Sequence[str],
    device: torch.device,
    progress: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Logits (trials, 2) on the CPU for the clips of some trials, never augmented; the model is left in eval mode.

    Of a trial with several clips: the logarithm of their mean probabilities. `progress` is called with the number of
    clips that are done, and of all, before each batch, and may raise.
    """
    model.eval()
    clips = [clip for trial_id in trial_ids for clip in reader.plan.evaluation_clips(trial_id)]
    batches = [clips[start : start + PREDICTION_BATCH] for start in range(0, len(clips), PREDICTION_BATCH)]
    inputs = torch.empty((PREDICTION_BATCH, *reader.shape), device=device)
    parts = []
    for number, batch in enumerate(reader.batches(batches)):
        if progress is not None:
            progress(number * PREDICTION_BATCH, len(clips))
        pixel_values = reader.preprocessor.model_input(batch.to(device), inputs[: len(batch)])
        parts.append(model(pixel_values=pixel_values).logits.float().cpu())
    logits = torch.cat(parts).view(len(trial_ids), -1, 2)  # (trials, clips, 2)
    if logits.shape[1] == 1:
        return logits[:, 0]
    return logits.log_softmax(dim=-1).logsumexp(dim=1) - math.log(logits.shape[1])


def probabilities_of(logits: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Probabilities of success, (trials,), from logits (trials, 2)."""
    return logits.double().softmax(dim=-1)[:, 1].numpy()


def open_run_clips(
    run: RunFolder,
    dataset: Dataset,
    preprocessor: Preprocessor,
    trial_ids: Sequence[str],
    progress: Callable[[str, int, int], None],
) -> AbstractContextManager[ClipReader]:
    """A reader of some trials' clips for validation and test, exactly as the run's model is given them."""
    return open_clips(dataset, run.read_config(), preprocessor, trial_ids, (), progress)


def best_classifier(run: RunFolder) -> VideoClassifier:
    """The run's model at its lowest validation loss, on the device at hand; RunError when there is none."""
    classifier = load_classifier(best_checkpoint(run))
    # transformers wraps `to` so that a checker cannot see its arguments.
    classifier.model.to(best_device())  # type: ignore[arg-type]
    return classifier


def best_device() -> torch.device:
    """The accelerator of this machine, else the CPU."""
    return torch.accelerator.current_accelerator() or torch.device("cpu")


def finish_run(
    run: RunFolder,
    dataset: Dataset,
    classifier: VideoClassifier,
    reader: ClipReader,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Predict every usable trial, evaluate the test trials, write predictions.csv and then metrics.json.

    The threshold comes from the validation trials. `progress` as in `logits_of`. Returns the predictions
    (runs/folder.py).
    """
    predictions = _predict_split(dataset, run.read_split(), classifier, reader, progress)
    validation = predictions[predictions["split"] == "validation"]
    threshold = choose_threshold(validation["label"], validation["prob_success"])
    predictions["predicted"] = (predictions["prob_success"] >= threshold).astype(int)
    window = run.read_config().observation
    frames = dataset.frames[dataset.frames["trial_id"].isin(predictions["trial_id"])]
    clips = reader.batches([reader.plan.evaluation_clips(trial_id) for trial_id in predictions["trial_id"]])
    metrics = {
        **metrics_of_test_trials(predictions),
        "task": task_of(frames, window),
        "share_ending_inside": share_ending_inside(frames, window),
        "window": window.describe(),
        "epoch": read_training_state(best_checkpoint(run)).epoch,
        "threshold": threshold,
        "validation_trials": len(validation),
        "controls": controls(dataset, predictions, window, (clip.numpy() for clip in clips)),
        "left_out": [{"trial_id": trial, "reason": reason} for trial, reason in reader.left_out.items()],
        "stand_ins": [text for texts in reader.stand_ins.values() for text in texts.values()],
    }
    run.write_predictions(predictions)
    write_json(run.metrics_file, metrics)
    return predictions


def predict_trials(run: RunFolder, dataset: Dataset, trial_ids: Sequence[str]) -> list[dict[str, Any]]:
    """What the run's best checkpoint says of some trials, in the order given, whether or not their outcome is known.

    Each is {trial_id, prob_success, prob_failure, predicted, threshold}; DataError for a trial without a clip.
    """
    for trial_id in trial_ids:
        dataset.frames_of(trial_id)  # names a trial that is not there before the model is loaded
    metrics = run.read_metrics()
    if metrics is None:
        raise RunError(f"Run {run.name} has no threshold yet. Run `evaluate` on it first.")
    classifier = best_classifier(run)
    with open_run_clips(run, dataset, classifier.preprocessor, trial_ids, lambda text, done, total: None) as reader:
        if reader.left_out:
            raise DataError(" ".join(reader.left_out.values()))
        logits = logits_of(classifier.model, reader, trial_ids, best_device())
    threshold = metrics["threshold"]
    return [
        {
            "trial_id": trial_id,
            "prob_success": float(p),
            "prob_failure": float(1 - p),
            "predicted": int(p >= threshold),
            "threshold": threshold,
        }
        for trial_id, p in zip(trial_ids, probabilities_of(logits), strict=True)
    ]


def _predict_split(
    dataset: Dataset,
    split: Split,
    classifier: VideoClassifier,
    reader: ClipReader,
    progress: Callable[[int, int], None] | None,
) -> pd.DataFrame:
    """One row for each trial of the split that has a clip: PREDICTION_COLUMNS without `predicted`."""
    sides = {"train": split.train, "validation": split.validation, "test": split.test}
    rows = [(trial, side) for side, trials in sides.items() for trial in trials if trial not in reader.left_out]
    trial_ids = [trial for trial, _ in rows]
    logits = logits_of(classifier.model, reader, trial_ids, best_device(), progress)
    trials = dataset.trials.loc[trial_ids]
    return pd.DataFrame(
        {
            "trial_id": trial_ids,
            "participant_id": trials["participant_id"].to_numpy(),
            "split": [side for _, side in rows],
            "label": trials["success"].to_numpy(dtype=int),
            "prob_success": probabilities_of(logits),
        }
    )
