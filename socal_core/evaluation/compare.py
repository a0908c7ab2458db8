"""Compare two predictors on the same trials: the difference of their scores, with an interval."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from socal_core.evaluation.metrics import CONFIDENCE
from socal_core.runs.files.metrics_record import Interval

RESAMPLES = 2000
FEWEST_GROUPS = 5
"""Smallest number of groups with trials of a class. In simulated trials, the 95 % interval contained the true
difference in 92 of 100 cases with five such groups, in 84 with two and in 51 with one."""


Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Computes a value from the weights of the trials in each resample, (resamples, n); NaN where it is not defined."""


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
    """The low and high end of the 95 % interval; None if there are too few groups (FEWEST_GROUPS)."""

    @property
    def verdict(self) -> Verdict:
        """Whether the first predictor is shown to be better."""
        low, high = self.interval or (0.0, 0.0)
        return Verdict.ABOVE if low > 0 else Verdict.BELOW if high < 0 else Verdict.NOT_SHOWN

    def ranking(self, lower_is_better: bool) -> Ranking:
        """Return whether the first predictor is shown to be better."""
        better, worse = (Verdict.BELOW, Verdict.ABOVE) if lower_is_better else (Verdict.ABOVE, Verdict.BELOW)
        return {better: Ranking.BETTER, worse: Ranking.WORSE}.get(self.verdict, Ranking.NOT_SHOWN)


def auroc_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, groups: ArrayLike, seed: int = 0
) -> Difference | None:
    """Compare two predictors on the same trials by a paired bootstrap over groups.

    Each resample consists of as many groups as the data has, sampled with replacement, with all trials of each group.
    The ends of the interval are percentiles of the differences in RESAMPLES resamples. Resamples with only one class
    have no AUROC and are left out. With few groups, the interval is somewhat too narrow.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        first: Finite scores of the first predictor, higher for class 1, shape (n,).
        second: Finite scores of the second predictor, shape (n,).
        groups: The group of each trial, such as its surgeon, shape (n,).
        seed: The seed of the resamples.

    Returns:
        The difference, or None if all trials have the same class. Its interval is None if fewer than FEWEST_GROUPS
        groups have trials of a class.

    Raises:
        ValueError: The four arrays have different lengths.
    """
    y = np.asarray(labels, dtype=np.int64)
    members = _members(groups)
    _check_lengths(labels=y, first=first, second=second, groups=members)
    success, failure = y == 1, y == 0
    if not success.any() or not failure.any():
        return None
    advantage = _wins(first, success, failure) - _wins(second, success, failure)
    value = float(advantage.mean())
    if _fewest_groups(members, y) < FEWEST_GROUPS:
        return Difference(value, None)
    return Difference(value, _interval(lambda weights: _mean_win(weights, advantage, success, failure), members, seed))


def macro_auroc_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, groups: ArrayLike, seed: int = 0
) -> Difference | None:
    """Compare two predictors of several classes as `auroc_difference` does, by the mean of the AUROCs of the classes.

    Args:
        labels: The index of the true class, shape (n,).
        first: The probability of each class from the first predictor, shape (n, K).
        second: Those from the second predictor, shape (n, K).
        groups: The group of each trial, such as its surgeon, shape (n,).
        seed: The seed of the resamples.

    Returns:
        The difference over the classes that occur, or None if all trials have the same class. Its interval is None if
        fewer than FEWEST_GROUPS groups have trials of one of them.
    """
    y, a, b = np.asarray(labels, dtype=np.int64), np.asarray(first), np.asarray(second)
    members = _members(groups)
    _check_lengths(labels=y, first=a, second=b, groups=members)
    found = np.unique(y)
    if len(found) < 2:
        return None
    advantages = {
        number: _wins(a[:, number], y == number, y != number) - _wins(b[:, number], y == number, y != number)
        for number in found
    }
    value = float(np.mean([advantage.mean() for advantage in advantages.values()]))
    if _fewest_groups(members, y) < FEWEST_GROUPS:
        return Difference(value, None)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        of_classes = [_mean_win(weights, wins, y == number, y != number) for number, wins in advantages.items()]
        mean: NDArray[np.float64] = np.mean(of_classes, axis=0)
        return mean

    return Difference(value, _interval(statistic, members, seed))


