"""95 % intervals of a score from its values without each surgeon (the jackknife).

`benchmarks/coverage.py` measures how often they contain the truth. A variance from ten or twenty surgeons is uncertain,
and 0 for a perfect score. So it is averaged with the variance that the score would have if trials were independent,
times a usual design effect, as if PRIOR_SURGEONS surgeons had shown that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from socal_core.evaluation.weighted_scores import Floats
from socal_core.runs.files.metrics_record import Interval

PRIOR_SURGEONS = 5
"""Weight of the usual design effect, in surgeons."""
PRIOR_CORRELATION = 0.2
"""Usual correlation between trials of a surgeon."""
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
        deviations: Floats = without - without.sum() / len(without)
        return deviations

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
        The low and high end; None if the score is not defined, also without any of the surgeons, or the size is 0.
    """
    value = scores.value
    if not size or not isfinite(scores.variance + value):
        return None
    spread = value * (1 - value)
    prior = usual or scores.surgeons.usual_design_effect
    effect = scores.averaged_variance(spread / size, prior) / (spread / size) if spread > 1e-12 else prior
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
        The low and high end; None if the score is not defined, also without any of the surgeons.
    """
    variance = scores.variance if independent is None else scores.averaged_variance(independent)
    if not isfinite(variance + scores.value):
        return None
    half = scores.surgeons.t * sqrt(max(variance, 0.0))  # by rounding, that of equal scores may be just below 0
    return scores.value - half, scores.value + half


def difference_interval(
    first: Jackknife, second: Jackknife, first_interval: Interval, second_interval: Interval, usual_correlation: float
) -> Interval:
    """Combine the intervals of two scores of the same trials into that of their difference.

    Args:
        first: The first score.
        second: The second score.
        first_interval: The interval of the first score.
        second_interval: The interval of the second score.
        usual_correlation: The usual correlation between the two scores, averaged with that of the jackknife as the
            usual design effect is.

    Returns:
        The interval of the first minus the second (Zou and Donner, Stat Med 2008;27:1693); None if one has none.
    """
    if first_interval is None or second_interval is None:
        return None
    (low1, high1), (low2, high2) = first_interval, second_interval
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
