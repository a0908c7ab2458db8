"""How an encoder's features change within a clip, as numbers: plain arrays, no PyTorch."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING = 1e-7
"""A change that is smaller than this share of a feature is rounding, and is taken as none: standardized, it would count
as much as a real one. Features are computed in float32."""


def _mean(features: Array) -> Array:
    found: Array = features.mean(axis=-2)
    return found


def _slope(features: Array) -> Array:
    """Least squares over time: the change from the first step to the last of the straight line that fits best."""
    steps = features.shape[-2]
    if steps < 2:
        return np.zeros_like(features[..., 0, :])
    time = np.linspace(-0.5, 0.5, steps)
    return _without_rounding(np.einsum("...sd,s->...d", features, time / (time**2).sum()), features)


def _curvature(features: Array) -> Array:
    """Least squares over time: the coefficient of the square of time, which is from -1 to 1, in the best parabola."""
    steps = features.shape[-2]
    if steps < 3:
        return np.zeros_like(features[..., 0, :])
    square = np.linspace(-1, 1, steps) ** 2
    centred = square - square.mean()
    return _without_rounding(np.einsum("...sd,s->...d", features, centred / (centred**2).sum()), features)


def _difference(features: Array) -> Array:
    """The mean absolute change from one step to the next; 0 with one step."""
    if features.shape[-2] < 2:
        return np.zeros_like(features[..., 0, :])
    found: Array = np.abs(np.diff(features, axis=-2)).mean(axis=-2)
    return found


def _spread(features: Array) -> Array:
    """The standard deviation over time."""
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
"""By name: features (…, steps, dims) to one number for each of the dims, (…, dims)."""
