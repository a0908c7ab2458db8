"""Noise in space and in time for the set `field`."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.trial import FloatArray

Plane = NDArray[np.float32]
"""One value per pixel, (height, width), or one colour per pixel, (height, width, 3)."""


def clouds(rng: np.random.Generator, height: int, width: int, cell: float, layers: int = 1) -> Plane:
    """Draw smooth noise of mean 0 and variance 1; each further layer has cells of half the size and is weaker."""
    total = np.zeros((height, width), np.float32)
    for layer in range(layers):
        size = cell / 2**layer
        coarse = rng.normal(size=(int(height / size) + 3, int(width / size) + 3)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(0.55**layer)
    return np.asarray((total - total.mean()) / total.std(), dtype=np.float32)


def series(rng: np.random.Generator, length: int, memory: float) -> FloatArray:
    """Draw a random series of variance 1 that forgets its past over `memory` steps."""
    keep = float(np.exp(-1 / memory))
    values = rng.normal(size=length)
    for step in range(1, length):
        values[step] = keep * values[step - 1] + np.sqrt(1 - keep**2) * values[step]
    return values


def paths(rng: np.random.Generator, length: int, memory: float) -> FloatArray:
    """Draw `series` for x and y, (length, 2)."""
    return np.column_stack([series(rng, length, memory) for _ in range(2)])


def spread(rng: np.random.Generator, number: int, first: float, last: float, length: float) -> list[int]:
    """Draw the starts of `number` intervals of a length between `first` and `last`; they do not overlap."""
    slot = (last - first) / max(number, 1)
    return [round(first + slot * index + rng.uniform(0, max(slot - length, 0))) for index in range(number)]