def rmse_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, groups: ArrayLike, seed: int = 0
) -> Difference:
    """Compare two predictors of a number as `auroc_difference` does, by their root-mean-square errors.

    Args:
        labels: The true numbers, shape (n,).
        first: The numbers of the first predictor, shape (n,).
        second: The numbers of the second predictor, shape (n,).
        groups: The group of each trial, such as its surgeon, shape (n,).
        seed: The seed of the resamples.

    Returns:
        The difference in the unit of the numbers. Its interval is None if there are fewer than FEWEST_GROUPS groups.
    """
    members = _members(groups)
    _check_lengths(labels=labels, first=first, second=second, groups=members)
    y = np.asarray(labels, dtype=np.float64)
    squares = [(np.asarray(predicted, dtype=np.float64) - y) ** 2 for predicted in (first, second)]

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        of_first, of_second = (np.sqrt(weights @ errors / weights.sum(axis=1)) for errors in squares)
        difference: NDArray[np.float64] = of_first - of_second
        return difference

    value = float(statistic(np.ones((1, len(y))))[0])
    few = len(np.unique(members)) < FEWEST_GROUPS
    return Difference(value, None if few else _interval(statistic, members, seed))


def accuracy_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, groups: ArrayLike, seed: int = 0
) -> Difference | None:
    """Compare the accuracies of two predictors on the same trials by a paired bootstrap, as in `auroc_difference`.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        first: Outcomes that the first predictor predicts, 0 or 1, shape (n,).
        second: Outcomes that the second predictor predicts, shape (n,).
        groups: The group of each trial, such as its surgeon, shape (n,).
        seed: The seed of the resamples.

    Returns:
        The difference, or None without trials. Its interval is None if there are fewer than FEWEST_GROUPS groups.

    Raises:
        ValueError: The four arrays have different lengths.
    """
    members = _members(groups)
    _check_lengths(labels=labels, first=first, second=second, groups=members)
    y = np.asarray(labels, dtype=np.int64)
    if not len(y):
        return None
    advantage = (np.asarray(first) == y).astype(np.float64) - (np.asarray(second) == y)
    few = len(np.unique(members)) < FEWEST_GROUPS

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        difference: NDArray[np.float64] = weights @ advantage / weights.sum(axis=1)
        return difference

    return Difference(float(advantage.mean()), None if few else _interval(statistic, members, seed))


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


def _interval(statistic: Statistic, members: NDArray[np.int64], seed: int) -> Interval:
    """Return the percentiles of a statistic over resamples of groups, where it is defined.

    members: the number of the group of each trial, (n,).
    """
    groups = int(members.max()) + 1
    generator = np.random.default_rng(seed)
    resamples = generator.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES)
    weights = resamples[:, members].astype(np.float64)  # (resamples, n): how often each trial is in a resample
    values = statistic(weights)
    low, high = np.quantile(values[~np.isnan(values)], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _mean_win(
    weights: NDArray[np.float64],
    wins: NDArray[np.float64],
    success: NDArray[np.bool_],
    failure: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the weighted mean over pairs, (successes, failures), in each resample; NaN if a resample has no pair."""
    # The weight of a pair of trials is the product of their weights.
    sums = ((weights[:, success] @ wins) * weights[:, failure]).sum(axis=1)
    pairs = weights[:, success].sum(axis=1) * weights[:, failure].sum(axis=1)
    means: NDArray[np.float64] = np.divide(sums, pairs, out=np.full(len(sums), np.nan), where=pairs > 0)
    return means


def _members(groups: ArrayLike) -> NDArray[np.int64]:
    """Return the number of the group of each trial, in the order of their names."""
    return np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]


def _fewest_groups(members: NDArray[np.int64], classes: NDArray[np.int64]) -> int:
    """Return the smallest number of groups that have trials of a class."""
    return min(len(np.unique(members[classes == number])) for number in np.unique(classes))


def _check_lengths(**arrays: ArrayLike) -> None:
    lengths = [len(np.asarray(values)) for values in arrays.values()]
    if len(set(lengths)) > 1:
        *names, last = arrays
        text = f"{', '.join(names)} and {last} must have the same length, got lengths {str(lengths)[1:-1]}"
        raise ValueError(text)


def _wins(scores: ArrayLike, success: NDArray[np.bool_], failure: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Score each pair, (successes, failures): 1 if the success has the higher score, 0.5 for a tie, else 0.

    The mean of these is the AUROC.
    """
    values = np.asarray(scores, dtype=np.float64)
    wins: NDArray[np.float64] = (np.sign(values[success][:, None] - values[failure][None, :]) + 1) / 2
    return wins
