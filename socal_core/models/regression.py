"""Logistic regression on many features of few clips, by inner products: plain arrays, no PyTorch.

With an L2 penalty the fit depends on the input by inner products alone. So each block of features is standardized and
turned into a matrix of inner products once; those of several blocks are added, and every fit works in as many
dimensions as there are training clips, however many thousand features there are.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

SMALLEST_SPREAD = 1e-6
"""A feature whose standard deviation is less than this share of its size is constant but for rounding, and dropped."""
SMALLEST_VARIANCE = 1e-10
"""Principal components with less than this share of the variance of the first are rounding."""
MAX_ITERATIONS = 2000

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rotated:
    """Training clips in the coordinates of their principal components."""

    inputs: Array
    """(clips, components)."""
    to_inputs: Array
    """From the inner products of a clip with the training clips to its coordinates, (clips, components)."""


def standard_of(rows: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each column of (rows, columns); infinity for a column that is constant."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    constant = deviation <= SMALLEST_SPREAD * np.abs(rows).max(axis=0, initial=0.0)
    return mean, np.where(constant, np.inf, deviation)


def gram_of(rows: Array, training: NDArray[np.bool_]) -> tuple[Array, int]:
    """Inner products of all rows with the training rows, standardized by the latter.

    Args:
        rows: (rows, columns).
        training: Which of them to standardize by, (rows,).

    Returns:
        The products (rows, training rows), and the number of columns that differ between training rows.
    """
    mean, scale = standard_of(rows[training])
    standardized = (rows - mean) / scale
    return standardized @ standardized[training].T, int(np.isfinite(scale).sum())


def rotate(gram: Array) -> Rotated:
    """Principal components from the inner products of the training clips, (clips, clips)."""
    values, vectors = np.linalg.eigh(gram)
    kept = values > SMALLEST_VARIANCE * values[-1]
    roots = np.sqrt(values[kept])
    return Rotated(vectors[:, kept] * roots, vectors[:, kept] / roots)


def fits(inputs: Array, labels: NDArray[np.int64], strengths: Sequence[float]) -> Iterator[tuple[Array, float]]:
    """Coefficients and intercept for each C, in order; each fit begins where the one before it ended.

    Both outcomes weigh alike, however common they are.
    """
    model = LogisticRegression(class_weight="balanced", tol=1e-6, max_iter=MAX_ITERATIONS, warm_start=True)
    for strength in strengths:
        model.C = strength
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that has not converged is still usable
            model.fit(inputs, labels)
        yield model.coef_[0].copy(), float(model.intercept_[0])


def odds_of(probability: Array) -> Array:
    """Log odds from probabilities, finite also at 0 and 1."""
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    found: Array = np.log(clipped) - np.log1p(-clipped)
    return found


def probability_of(odds: Array) -> Array:
    """Probability of success from log odds."""
    return 0.5 * (1 + np.tanh(0.5 * odds))
