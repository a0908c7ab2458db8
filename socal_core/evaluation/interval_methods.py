"""95 % intervals of a score from its values without each surgeon (the jackknife).

`benchmarks/coverage.py` measures how often they contain the truth. A variance from ten or twenty surgeons is uncertain,
and 0 for a perfect score. So it is averaged with the variance that the score would have if trials were independent,
times a usual design effect, as if PRIOR_SURGEONS surgeons had shown that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import atanh, isfinite, sqrt, tanh

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, stdtrit

from socal_core.evaluation.weighted_scores import Floats
from socal_core.runs.files.metrics_record import Interval

PRIOR_SURGEONS = 5
"""Weight of the usual design effect, in surgeons."""
PRIOR_CORRELATION = 0.2
"""Usual correlation between trials of a surgeon."""
CALIBRATION_SURGEONS = 30
"""As PRIOR_SURGEONS, for the calibration error, whose variance is that of many bins with few trials."""
Z = 1.959963984540054
"""97.5th percentile of the normal distribution."""


class Surgeons:
    """The surgeons of n trials."""

    def __init__(self, names: NDArray[np.str_]) -> None:
        """Args: names: The surgeon of each trial, shape (n,)."""
        found, self.member = np.unique(names, return_inverse=True)
        self.count = len(found)

    @cached_property
    def weights(self) -> Floats:
        """Weights of all trials, then without each surgeon, (1 + surgeons, n)."""
        without = np.arange(self.count)[:, None] != self.member
        return np.vstack([np.ones(len(self.member)), without])

    @cached_property
    def usual_design_effect(self) -> float:
        """The design effect at PRIOR_CORRELATION: 1 if each surgeon has one trial, more with more."""
        sizes = np.bincount(self.member)
        return 1 + PRIOR_CORRELATION * (float((sizes**2).sum() / sizes.sum()) - 1)

    @cached_property
    def t(self) -> float:
        """The 97.5th percentile of the t distribution with one degree of freedom less than surgeons."""
        return float(stdtrit(self.count - 1, 0.975))


@dataclass(frozen=True)
class Jackknife:
    """A score of all trials, and without each surgeon."""

    surgeons: Surgeons
    values: Floats
    """Shape (1 + surgeons,), in the order of `Surgeons.weights`."""

    @property
    def value(self) -> float:
        """The score of all trials."""
        return float(self.values[0])

    @cached_property
    def variance(self) -> float:
        """The jackknife estimate of the variance of the score; NaN if the score is not defined without a surgeon."""
        return self.covariance(self)

    def covariance(self, other: "Jackknife") -> float:
        """Estimate the covariance with another score of the same trials."""
        return float(self._deviations @ other._deviations) * (1 - 1 / self.surgeons.count)

    @cached_property
    def _deviations(self) -> Floats:
        without: Floats = self.values[1:]
        return without - without.sum() / len(without)

    def map(self, function: Callable[[Floats], Floats]) -> "Jackknife":
        """Apply a function to all values; what is not finite becomes NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            values = function(self.values)
        return Jackknife(self.surgeons, np.where(np.isfinite(values), values, np.nan))

    def averaged_variance(self, independent: float, usual: float | None = None) -> float:
        """Average the variance with its usual value.

        Args:
            independent: The variance if trials were independent.
            usual: The usual design effect, that of the surgeons by default.
        """
        own, prior = self.surgeons.count - 1, usual or self.surgeons.usual_design_effect
        return (own * self.variance + PRIOR_SURGEONS * prior * independent) / (own + PRIOR_SURGEONS)


