"""Temporal statistics of the features within a clip. They need no PyTorch."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING = 1e-7
"""A change below this fraction of a feature is a rounding error of float32 and is set to 0. Otherwise standardization
would give it the weight of a real change."""


def _mean(features: Array) -> Array:
    found: Array = features.mean(axis=-2)
    return found


def _slope(features: Array) -> Array:
    """Fit a straight line over time, and return its change from the first step to the last."""
    steps = features.shape[-2]
    if steps < 2:
        return np.zeros_like(features[..., 0, :])
    time = np.linspace(-0.5, 0.5, steps)
    return _without_rounding(np.einsum("...sd,s->...d", features, time / (time**2).sum()), features)


def _curvature(features: Array) -> Array:
    """Fit a parabola over time from -1 to 1, and return the coefficient of the square."""
    steps = features.shape[-2]
    if steps < 3:
        return np.zeros_like(features[..., 0, :])
    square = np.linspace(-1, 1, steps) ** 2
    centred = square - square.mean()
    return _without_rounding(np.einsum("...sd,s->...d", features, centred / (centred**2).sum()), features)


def _difference(features: Array) -> Array:
    """Compute the mean absolute change from one step to the next; 0 for a single step."""
    if features.shape[-2] < 2:
        return np.zeros_like(features[..., 0, :])
    found: Array = np.abs(np.diff(features, axis=-2)).mean(axis=-2)
    return found


def _spread(features: Array) -> Array:
    """Compute the standard deviation over time."""
    return _without_rounding(features.std(axis=-2), features)


def _without_rounding(changes: Array, features: Array) -> Array:
    return np.where(np.abs(changes) > ROUNDING * np.abs(features).max(axis=-2), changes, 0.0)


STATISTICS: dict[str, Callable[[Array], Array]] = {
    "mean": _mean,
    "slope": _slope,
    "curvature": _curvature,
    "difference": _difference,
    "spread": _spread,
}
"""The statistics by name. Each maps features (…, steps, dims) to one number per dimension, (…, dims)."""
