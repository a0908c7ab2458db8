"""Scores of test trials with 95 % intervals that hold for few surgeons.

Trials of a surgeon resemble each other, so surgeons are what varies between samples. Each interval comes from leaving
out one surgeon at a time (`jackknife.py`, `score_intervals.py`). A score for which it does not hold with so few
surgeons, in the simulations of `benchmarks/README.md`, has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from socal_core.evaluation.jackknife import Jackknife, Surgeons, score_interval, t_interval
from socal_core.evaluation.score_intervals import (
    average_precision_interval,
    calibration_error_interval,
    f1_interval,
    hanley_size,
    inverse_interval,
    loss_interval,
    matthews_interval,
    mean_size,
)
from socal_core.evaluation.weighted_scores import (
    LARGE_ML,
    Floats,
    Integers,
    WeightedScores,
    class_scores,
    log_losses,
    number_scores,
    outcome_scores,
)
from socal_core.runs.files.metrics_record import Interval

TOO_FEW = "too few surgeons for an interval"
FEWEST = 10
"""Fewest surgeons for an interval."""
FEWEST_FOR = {"average_precision": 20, "calibration_error": 60, "r2": 20, "rmse": 60}
"""Fewest surgeons for the interval of a score that needs more."""


@dataclass(frozen=True)
class Estimate:
    """A score, or a difference of two scores, with its interval."""

    value: float | None
    """None if it is not defined."""
    interval: Interval
    """The low and high end of the 95 % interval; None if there is none."""

    @property
    def reason(self) -> str | None:
        """Why a value has no interval; None if it has one, or is not defined."""
        return TOO_FEW if self.value is not None and self.interval is None else None


Estimates = dict[str, Estimate]
Intervals = dict[str, Interval]


def outcome_estimates(
    labels: ArrayLike, probabilities: ArrayLike, predicted: ArrayLike, surgeons: ArrayLike
) -> Estimates:
    """Compute the scores of predictions of an outcome, with intervals. Success is the positive class.

    Args:
        labels: True outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        predicted: Predicted outcomes, 0 or 1, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The scores of `weighted_scores.outcome_scores` by name.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    y, p, d = as_integers(labels), np.asarray(probabilities, dtype=float), as_integers(predicted)
    groups = checked_surgeons(surgeons, y, p, d)
    scores = jackknives(outcome_scores(y, p, d, groups.weights), groups)
    tp, fp, fn, tn = (float(((y == a) & (d == b)).sum()) for a, b in ((1, 1), (0, 1), (1, 0), (0, 0)))
    sizes = {
        "accuracy": tp + fp + fn + tn,
        "balanced_accuracy": mean_size(tp + fn, tn + fp),
        "precision": tp + fp,
        "recall": tp + fn,
        "specificity": tn + fp,
        "npv": tn + fn,
    }
    intervals = {name: score_interval(scores[name], size) for name, size in sizes.items()}
    intervals |= {
        "auroc": auroc_score_interval(scores["auroc"], tp + fn, tn + fp),
        "average_precision": average_precision_interval(scores["average_precision"], tp + fn),
        "f1": f1_interval(scores["f1"], tp + fp + fn),
        "f1_failure": f1_interval(scores["f1_failure"], tn + fp + fn),
        "matthews": matthews_interval(scores["matthews"], (tp, fp, fn, tn)),
        "brier": loss_interval(scores["brier"], p, (1 - p) ** 2, p**2),
        "log_loss": loss_interval(scores["log_loss"], p, log_losses(p), log_losses(1 - p)),
        "calibration_error": calibration_error_interval(y, p, groups),
    }
    return with_intervals(scores, intervals, FEWEST_FOR)


def auroc_estimate(labels: ArrayLike, probabilities: ArrayLike, surgeons: ArrayLike) -> Estimate:
    """Compute the AUROC of predictions of an outcome with the interval of `outcome_estimates`, and nothing else.

    Args:
        labels: True outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    y, p = as_integers(labels), np.asarray(probabilities, dtype=float)
    groups = checked_surgeons(surgeons, y, p)
    score = jackknives(outcome_scores(y, p, (p >= 0.5).astype(np.int64), groups.weights), groups)["auroc"]
    positives = float(y.sum())
    intervals = {"auroc": auroc_score_interval(score, positives, len(y) - positives)}
    return with_intervals({"auroc": score}, intervals, FEWEST_FOR)["auroc"]


def rate_interval(hits: ArrayLike, surgeons: ArrayLike | None) -> Interval:
    """Compute the interval of the fraction of trials for which something holds, as for the accuracy.

    Args:
        hits: Whether it holds, 0 or 1, shape (n,) with at least one trial.
        surgeons: The surgeon of each trial, shape (n,); None if each trial is of another one.

    Returns:
        The low and high end of the 95 % interval; None if there are too few surgeons.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    found = as_integers(hits)
    names = np.arange(len(found)) if surgeons is None else surgeons
    return outcome_estimates(found, np.full(len(found), 0.5), np.ones(len(found)), names)["accuracy"].interval