def score_interval(scores: Jackknife, size: float, usual: float | None = None) -> Interval:
    """Compute a score interval (Wilson, JASA 1927;22:209) of a score between 0 and 1 with an effective sample size.

    Args:
        scores: The score; it may be 0 or 1.
        size: The number of independent trials for which value (1 - value) / size is the variance.
        usual: The usual design effect, that of the surgeons by default.

    Returns:
        The low and high end; None if the score needs one of the surgeons.
    """
    value = scores.value
    spread = value * (1 - value)
    prior = usual or scores.surgeons.usual_design_effect
    effect = scores.averaged_variance(spread / size, prior) / (spread / size) if spread > 1e-12 else prior
    if not isfinite(effect + scores.variance):
        return None
    n = size / effect
    centre = (value + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(max(spread, 0) / n + Z**2 / (4 * n**2))
    return max(0.0, min(centre - half, value)), min(1.0, max(centre + half, value))


def t_interval(scores: Jackknife, independent: float | None = None) -> Interval:
    """Compute value ± t times the standard error.

    Args:
        scores: The score, on a scale on which it is about normally distributed.
        independent: The variance if trials were independent; without it, only the jackknife counts.

    Returns:
        The low and high end; None if the score needs one of the surgeons, or is not finite.
    """
    variance = scores.variance if independent is None else scores.averaged_variance(independent)
    half = scores.surgeons.t * sqrt(variance) if isfinite(variance) else np.nan
    return (scores.value - half, scores.value + half) if isfinite(scores.value + half) else None


def difference_interval(
    first: Jackknife, second: Jackknife, own: tuple[Interval, Interval], usual_correlation: float
) -> Interval:
    """Combine the intervals of two scores of the same trials into that of their difference.

    Args:
        first: The first score.
        second: The second score.
        own: The intervals of both.
        usual_correlation: The usual correlation between the two scores, averaged with that of the jackknife as the
            usual design effect is.

    Returns:
        The interval of the first minus the second (Zou and Donner, Stat Med 2008;27:1693); None if one has none.
    """
    if own[0] is None or own[1] is None:
        return None
    (low1, high1), (low2, high2) = own
    degrees, together = first.surgeons.count - 1, sqrt(first.variance * second.variance)
    shown = first.covariance(second) / together if together > 0 else usual_correlation
    r = (degrees * shown + PRIOR_SURGEONS * usual_correlation) / (degrees + PRIOR_SURGEONS)
    down, up = first.value - low1, high2 - second.value
    further_up, further_down = high1 - first.value, second.value - low2
    value = first.value - second.value
    return (
        value - sqrt(max(down**2 + up**2 - 2 * r * down * up, 0)),
        value + sqrt(max(further_up**2 + further_down**2 - 2 * r * further_up * further_down, 0)),
    )


def matthews_interval(scores: Jackknife, table: tuple[float, float, float, float]) -> Interval:
    """Compute an interval of Matthews' correlation coefficient.

    It is a t-like interval on Fisher's scale around the coefficient of the table with half a trial added to each cell,
    which is finite also for a perfect prediction. The variance of independent trials is that of the phi coefficient
    (Yule, J R Stat Soc 1912;75:579).

    Args:
        scores: The coefficient.
        table: The numbers of true positives, false positives, false negatives and true negatives.
    """
    tp, fp, fn, tn = (cell + 0.5 for cell in table)
    n = sum(table)
    said, true = (tp + fp) / (n + 2), (tp + fn) / (n + 2)
    said_spread, true_spread = said * (1 - said), true * (1 - true)
    phi = (tp * tn - fp * fn) / ((n + 2) ** 2 * sqrt(said_spread * true_spread))
    skew = (1 - 2 * said) ** 2 / said_spread + (1 - 2 * true) ** 2 / true_spread
    cross = (1 - 2 * said) * (1 - 2 * true) / sqrt(said_spread * true_spread)
    variance = scores.averaged_variance((1 - phi**2 + phi * (1 + phi**2 / 2) * cross - 0.75 * phi**2 * skew) / n)
    if not isfinite(variance):
        return None
    half = Z * sqrt(variance) / (1 - phi**2)
    return min(tanh(atanh(phi) - half), scores.value), max(tanh(atanh(phi) + half), scores.value)


def hanley_size(auroc: float, positives: float, negatives: float) -> float:
    """Compute the size of `score_interval` that gives an AUROC the variance of Hanley and McNeil.

    The form is that of method 5 of Newcombe, Stat Med 2006;25:559.
    """
    spread = (positives + negatives) / 2 - 1
    return positives * negatives / (1 + spread * ((1 - auroc) / (2 - auroc) + auroc / (1 + auroc)))


def calibration_interval(distances: Floats, spread: Floats, surgeons: Surgeons) -> Interval:
    """Compute an interval of the expected calibration error.

    The error of few trials is above the true one, since distances of either sign count as positive. So the ends are the
    true errors for which the error that was found would be Z standard deviations above or below the expected one: all
    distances are multiplied by one factor, and each bin has a normal distribution around its distance.

    Args:
        distances: For each surgeon and bin, the sum of probability minus outcome, divided by the number of all trials,
            shape (surgeons, bins).
        spread: For each bin, the variance of the sum of `distances` if the probabilities were right and trials
            independent, shape (bins,).
        surgeons: The surgeons.
    """
    total = distances.sum(axis=0)
    share = 1 / surgeons.count
    shown = ((distances - total * share) ** 2).sum() / (1 - share)  # the variance between surgeons
    degrees = surgeons.count - 1
    effect = (degrees * shown / spread.sum() + CALIBRATION_SURGEONS) / (degrees + CALIBRATION_SURGEONS)
    deviation = np.sqrt(effect * spread[spread > 0])
    size = np.abs(total[spread > 0])
    error = float(np.abs(total).sum())

    def excess(factor: float) -> float:
        """Return by how many standard deviations the error that was found is above that expected with a factor."""
        ratio = factor * size / deviation
        expected = deviation * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + factor * size * (1 - 2 * ndtr(-ratio))
        variance = (factor * size) ** 2 + deviation**2 - expected**2
        return float((error - expected.sum()) / np.sqrt(variance.sum()))

    def end(z: float) -> float:
        """Return the true error at which the excess is z; it falls from no error to an error of 1."""
        if excess(0) <= z:
            return 0.0
        return 1.0 if excess(1 / error) >= z else float(brentq(lambda x: excess(x) - z, 0, 1 / error)) * error

    return end(Z), end(-Z)
