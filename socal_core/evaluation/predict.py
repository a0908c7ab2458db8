"""Compute the predictions and the test metrics of a run from its trained model."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.windows import fraction_ending_inside, kind_of_task
from socal_core.errors import DataError, RunError
from socal_core.evaluation.controls import controls
from socal_core.evaluation.metrics import choose_threshold, metrics_of_test_trials
from socal_core.evaluation.predictors import Predictor, open_model
from socal_core.evaluation.trained_model import TrainedModel, trained_model
from socal_core.runs.checkpoint_folders import best_checkpoint, read_training_state
from socal_core.runs.files.metrics_record import Metrics
from socal_core.runs.folder import RunFolder
from socal_core.splits import Split


def probabilities_of(logits: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Convert logits, (trials, 2), to probabilities of success, (trials,)."""
    return logits.double().softmax(dim=-1)[:, 1].numpy()


def finish_run(
    run: RunFolder,
    dataset: Dataset,
    predictor: Predictor,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, Metrics]:
    """Predict all trials of the split, evaluate the test trials, and write predictions.csv and then metrics.json.

    Args:
        run: The run.
        dataset: The data of the run.
        predictor: The best checkpoint of the run, with the clips of all trials of the split.
        progress: Called with the number of predicted clips and of all clips; may raise.

    Returns:
        The predictions (runs/folder.py) and the metrics. The threshold is chosen on the validation trials.
    """
    predictions = _predict_split(dataset, run.read_split(), predictor, progress)
    validation = predictions[predictions["split"] == "validation"]
    threshold = choose_threshold(validation["label"], validation["prob_success"])
    predictions["predicted"] = (predictions["prob_success"] >= threshold).astype(int)
    window = run.read_config().clip.observation
    frames = dataset.frames[dataset.frames["trial_id"].isin(predictions["trial_id"])]
    metrics: Metrics = {
        **metrics_of_test_trials(predictions),
        "task": kind_of_task(frames, window),
        "share_ending_inside": fraction_ending_inside(frames, window),
        "window": window.describe(),
        "model": predictor.describe(),
        "epoch": read_training_state(best_checkpoint(run)).epoch,
        "threshold": threshold,
        "validation_trials": len(validation),
        "controls": controls(dataset, predictions, window, predictor.clips(list(predictions["trial_id"]))),
        "cross_validation": None,
        "left_out": [{"trial_id": trial, "reason": reason} for trial, reason in predictor.left_out.items()],
        "stand_ins": predictor.stand_ins,
    }
    run.write_predictions(predictions)
    run.write_metrics(metrics)
    return predictions, metrics


def predict_trials(run: RunFolder, dataset: Dataset, trial_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Predict trials with the best checkpoint of a run, whether or not their outcomes are known.

    Args:
        run: A run that has been evaluated, so that it has a threshold.
        dataset: The data set with the trials.
        trial_ids: The ids of the trials.

    Returns:
        One dictionary per trial, in the same order: trial_id, prob_success, prob_failure, predicted and threshold.

    Raises:
        DataError: A trial does not exist or has no clip.
        RunError: The run has no threshold or no checkpoint.
    """
    metrics = run.read_metrics()
    if metrics is None:
        raise RunError(f"Run {run.name} has no threshold yet. Run `evaluate` on it first.")
    return predict_with(trained_model(run), metrics["threshold"], dataset, trial_ids)


def predict_with(
    model: TrainedModel, threshold: float, dataset: Dataset, trial_ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Predict trials with a trained model.

    Args:
        model: The model.
        threshold: The probability from which a trial is predicted to be a success.
        dataset: The data set with the trials.
        trial_ids: The ids of the trials.

    Returns:
        As `predict_trials` does.

    Raises:
        DataError: A trial does not exist or has no clip.
        ModelError: A file of the model is missing or damaged.
    """
    for trial_id in trial_ids:
        dataset.frames_of(trial_id)  # reports a missing trial before the model is loaded
    with open_model(model, dataset, trial_ids, lambda text, done, total: None) as predictor:
        if predictor.left_out:
            raise DataError(" ".join(predictor.left_out.values()))
        logits = predictor.logits(trial_ids)
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
    dataset: Dataset, split: Split, predictor: Predictor, progress: Callable[[int, int], None] | None
) -> pd.DataFrame:
    """Predict each trial of the split that has a clip: PREDICTION_COLUMNS without `predicted`."""
    subsets = {"train": split.train, "validation": split.validation, "test": split.test}
    rows = [(trial, name) for name, trials in subsets.items() for trial in trials if trial not in predictor.left_out]
    trial_ids = [trial for trial, _ in rows]
    logits = predictor.logits(trial_ids, progress)
    trials = dataset.trials.loc[trial_ids]
    return pd.DataFrame(
        {
            "trial_id": trial_ids,
            "participant_id": trials["participant_id"].to_numpy(),
            "split": [name for _, name in rows],
            "label": trials["success"].to_numpy(dtype=int),
            "prob_success": probabilities_of(logits),
        }
    )
