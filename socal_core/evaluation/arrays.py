"""Outcomes and probabilities as checked arrays, and their division into bins."""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

SMALLEST = 1e-6
"""Probabilities are kept this far from 0 and 1 where their logarithm is needed, so that it stays finite."""


class Binning(StrEnum):
    """How trials are divided into bins."""

    EQUAL_COUNT = "equal-count"
    """Each bin has about the same number of trials. Trials with equal values are in the same bin."""
    EQUAL_WIDTH = "equal-width"
    """Each bin covers an equal part of the range."""


def outcome_arrays(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Convert outcomes and probabilities to arrays.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).

    Raises:
        ValueError: The lengths differ.
    """
    y, p = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    if y.shape != p.shape:
        raise ValueError(f"labels and probabilities must have the same length, got {len(y)} and {len(p)}")
    return y, p


def bin_numbers(
    values: NDArray[np.float64], bins: int, binning: Binning, low: float = 0.0, high: float = 1.0
) -> NDArray[np.int64]:
    """Return the number of the bin of each value, from 0. A bin may be empty.

    Args:
        values: The values, shape (n,).
        bins: Number of bins.
        binning: How to divide them.
        low: The lower end of the range; only for bins of equal width.
        high: The upper end of the range, which belongs to the last bin; only for bins of equal width.

    Raises:
        ValueError: There is no bin.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    if binning is Binning.EQUAL_COUNT:
        # Equal values have the same lowest rank, and so the same bin.
        ranks: NDArray[np.int64] = rankdata(values, "min").astype(np.int64) - 1
        return ranks * bins // max(1, len(values))
    inner = np.linspace(low, high, bins + 1)[1:-1]
    return np.searchsorted(inner, values, side="right").astype(np.int64)


def log_loss(y: NDArray[np.int64], p: NDArray[np.float64]) -> float | None:
    """Compute the mean log loss in nats; None without trials. Probabilities are at least SMALLEST from 0 and 1."""
    if not len(y):
        return None
    inner = np.clip(p, SMALLEST, 1 - SMALLEST)
    return float(-np.where(y == 1, np.log(inner), np.log1p(-inner)).mean())
