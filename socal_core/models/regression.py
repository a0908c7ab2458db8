"""Logistic and ridge regression on many features of few clips, from inner products. It needs no PyTorch.

With an L2 penalty the fit depends only on the inner products of the inputs. So each block of features is standardized
and turned into a matrix of inner products once. The matrices of several blocks are added, and each fit has at most as
many dimensions as there are training clips, however many features there are.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

SMALLEST_SPREAD = 1e-6
"""A feature whose standard deviation is below this fraction of its largest absolute value varies only by rounding, and
is dropped."""
SMALLEST_VARIANCE = 1e-10
"""Principal components with less than this fraction of the variance of the first are rounding errors."""
MAX_ITERATIONS = 2000

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PrincipalComponents:
    """Training clips in the coordinates of their principal components."""

    inputs: Array
    """Coordinates of the training clips, (clips, components)."""
    to_inputs: Array
    """Matrix that maps inner products of a clip with the training clips to its coordinates, (clips, components)."""


def standardization(rows: Array) -> tuple[Array, Array]:
    """Compute mean and standard deviation of each column; the deviation of a constant column is infinity."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    constant = deviation <= SMALLEST_SPREAD * np.abs(rows).max(axis=0, initial=0.0)
    return mean, np.where(constant, np.inf, deviation)


def gram_matrix(rows: Array, training: NDArray[np.bool_]) -> tuple[Array, int]:
    """Compute the inner products of all rows with the training rows, after standardization.

    Args:
        rows: (rows, columns).
        training: Which rows are training rows, bool (rows,). Their mean and deviation standardize all rows.

    Returns:
        The products, (rows, training rows), and the number of columns that differ between training rows.
    """
    mean, scale = standardization(rows[training])
    standardized = (rows - mean) / scale
    return standardized @ standardized[training].T, int(np.isfinite(scale).sum())


def principal_components(gram: Array) -> PrincipalComponents:
    """Compute principal components from the inner products of the training clips, (clips, clips)."""
    values, vectors = np.linalg.eigh(gram)
    kept = values > SMALLEST_VARIANCE * values[-1]
    roots = np.sqrt(values[kept])
    return PrincipalComponents(vectors[:, kept] * roots, vectors[:, kept] / roots)


def fit_strengths(
    inputs: Array, labels: NDArray[np.int64], strengths: Sequence[float]
) -> Iterator[tuple[Array, Array]]:
    """Fit a logistic regression for each C in turn, starting from the fit before it. All classes have equal weight.

    Args:
        inputs: (clips, components).
        labels: Class of each clip, (clips,). Each class occurs.
        strengths: Values of C.

    Yields:
        Coefficients and intercept of the log odds of the second of two classes, (components,) and (1,); with more
        classes, those of a multinomial regression, (components, classes) and (classes,).
    """
    model = LogisticRegression(class_weight="balanced", tol=1e-6, max_iter=MAX_ITERATIONS, warm_start=True)
    for strength in strengths:
        model.C = strength
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that has not converged is still usable
            model.fit(inputs, labels)
        weights = model.coef_[0] if len(model.coef_) == 1 else model.coef_.T
        yield weights.copy(), model.intercept_.copy()


def fit_ridge(inputs: Array, values: Array, strengths: Sequence[float]) -> Iterator[tuple[Array, Array]]:
    """Fit a ridge regression for each C, the inverse of the factor of the penalty.

    Args:
        inputs: Coordinates of principal components, (clips, components): centred and not correlated.
        values: Number of each clip, (clips,).
        strengths: Values of C.

    Yields:
        Coefficients, (components, 1), and intercept, (1,).
    """
    mean = values.mean()
    products, squares = inputs.T @ (values - mean), (inputs**2).sum(axis=0)
    for strength in strengths:
        yield (products / (squares + 1 / strength))[:, None], np.array([mean])


def odds_of(probability: Array) -> Array:
    """Convert probabilities to log odds, which are finite even at 0 and 1."""
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    odds: Array = np.log(clipped) - np.log1p(-clipped)
    return odds


def probability_of(odds: Array) -> Array:
    """Convert log odds to probabilities."""
    return 0.5 * (1 + np.tanh(0.5 * odds))
