"""Confidence against accuracy: whether a model is right more often where it is more certain.

Pangal et al. (Sci Rep 2022;12:8137) compare experts and a model in this way.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from socal_core.evaluation.arrays import Binning, bin_numbers, outcome_arrays
from socal_core.evaluation.intervals import rate_interval
from socal_core.runs.files.metrics_record import Interval

GROUPS = 4
"""Number of groups by default."""


@dataclass(frozen=True)
class ConfidenceGroup:
    """Trials that are predicted with similar confidence."""

    low: float
    """The lowest confidence in the group, or its edge if groups have equal width."""
    high: float
    n: int
    right: int
    """Number of trials predicted correctly."""
    confidence: float
    """Mean confidence."""
    interval: Interval
    """The 95 % interval of the accuracy; None if the group has too few surgeons."""

    @property
    def accuracy(self) -> float:
        """Fraction of trials predicted correctly."""
        return self.right / self.n

    def as_dict(self) -> dict[str, Any]:
        """Return the group as values for JSON."""
        return {**asdict(self), "accuracy": self.accuracy}


def accuracy_by_confidence(
    labels: ArrayLike,
    probabilities: ArrayLike,
    predicted: ArrayLike,
    groups: int = GROUPS,
    binning: Binning = Binning.EQUAL_COUNT,
    surgeons: ArrayLike | None = None,
) -> tuple[ConfidenceGroup, ...]:
    """Group trials by confidence, which is the larger of p and 1 - p for a probability of success p.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        predicted: Predicted outcomes, 0 or 1, shape (n,). If the threshold is not 0.5, they may differ from the
            likelier outcome where confidence is low.
        groups: Number of groups.
        binning: How trials are grouped; groups of equal width divide 0.5 to 1.
        surgeons: The surgeon of each trial, shape (n,); None if each trial is of another one.

    Returns:
        The groups that have trials, the least confident first.

    Raises:
        ValueError: The lengths differ, or there is no group.
    """
    y, p = outcome_arrays(labels, probabilities)
    decided, _ = outcome_arrays(predicted, p)
    confidence = np.maximum(p, 1 - p)
    numbers = bin_numbers(confidence, groups, binning, low=0.5)
    names = None if surgeons is None else np.asarray(surgeons)
    found = []
    for number in np.unique(numbers):
        inside = numbers == number
        hits = y[inside] == decided[inside]
        interval = rate_interval(hits, None if names is None else names[inside])
        values = confidence[inside]
        low, high = float(values.min()), float(values.max())
        if binning is Binning.EQUAL_WIDTH:
            low, high = (0.5 + 0.5 * float(edge) / groups for edge in (number, number + 1))
        found.append(ConfidenceGroup(low, high, len(hits), int(hits.sum()), float(values.mean()), interval))
    return tuple(found)


def confidence_sentence(groups: tuple[ConfidenceGroup, ...]) -> str:
    """Compare the most confident group with the other trials in a sentence.

    Args:
        groups: The groups from `accuracy_by_confidence`.
    """
    if len(groups) < 2:
        return (
            "All test trials are predicted with about the same confidence." if groups else "There are no test trials."
        )
    top, rest = groups[-1], groups[:-1]
    n, right = sum(group.n for group in rest), sum(group.right for group in rest)
    return (
        f"Of the test trials with a confidence of {top.low:.2f} or more, {top.right} of {top.n} were predicted "
        f"correctly ({top.accuracy:.0%}); of the others, {right} of {n} ({right / n:.0%})."
    )
