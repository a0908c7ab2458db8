"""Compute the scores of classes and of numbers from a table of predictions, without a model and without torch.

A score that is not defined, such as the AUROC of trials of one class, is None.
"""

from math import sqrt
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn import metrics as sklearn_metrics

from socal_core.dataset.targets import Target, amount, class_numbers
from socal_core.evaluation.intervals import class_estimates, number_estimates
from socal_core.evaluation.metrics import auroc, class_scores
from socal_core.evaluation.trial_scores import known_surgeons, surgeons_of
from socal_core.evaluation.weighted_scores import LARGE_ML
from socal_core.runs.files.metrics_record import ClassScores, Interval
from socal_core.runs.files.predictions import probability_columns
from socal_core.runs.files.target_metrics_record import PredictedTrial, TargetMetrics, TargetScores

Scores = dict[str, float | None]

BLOOD_LOSS = "blood_loss"
"""The column of SOCAL for which a regression on the time to haemostasis and large losses are published."""
LARGE_RECALL = "large_recall"
"""The score that only BLOOD_LOSS has: the fraction of losses above LARGE_ML that are predicted to be so."""
IN_UNIT = {"rmse", "mae", "mean_error"}
"""The scores of a number that have its unit."""
LOWER_IS_BETTER = {"rmse", "mae", "log_loss"}


def main_score(target: Target) -> str:
    """Return the name of the score by which models are compared."""
    return "rmse" if target.is_number else "auroc"


def scores_of_test_trials(predictions: pd.DataFrame, target: Target) -> TargetScores:
    """Compute the scores of a run's test trials from its predictions (runs/files/predictions.py).

    Args:
        predictions: The predictions, with at least one test trial.
        target: What is predicted: not success, whose scores are those of `metrics.py`.

    Returns:
        The scores by name with their intervals over surgeons, for classes also by class, and the trials.
    """
    test = predictions[predictions["split"] == "test"]
    scores = scores_of(test, target)
    matrix = [] if target.is_number else confusion_matrix(test, target).tolist()
    return {
        "target": target.column,
        "label": target.label,
        "unit": target.unit,
        "classes": list(target.classes),
        "split": "test",
        "n": len(test),
        "surgeons": known_surgeons(test),
        "main": main_score(target),
        "scores": scores,
        "intervals": intervals_of(test, target),
        "per_class": _per_class(matrix, target),
        "confusion_matrix": matrix,
        "trials": _trials(test, target),
    }


def scores_of(table: pd.DataFrame, target: Target) -> Scores:
    """Compute the scores of all rows of a table of predictions.

    Args:
        table: The columns label, predicted and, for classes, the probability of each class.
        target: What is predicted.
    """
    if target.is_number:
        scores = number_scores(table["label"], table["predicted"])
        if target.column == BLOOD_LOSS:
            scores[LARGE_RECALL] = large_recall(table["label"], table["predicted"])
        return scores
    probabilities = table[probability_columns(target)].to_numpy(float)
    return class_target_scores(
        class_numbers(table["label"], target), probabilities, class_numbers(table["predicted"], target)
    )


def current_target_metrics(written: TargetMetrics, predictions: pd.DataFrame | None, target: Target) -> TargetMetrics:
    """Complete metrics that an earlier version wrote with the scores and intervals of this one.

    Args:
        written: The content of metrics.json.
        predictions: The predictions of the run; without them, the metrics stay as they are.
        target: What is predicted.
    """
    if "surgeons" in written or predictions is None:
        return written
    return {**written, **scores_of_test_trials(predictions, target)}


def intervals_of(table: pd.DataFrame, target: Target) -> dict[str, Interval]:
    """Compute the 95 % intervals of the scores of all rows of a table of predictions (`intervals.py`).

    Args:
        table: The columns trial_id, participant_id, label, predicted and, for classes, the probability of each class.
            Each trial of an unknown surgeon counts as a separate surgeon.
        target: What is predicted.

    Returns:
        By score, None if it is not defined or there are too few surgeons. The log loss has none.
    """
    surgeons = surgeons_of(table)
    if target.is_number:
        found = number_estimates(table["label"], table["predicted"], surgeons)
        names = {name: name for name in found if name != LARGE_RECALL or target.column == BLOOD_LOSS}
    else:
        predicted, probabilities = class_numbers(table["predicted"], target), outputs_of(table, target)
        found = class_estimates(class_numbers(table["label"], target), probabilities, predicted, surgeons)
        names = {name.removeprefix("macro_"): name for name in found}
    return {name: found[estimate].interval for name, estimate in names.items()}


def large_recall(labels: ArrayLike, predicted: ArrayLike) -> float | None:
    """Compute the sensitivity for losses above LARGE_ML; None if there is none.

    Args:
        labels: The true losses in mL, shape (n,).
        predicted: The predicted losses, shape (n,).
    """
    large = np.asarray(labels, dtype=float) > LARGE_ML
    return float((np.asarray(predicted, dtype=float)[large] > LARGE_ML).mean()) if large.any() else None


