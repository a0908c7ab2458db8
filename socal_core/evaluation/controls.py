"""Controls: the scores of simple rules on the test trials of a run, as a comparison for its model.

A model that is no better than its controls has not shown that it uses more than they do.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.windows import Window
from socal_core.evaluation.compare import auroc_difference
from socal_core.evaluation.control_cues import COLOUR, FRAMES, LENGTH, TOOLS, Embed, cues_of
from socal_core.evaluation.cues import predict_from, varying
from socal_core.evaluation.intervals import auroc_estimate
from socal_core.evaluation.metrics import choose_threshold, metrics_of
from socal_core.evaluation.trial_scores import surgeons_of
from socal_core.runs.files.metrics_record import Control, Interval, Metrics, ScoresAndControls
from socal_core.runs.files.target_metrics_record import TargetControl

MAJORITY = "majority"
TIME = "tth"
"""The column of SOCAL, and the control that learns from it (target_controls.py); known only after the trial."""
_Row = TypeVar("_Row", Control, TargetControl)


def controls(
    dataset: Dataset,
    predictions: pd.DataFrame,
    window: Window,
    clips: Iterable[NDArray[np.uint8]],
    embed: Embed | None = None,
) -> list[Control]:
    """Score the controls on the test trials of a run.

    Each control learns only from the training trials and chooses its threshold on the validation trials, as the model
    does.

    Args:
        dataset: The data of the run.
        predictions: The model's predictions of all trials (runs/folder.py).
        window: The seconds of a trial that the model may see.
        clips: The clips of each trial that the model received, in the order of `predictions`, shape (clips, frames, 3,
            height, width), RGB. The controls of colour and of the middle frame use only these, so they see no more than
            the model, and no other frame is decoded.
        embed: The image encoder; None leaves out the control of the middle frame.

    Returns:
        One dictionary per control, with the key majority, frames, length, colour, middle_frame, tools or motion.
        `difference` is the AUROC of the model minus that of the control, with `difference_interval` and `verdict` as in
        `compare.Difference`. The scores are None if what the control needs is missing.
    """
    texts = {
        FRAMES: f"The number of frames in the {window.describe()}: all that the model can learn about the length.",
        LENGTH: "The number of frames of the whole trial: failures continue to the time limit, successes end early.",
    }
    rows = [_majority(predictions)]
    for cue in cues_of(dataset, predictions["trial_id"], window, clips, embed):
        if cue.features is None:
            rows.append(_absent(cue.key, cue.name, cue.lacking))
        else:
            text = texts.get(cue.key, f"Logistic regression on {cue.what}.")
            rows.append(_learned(predictions, cue.features, cue.key, cue.name, text))
    return rows


def pooled_controls(predictions: pd.DataFrame, folds: Sequence[Metrics]) -> list[Control]:
    """Pool the controls of the folds of a cross-validation, as the model is pooled (cross_validation.py).

    Args:
        predictions: The pooled predictions of the model.
        folds: The metrics of each fold.

    Returns:
        As `controls` does; a control without scores in one of the folds has none.
    """
    found = []
    for rows in in_all_folds([metrics["controls"] for metrics in folds]):
        key, name, text = rows[0].get("key", ""), rows[0]["name"], rows[0]["description"]
        if any("probabilities" not in row for row in rows):
            found.append(next(row for row in rows if "probabilities" not in row))
            continue
        scored = pd.concat(
            pd.DataFrame(
                {
                    "probability": row["probabilities"],
                    "threshold": row["threshold"],
                    "trial_id": [trial["trial_id"] for trial in metrics["trials"]],
                }
            )
            for row, metrics in zip(rows, folds, strict=True)
        )
        mean = scored.groupby("trial_id").mean().loc[predictions["trial_id"]]
        if key == MAJORITY:
            text = (
                "Predicts in each fold the outcome of most of its training trials. Its AUROC is below 0.5 because a "
                "fold with many successes leaves few for training."
            )
        found.append(_row(predictions, mean["probability"].to_numpy(), mean["threshold"].to_numpy(), key, name, text))
    return found


def in_all_folds(folds: Sequence[Sequence[_Row]]) -> Iterator[list[_Row]]:
    """Yield the rows of each control that all folds have; earlier versions computed fewer of them."""
    for row in folds[0]:
        rows = [other for fold in folds for other in fold if other["name"] == row["name"]]
        if len(rows) == len(folds):
            yield rows


def comparison(metrics: ScoresAndControls) -> str:
    """Describe in a sentence whether the model of a run is above the colour and the tools control.

    Args:
        metrics: The content of the run's metrics.json.

    Returns:
        The sentence, or "" if the test trials have no AUROC or an earlier version without these controls evaluated the
        run.
    """
    rows = compared(metrics)
    scored = [row for row in rows if row["difference"] is not None]
    if not scored or metrics["auroc"] is None:
        return ""
    parts = [f"{row['verdict']} the {row['key']} control ({numbers_of(row)})" for row in scored]
    missing = [row["description"] for row in rows if row["auroc"] is None]
    return " ".join([f"The model (AUROC {metrics['auroc']:.2f}) is {' and '.join(parts)}.", *missing])


def compared(metrics: ScoresAndControls) -> list[Control]:
    """Return the colour and the tools control from the metrics of a run."""
    return [row for row in metrics["controls"] if row.get("key") in {COLOUR, TOOLS}]


def numbers_of(row: Control) -> str:
    """Return the AUROC of a control and the difference of the model from it, with its interval."""
    text = f"{row['auroc']:.2f}; difference {row['difference']:+.2f}"
    if row["difference_interval"] is None:
        return f"{text}, no interval: too few surgeons in the test subset"
    low, high = row["difference_interval"]
    return f"{text}, 95 % interval {low:+.2f} to {high:+.2f}"


def _majority(predictions: pd.DataFrame) -> Control:
    rate = float(predictions.loc[predictions["split"] == "train", "label"].mean())
    outcome = int(rate >= 0.5)
    test = int((predictions["split"] == "test").sum())
    text = f"Predicts {'success' if outcome else 'failure'} for every trial, as for most training trials."
    return _row(predictions, np.full(test, rate), 0.5, MAJORITY, "Majority class", text)


def _learned(predictions: pd.DataFrame, features: pd.DataFrame, key: str, name: str, text: str) -> Control:
    """Score a logistic regression on features, which are indexed by trial in the order of the predictions."""
    labels = predictions.set_index("trial_id")["label"]
    subset = predictions["split"].to_numpy()
    train = labels[subset == "train"]
    if train.nunique() < 2 or varying(features, train.index).empty:
        probability = np.full(len(labels), train.mean())  # there is nothing to learn from
    else:
        probability = predict_from(features, train).to_numpy()
    validation, test = subset == "validation", subset == "test"
    threshold = choose_threshold(labels[validation], probability[validation])
    return _row(predictions, probability[test], threshold, key, name, text)


def _row(
    predictions: pd.DataFrame,
    probability: NDArray[np.float64],
    threshold: float | NDArray[np.float64],
    key: str,
    name: str,
    text: str,
) -> Control:
    """Compute the scores of a control from its probabilities for the test trials and its threshold for all or each."""
    chosen = threshold if isinstance(threshold, float) else None
    return scored_control(predictions, probability, probability >= threshold, chosen, key, name, text)


def scored_control(
    predictions: pd.DataFrame,
    probability: NDArray[np.float64],
    predicted: NDArray[np.bool_],
    threshold: float | None,
    key: str,
    name: str,
    text: str,
) -> Control:
    """Compute the scores of a control from its predictions.

    Args:
        predictions: The model's predictions, with those of the same test trials in the same order.
        probability: The control's probability of success for each test trial.
        predicted: Whether it predicts success.
        threshold: The probability from which it does; None if that differs between trials.
        key: The stable name of the control.
        name: Its name for the user.
        text: Its description.
    """
    test = predictions[predictions["split"] == "test"]
    metrics = metrics_of(test["label"], probability, predicted)
    found = auroc_difference(test["label"], test["prob_success"], probability, surgeons_of(test))
    return {
        "key": key,
        "name": name,
        "description": text,
        "accuracy": metrics["accuracy"],
        "balanced_accuracy": metrics["balanced_accuracy"],
        "auroc": metrics["auroc"],
        "auroc_interval": _auroc_interval(test, probability),
        "difference": found.value if found else None,
        "difference_interval": found.interval if found else None,
        "verdict": found.verdict if found else None,
        "threshold": threshold,
        "probabilities": probability.tolist(),
    }


def interval_of_control(metrics: Metrics, row: Control) -> Interval:
    """Return the interval of the AUROC of a control; None if there are too few surgeons.

    Earlier versions recorded one that takes trials as independent, so it is computed again from the probabilities.

    Args:
        metrics: The metrics of the run on the trials that the control was scored on.
        row: The control.
    """
    if row["auroc"] is None or "probabilities" not in row:
        return row.get("auroc_interval")
    if len(row["probabilities"]) != len(metrics["trials"]):
        return None  # predictions.csv was changed after the controls were scored
    return _auroc_interval(pd.DataFrame(metrics["trials"]), row["probabilities"])


def _auroc_interval(test: pd.DataFrame, probability: ArrayLike) -> Interval:
    return auroc_estimate(test["label"], probability, surgeons_of(test)).interval


def _absent(key: str, name: str, text: str) -> Control:
    return {
        "key": key,
        "name": name,
        "description": text,
        "accuracy": None,
        "balanced_accuracy": None,
        "auroc": None,
        "auroc_interval": None,
        "difference": None,
        "difference_interval": None,
        "verdict": None,
    }
