"""Compute the predictions and the test metrics of a run from its trained model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import SUCCESS_TARGET, Target, target_values
from socal_core.dataset.windows import fraction_ending_inside, kind_of_task
from socal_core.evaluation.controls import controls
from socal_core.evaluation.frame_embedding import frame_embedder
from socal_core.evaluation.metrics import choose_threshold
from socal_core.evaluation.predictor import Predictor
from socal_core.evaluation.target_controls import target_controls
from socal_core.evaluation.target_metrics import labels_of, scores_of_test_trials, with_outputs
from socal_core.evaluation.trial_scores import metrics_of_test_trials
from socal_core.runs.checkpoint_folders import best_checkpoint, read_training_state
from socal_core.runs.files.metrics_file import AnyMetrics
from socal_core.runs.files.metrics_record import Tested
from socal_core.runs.folder import RunFolder
from socal_core.splits import Split


def outputs_of_logits(logits: torch.Tensor, target: Target) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Convert logits to what the target states: probabilities, (trials, classes), or numbers in its unit, (trials, 1).

    Args:
        logits: Logits, (trials, classes), or standardized numbers, (trials, 1).
        target: What is predicted, with the mean and the standard deviation of the training trials.
    """
    if target.is_number:
        return logits.double().numpy() * target.scale + target.mean
    return logits.double().softmax(dim=-1).numpy()


def probabilities_of(logits: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Convert logits, (trials, 2), to probabilities of success, (trials,)."""
    return outputs_of_logits(logits, SUCCESS_TARGET)[:, 1]


def finish_run(
    run: RunFolder,
    dataset: Dataset,
    predictor: Predictor,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, AnyMetrics]:
    """Predict all trials of the split, evaluate the test trials, and write predictions.csv and then metrics.json.

    Args:
        run: The run.
        dataset: The data of the run, with its target.
        predictor: The best checkpoint of the run, with the clips of all trials of the split.
        progress: Called with the number of predicted clips and of all clips; may raise.

    Returns:
        The predictions (runs/files/predictions.py) and the metrics. The threshold of success is chosen on the
        validation trials.
    """
    predictions = predict_split(dataset, run.read_split(), predictor, progress)
    window = run.read_config().clip.observation
    clips, embed = predictor.clips(list(predictions["trial_id"])), frame_embedder()
    metrics: AnyMetrics
    if dataset.target.is_success:
        threshold = _decide(predictions)
        metrics = {
            **metrics_of_test_trials(predictions),
            "controls": controls(dataset, predictions, window, clips, embed),
            **_what_was_tested(run, dataset, predictor, predictions),
            "threshold": threshold,
            "cross_validation": None,
        }
    else:
        metrics = {
            **scores_of_test_trials(predictions, dataset.target),
            "controls": target_controls(dataset, predictions, window, clips, embed),
            **_what_was_tested(run, dataset, predictor, predictions),
            "cross_validation": None,
            "unknown": int((dataset.trials["unusable_because"] == f"{dataset.target.column} unknown").sum()),
        }
    run.write_predictions(predictions)
    run.write_metrics(metrics)
    return predictions, metrics


def _decide(predictions: pd.DataFrame) -> float:
    """Choose the threshold of success on the validation trials, and add the column `predicted`."""
    validation = predictions[predictions["split"] == "validation"]
    threshold = choose_threshold(validation["label"], validation["prob_success"])
    predictions["predicted"] = (predictions["prob_success"] >= threshold).astype(int)
    return threshold


def _what_was_tested(run: RunFolder, dataset: Dataset, predictor: Predictor, predictions: pd.DataFrame) -> Tested:
    window = run.read_config().clip.observation
    frames = dataset.frames[dataset.frames["trial_id"].isin(predictions["trial_id"])]
    return {
        "task": kind_of_task(frames, window),
        "share_ending_inside": fraction_ending_inside(frames, window),
        "window": window.describe(),
        "data_fingerprint": dataset.fingerprint,
        "model": predictor.describe(),
        "epoch": read_training_state(best_checkpoint(run)).epoch,
        "validation_trials": int((predictions["split"] == "validation").sum()),
        "left_out": [{"trial_id": trial, "reason": reason} for trial, reason in predictor.left_out.items()],
        "stand_ins": predictor.stand_ins,
    }


def predict_split(
    dataset: Dataset, split: Split, predictor: Predictor, progress: Callable[[int, int], None] | None
) -> pd.DataFrame:
    """Predict each trial of the split that has a clip.

    Args:
        dataset: The data of the run.
        split: The split of the run.
        predictor: Its best checkpoint. The processes of a run share the clips, so all of them call this.
        progress: Called with the number of predicted clips and of all clips; may raise.

    Returns:
        The columns of its target (runs/files/predictions.py), for success without `predicted`.
    """
    subsets = {"train": split.train, "validation": split.validation, "test": split.test}
    rows = [(trial, name) for name, trials in subsets.items() for trial in trials if trial not in predictor.left_out]
    trial_ids = [trial for trial, _ in rows]
    outputs = outputs_of_logits(predictor.logits(trial_ids, progress), dataset.target)
    trials = dataset.trials.loc[trial_ids]
    table = pd.DataFrame(
        {
            "trial_id": trial_ids,
            "participant_id": trials["participant_id"].to_numpy(),
            "split": [name for _, name in rows],
        }
    )
    values = target_values(trials, dataset.target)
    if dataset.target.is_success:
        return table.assign(label=values.to_numpy(dtype=int), prob_success=outputs[:, 1])
    table["label"] = labels_of(values, dataset.target).to_numpy()
    return with_outputs(table, outputs, dataset.target)
