"""Compare two predictors on the same trials: the difference of their scores, with an interval."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from socal_core.evaluation.differences import (
    accuracy_estimate,
    auroc_estimate,
    class_differences,
    number_differences,
)
from socal_core.evaluation.intervals import Estimate
from socal_core.evaluation.metrics import CONFIDENCE
from socal_core.runs.files.metrics_record import Interval

POWER = 0.8
"""Probability with which `groups_needed` groups would show a difference."""


class Verdict(StrEnum):
    """What the interval of a difference of AUROCs shows about the first predictor."""

    ABOVE = "above"
    """The whole interval is above 0."""
    NOT_SHOWN = "not shown to be above"
    """The interval contains 0, or there is none."""
    BELOW = "below"
    """The whole interval is below 0."""


class Ranking(StrEnum):
    """What the interval of a difference shows about the first predictor, whichever way the score points."""

    BETTER = "better than"
    NOT_SHOWN = "not shown to be better than"
    """The interval contains 0, or there is none."""
    WORSE = "worse than"


@dataclass(frozen=True)
class Difference:
    """The score of a first predictor minus that of a second one."""

    value: float
    interval: Interval
    """The low and high end of the 95 % interval; None if there are too few surgeons (differences.py)."""

    @property
    def verdict(self) -> Verdict:
        """Whether the first predictor is shown to be better."""
        low, high = self.interval or (0.0, 0.0)
        return Verdict.ABOVE if low > 0 else Verdict.BELOW if high < 0 else Verdict.NOT_SHOWN

    def ranking(self, lower_is_better: bool) -> Ranking:
        """Return whether the first predictor is shown to be better."""
        better, worse = (Verdict.BELOW, Verdict.ABOVE) if lower_is_better else (Verdict.ABOVE, Verdict.BELOW)
        return {better: Ranking.BETTER, worse: Ranking.WORSE}.get(self.verdict, Ranking.NOT_SHOWN)


def auroc_difference(labels: ArrayLike, first: ArrayLike, second: ArrayLike, surgeons: ArrayLike) -> Difference | None:
    """Compare two predictors on the same trials by their AUROCs, with an interval over surgeons (differences.py).

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        first: Finite scores of the first predictor, higher for class 1, shape (n,).
        second: Finite scores of the second predictor, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The difference, or None if all trials have the same class. Its interval is None if there are too few surgeons,
        or only one has trials of a class.

    Raises:
        ValueError: The four arrays have different lengths.
    """
    if len(np.unique(np.asarray(labels))) < 2:
        return None
    return _difference(auroc_estimate(labels, first, second, surgeons))


def macro_auroc_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, surgeons: ArrayLike
) -> Difference | None:
    """Compare two predictors of several classes as `auroc_difference` does, by the mean of the AUROCs of the classes.

    Args:
        labels: The index of the true class, shape (n,).
        first: The probability of each class from the first predictor, shape (n, K).
        second: Those from the second predictor, shape (n, K).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The difference over the classes that occur, or None if all trials have the same class.
    """
    if len(np.unique(np.asarray(labels))) < 2:
        return None
    return _difference(class_differences(labels, first, second, surgeons)["macro_auroc"])


def rmse_difference(labels: ArrayLike, first: ArrayLike, second: ArrayLike, surgeons: ArrayLike) -> Difference | None:
    """Compare two predictors of a number as `auroc_difference` does, by their root-mean-square errors.

    Args:
        labels: The true numbers, shape (n,).
        first: The numbers of the first predictor, shape (n,).
        second: The numbers of the second predictor, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The difference in the unit of the numbers, or None without trials.
    """
    if not len(np.asarray(labels)):
        return None
    return _difference(number_differences(labels, first, second, surgeons)["rmse"])


def accuracy_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, surgeons: ArrayLike
) -> Difference | None:
    """Compare the accuracies of two predictors on the same trials as `auroc_difference` does.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        first: Outcomes that the first predictor predicts, 0 or 1, shape (n,).
        second: Outcomes that the second predictor predicts, shape (n,).
        surgeons: The surgeon of each trial, shape (n,).

    Returns:
        The difference, or None without trials.

    Raises:
        ValueError: The four arrays have different lengths.
    """
    if not len(np.asarray(labels)):
        return None
    return _difference(accuracy_estimate(labels, first, second, surgeons))


def groups_needed(difference: Difference, groups: int) -> int | None:
    """Estimate how many groups would show a difference, if it truly is as large as it was found to be.

    The standard error, which is that of a normal distribution with this interval, is scaled by sqrt(S/S') from S to S'
    groups. S' is the number at which a two-sided test at the 5 % level has a power of 80 %.

    Args:
        difference: The difference.
        groups: The number of groups, S.

    Returns:
        The number, or None if the difference is 0 or has no interval.
    """
    if difference.interval is None or difference.value == 0:
        return None
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    low, high = difference.interval
    error = (high - low) / (2 * z)
    return ceil(groups * ((z + float(norm.ppf(POWER))) * error / difference.value) ** 2)


def _difference(found: Estimate) -> Difference | None:
    return None if found.value is None else Difference(found.value, found.interval)