def class_estimates(
    labels: ArrayLike, probabilities: ArrayLike, predicted: ArrayLike, surgeons: ArrayLike
) -> Estimates:
    """Compute the scores of predictions of one of several classes, with intervals.

    Args:
        labels: True classes, 0 to k - 1, shape (n,).
        probabilities: The probability of each class, shape (n, k).
        predicted: Predicted classes, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The scores of `weighted_scores.class_scores` by name.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    y, p, d = as_integers(labels), np.asarray(probabilities, dtype=float), as_integers(predicted)
    groups = checked_surgeons(surgeons, y, p, d)
    scores = jackknives(class_scores(y, p, d, groups.weights), groups)
    counts = np.unique(y, return_counts=True)[1].astype(float)
    n, k = float(len(y)), len(counts)
    intervals = {
        "accuracy": score_interval(scores["accuracy"], n),
        "balanced_accuracy": score_interval(scores["balanced_accuracy"], mean_size(*counts)),
        "macro_f1": score_interval(scores["macro_f1"], n),
    }
    if k > 1:
        intervals["macro_auroc"] = macro_auroc_score_interval(scores["macro_auroc"], n, k)
    return with_intervals(scores, intervals, FEWEST_FOR)


def number_estimates(true: ArrayLike, predicted: ArrayLike, surgeons: ArrayLike) -> Estimates:
    """Compute the scores of predicted numbers, such as a blood loss in mL, with intervals.

    Args:
        true: True numbers, shape (n,).
        predicted: Predicted numbers, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The scores of `weighted_scores.number_scores` by name.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    a, b = np.asarray(true, dtype=float), np.asarray(predicted, dtype=float)
    groups = checked_surgeons(surgeons, a, b)
    scores = jackknives(number_scores(a, b, groups.weights), groups)
    fisher = t_interval(scores["correlation"].map(np.arctanh), 1 / max(len(a) - 3, 1))
    r2 = t_interval(scores["r2"])
    intervals = {
        "rmse": inverse_interval(scores["rmse"], power=2),
        "mae": inverse_interval(scores["mae"], power=1),
        "mean_error": t_interval(scores["mean_error"]),
        "r2": r2 and (r2[0], min(r2[1], 1.0)),
        "correlation": fisher and (float(np.tanh(fisher[0])), float(np.tanh(fisher[1]))),
        "large_recall": score_interval(scores["large_recall"], float((a > LARGE_ML).sum())),
    }
    return with_intervals(scores, intervals, FEWEST_FOR)


def as_integers(values: ArrayLike) -> Integers:
    """Return values as an array of whole numbers."""
    return np.asarray(values, dtype=np.int64)


def checked_surgeons(names: ArrayLike, *columns: Floats | Integers) -> Surgeons:
    """Return the surgeons of trials.

    Raises:
        ValueError: The columns and the names have different lengths, or there are no trials.
    """
    groups = np.asarray(names, dtype=str)
    lengths = [len(column) for column in (*columns, groups)]
    if len(set(lengths)) > 1 or not lengths[0]:
        raise ValueError(f"all arrays must have the same length and not be empty, got lengths {str(lengths)[1:-1]}")
    return Surgeons(groups)


def jackknives(scores: WeightedScores, surgeons: Surgeons) -> dict[str, Jackknife]:
    """Return the jackknife of each score."""
    return {name: Jackknife(surgeons, values) for name, values in scores.items()}


def with_intervals(scores: dict[str, Jackknife], intervals: Intervals, fewest: Mapping[str, float]) -> Estimates:
    """Combine scores and intervals, without those for which there are too few surgeons."""
    return {
        name: _estimate(score, intervals.get(name) if score.surgeons.count >= fewest.get(name, FEWEST) else None)
        for name, score in scores.items()
    }


def _estimate(score: Jackknife, interval: Interval) -> Estimate:
    if not np.isfinite(score.value):
        return Estimate(None, None)
    return Estimate(score.value, interval and (float(interval[0]), float(interval[1])))


def auroc_score_interval(score: Jackknife, positives: float, negatives: float) -> Interval:
    """Return the interval of an AUROC of so many positive and negative trials."""
    return score_interval(score, hanley_size(score.value, positives, negatives))


def macro_auroc_score_interval(score: Jackknife, n: float, k: int) -> Interval:
    """Return the interval of a mean of AUROCs over k > 1 classes of n trials."""
    # The AUROCs of two classes are equal; those of more vary less together than one alone.
    usual = score.surgeons.usual_design_effect / (k - 1)
    return score_interval(score, hanley_size(score.value, n / k, n - n / k), usual)