def class_target_scores(labels: ArrayLike, probabilities: ArrayLike, predicted: ArrayLike) -> Scores:
    """Compute the scores of n >= 1 trials with one of K classes.

    Means over classes (balanced accuracy, F1, AUROC) leave out a class that no trial has; that of F1 counts it if it is
    predicted.

    Args:
        labels: The index of the true class, shape (n,).
        probabilities: The probability of each class, shape (n, K).
        predicted: The index of the predicted class, shape (n,).

    Returns:
        accuracy, balanced_accuracy, f1 (macro), auroc (macro, one class against the others; with two classes, that of
        the second) and log_loss.
    """
    y, p, decided = np.asarray(labels), np.asarray(probabilities, dtype=float), np.asarray(predicted)
    found = np.unique(y)
    of_true = np.clip(p[np.arange(len(y)), y], np.finfo(float).eps, 1)
    return {
        "accuracy": float((y == decided).mean()),
        "balanced_accuracy": _mean((decided[y == number] == number).mean() for number in found)
        if _several(y)
        else None,
        "f1": float(sklearn_metrics.f1_score(y, decided, average="macro", zero_division=0)),
        "auroc": macro_auroc(y, p),
        "log_loss": float(-np.log(of_true).mean()),
    }


def macro_auroc(labels: ArrayLike, probabilities: ArrayLike) -> float | None:
    """Compute the mean of the AUROCs of each class against the others; None if all trials are of one class.

    Args:
        labels: The index of the true class, shape (n,).
        probabilities: The probability of each class, shape (n, K). With K = 2, the AUROC is that of the second class.
    """
    y, p = np.asarray(labels), np.asarray(probabilities, dtype=float)
    if not _several(y):
        return None
    classes = [1] if p.shape[1] == 2 else np.unique(y)
    return _mean(auroc(y == number, p[:, number]) for number in classes)


def number_scores(labels: ArrayLike, predicted: ArrayLike) -> Scores:
    """Compute the scores of n >= 1 predicted numbers.

    Args:
        labels: The true numbers, shape (n,).
        predicted: The predicted numbers, shape (n,).

    Returns:
        rmse, mae and mean_error (predicted minus true), in the unit of the numbers; r2 (None if all true numbers are
        equal); correlation (Pearson's; None if all true or all predicted numbers are equal).
    """
    y, p = np.asarray(labels, dtype=float), np.asarray(predicted, dtype=float)
    errors = p - y
    return {
        "rmse": sqrt(float((errors**2).mean())),
        "mae": float(np.abs(errors).mean()),
        "mean_error": float(errors.mean()),
        "r2": float(1 - (errors**2).sum() / ((y - y.mean()) ** 2).sum()) if _several(y) else None,
        "correlation": float(np.corrcoef(y, p)[0, 1]) if _several(y) and _several(p) else None,
    }


def confusion_matrix(table: pd.DataFrame, target: Target) -> NDArray[np.int64]:
    """Count the rows of a table of predictions by true class and predicted class, (K, K)."""
    counts: NDArray[np.int64] = sklearn_metrics.confusion_matrix(
        class_numbers(table["label"], target),
        class_numbers(table["predicted"], target),
        labels=range(len(target.classes)),
    )
    return counts


def with_outputs(table: pd.DataFrame, outputs: NDArray[np.float64], target: Target) -> pd.DataFrame:
    """Return a table of predictions with these predictions.

    Args:
        table: The table, with one row per trial.
        outputs: For K classes, their probabilities, (trials, K); a trial is predicted to be of the most probable one,
            the first of equals. For a number, its values, (trials, 1).
        target: What is predicted: not success, whose threshold is chosen.
    """
    if target.is_number:
        return table.assign(predicted=outputs[:, 0])
    named = dict(zip(probability_columns(target), outputs.T, strict=True))
    return table.assign(**named, predicted=np.array(target.classes, dtype=object)[outputs.argmax(axis=1)])


def outputs_of(table: pd.DataFrame, target: Target) -> NDArray[np.float64]:
    """Return the predictions of a table as `with_outputs` takes them."""
    columns = ["predicted"] if target.is_number else probability_columns(target)
    return table[columns].to_numpy(float)


def labels_of(values: pd.Series, target: Target) -> pd.Series:
    """Return known values of a target (`target_values`) as `label` states them: names of classes, or numbers."""
    if target.is_number:
        return values.astype("float64")
    return values.map(dict(enumerate(target.classes))).astype(object)


def score_text(name: str, value: float | None, unit: str) -> str:
    """Return a score for the user, such as `312 mL` or `0.713`.

    Args:
        name: The name of the score.
        value: Its value; None if it is not defined.
        unit: The unit of the target.
    """
    if value is None:
        return "not defined"
    if name not in IN_UNIT:
        return f"{value:.3f}"
    return amount(value, unit)


def _per_class(matrix: list[list[int]], target: Target) -> dict[str, ClassScores]:
    counts = np.array(matrix)
    return {
        name: class_scores(
            hit=int(counts[number, number]),
            wrongly=int(counts[:, number].sum() - counts[number, number]),
            missed=int(counts[number].sum() - counts[number, number]),
        )
        for number, name in enumerate(target.classes)
    }


def _trials(test: pd.DataFrame, target: Target) -> list[PredictedTrial]:
    table = test[["trial_id", "participant_id", "label", "predicted"]]
    if not target.is_number:
        table = table.assign(probabilities=outputs_of(test, target).tolist())
    return cast(list[PredictedTrial], table.to_dict(orient="records"))


def _several(values: NDArray[Any]) -> bool:
    return len(np.unique(values)) > 1


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
