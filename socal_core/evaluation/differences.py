"""Differences between the scores of two predictors on the same trials, with 95 % intervals that hold for few surgeons.

As in `intervals.py`, each interval comes from leaving out one surgeon at a time, and a difference for which that does
not hold with so few surgeons, in the simulations of `benchmarks/README.md`, has none.
"""

from math import inf

import numpy as np
from numpy.typing import ArrayLike

from socal_core.evaluation.intervals import (
    Estimate,
    Estimates,
    as_integers,
    auroc_score_interval,
    checked_surgeons,
    jackknives,
    macro_auroc_score_interval,
    with_intervals,
)
from socal_core.evaluation.jackknife import Jackknife, difference_interval, t_interval
from socal_core.evaluation.weighted_scores import Integers, class_scores, mean, outcome_scores, ranking_scores
from socal_core.runs.files.metrics_record import Interval

FEWEST_FOR_DIFFERENCE = {
    "auroc": 20,
    "accuracy": 20,
    "balanced_accuracy": 20,
    "macro_auroc": 20,
    "rmse": 20,
    "squared_error": inf,
}
"""Fewest surgeons for the interval of a difference that needs more; no number that was simulated is enough for one."""
USUAL_CORRELATION = 0.3
"""Usual correlation between the AUROCs of two predictors on the same trials."""

Predictions = tuple[ArrayLike, ArrayLike]
"""Probabilities of success and predicted outcomes, each of shape (n,)."""


def outcome_differences(labels: ArrayLike, first: Predictions, second: Predictions, surgeons: ArrayLike) -> Estimates:
    """Compare two predictors of an outcome on the same trials.

    Args:
        labels: True outcomes, 0 or 1, shape (n,).
        first: The predictions of the first predictor.
        second: The predictions of the second one.
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The score of the first minus that of the second, for auroc, accuracy, balanced_accuracy, brier and log_loss.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    y = as_integers(labels)
    pairs = [(np.asarray(p, dtype=float), as_integers(d)) for p, d in (first, second)]
    groups = checked_surgeons(surgeons, y, *pairs[0], *pairs[1])
    one, two = (jackknives(outcome_scores(y, p, d, groups.weights), groups) for p, d in pairs)
    names = ("auroc", "accuracy", "balanced_accuracy", "brier", "log_loss")
    scores = {name: Jackknife(groups, one[name].values - two[name].values) for name in names}
    intervals = {name: t_interval(scores[name]) for name in names}
    intervals["auroc"] = _auroc_interval(one["auroc"], two["auroc"], y)
    return with_intervals(scores, intervals, FEWEST_FOR_DIFFERENCE)


def auroc_estimate(labels: ArrayLike, first: ArrayLike, second: ArrayLike, surgeons: ArrayLike) -> Estimate:
    """Compare the AUROCs of two predictors on the same trials.

    Args:
        labels: True outcomes, 0 or 1, shape (n,).
        first: Finite scores of the first predictor, higher for class 1, shape (n,).
        second: Those of the second one, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The AUROC of the first minus that of the second.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    y = as_integers(labels)
    columns = [np.asarray(scores, dtype=float) for scores in (first, second)]
    groups = checked_surgeons(surgeons, y, *columns)
    one, two = (Jackknife(groups, ranking_scores(y == 1, scores, groups.weights)["auroc"]) for scores in columns)
    gap = Jackknife(groups, one.values - two.values)
    return with_intervals({"auroc": gap}, {"auroc": _auroc_interval(one, two, y)}, FEWEST_FOR_DIFFERENCE)["auroc"]


def accuracy_estimate(labels: ArrayLike, first: ArrayLike, second: ArrayLike, surgeons: ArrayLike) -> Estimate:
    """Compare the accuracies of two predictors on the same trials.

    Args:
        labels: True outcomes or classes, shape (n,).
        first: Those that the first predictor predicts, shape (n,).
        second: Those that the second one predicts, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The accuracy of the first minus that of the second.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    y, one, two = (as_integers(values) for values in (labels, first, second))
    groups = checked_surgeons(surgeons, y, one, two)
    gap = Jackknife(groups, mean((one == y).astype(float) - (two == y), groups.weights))
    return with_intervals({"accuracy": gap}, {"accuracy": t_interval(gap)}, FEWEST_FOR_DIFFERENCE)["accuracy"]


def class_differences(labels: ArrayLike, first: ArrayLike, second: ArrayLike, surgeons: ArrayLike) -> Estimates:
    """Compare two predictors of one of several classes on the same trials.

    Args:
        labels: True classes, 0 to k - 1, shape (n,).
        first: The probability of each class from the first predictor, shape (n, k).
        second: Those from the second one, shape (n, k).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The `macro_auroc` of the first minus that of the second.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    y = as_integers(labels)
    pairs = [np.asarray(values, dtype=float) for values in (first, second)]
    groups = checked_surgeons(surgeons, y, *pairs)
    one, two = (Jackknife(groups, class_scores(y, p, p.argmax(axis=1), groups.weights)["macro_auroc"]) for p in pairs)
    difference = Jackknife(groups, one.values - two.values)
    k = len(np.unique(y))
    interval = t_interval(difference)
    if k > 1 and not np.array_equal(one.values, two.values):
        of_one, of_two = (macro_auroc_score_interval(score, float(len(y)), k) for score in (one, two))
        interval = difference_interval(one, two, of_one, of_two, USUAL_CORRELATION)
    return with_intervals({"macro_auroc": difference}, {"macro_auroc": interval}, FEWEST_FOR_DIFFERENCE)


def number_differences(true: ArrayLike, first: ArrayLike, second: ArrayLike, surgeons: ArrayLike) -> Estimates:
    """Compare two predictors of a number on the same trials.

    Args:
        true: True numbers, shape (n,).
        first: Numbers predicted by the first predictor, shape (n,).
        second: Numbers predicted by the second one, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The `rmse`, the mean `squared_error` and the mean `absolute_error` of the first minus that of the second. The
        squared one has no interval: a few large errors decide it.

    Raises:
        ValueError: The arrays have different lengths, or there are no trials.
    """
    a, one, two = (np.asarray(values, dtype=float) for values in (true, first, second))
    groups = checked_surgeons(surgeons, a, one, two)
    gaps = {
        "squared_error": (one - a) ** 2 - (two - a) ** 2,
        "absolute_error": np.abs(one - a) - np.abs(two - a),
    }
    roots = [np.sqrt(mean((predicted - a) ** 2, groups.weights)) for predicted in (one, two)]
    scores = jackknives({name: mean(gap, groups.weights) for name, gap in gaps.items()}, groups)
    scores["rmse"] = Jackknife(groups, roots[0] - roots[1])
    return with_intervals(scores, {name: t_interval(score) for name, score in scores.items()}, FEWEST_FOR_DIFFERENCE)


def _auroc_interval(one: Jackknife, two: Jackknife, labels: Integers) -> Interval:
    """Return the interval of the difference of two AUROCs."""
    if np.array_equal(one.values, two.values, equal_nan=True):
        return t_interval(Jackknife(one.surgeons, one.values - two.values))
    positives = float(labels.sum())
    of_one, of_two = (auroc_score_interval(score, positives, len(labels) - positives) for score in (one, two))
    return difference_interval(one, two, of_one, of_two, USUAL_CORRELATION)
