"""Parts of pictures that the sets share: noise, textures, light, and the camera."""

import colorsys
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""One value per pixel, (height, width), or one colour per pixel, (height, width, 3)."""
Colour = tuple[float, float, float]
"""Blue, green, red from 0 to 255."""

TEXTURES = ("mottled", "striped", "woven", "speckled", "cells")


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Convert a colour with components from 0 to 1 (the hue wraps around) to Colour."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return 255 * blue, 255 * green, 255 * red


def noise(rng: np.random.Generator, height: int, width: int, cell: float, stretch: float = 1.0) -> Plane:
    """Draw smooth noise of variance 1.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        cell: Size of a bump in pixels.
        stretch: How much longer a bump is along the rows than across them.
    """
    rows = max(2, round(height / cell)) + 2
    columns = max(2, round(width / (cell * stretch))) + 2
    coarse = rng.normal(size=(rows, columns)).astype(np.float32)
    fine = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    return (fine - fine.mean()) / (fine.std() + np.float32(1e-6))


def fractal(rng: np.random.Generator, height: int, width: int, cell: float, octaves: int = 4) -> Plane:
    """Sum noise of ever smaller cells; variance about 1."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        total += noise(rng, height, width, max(cell / 2**octave, 1.5)) * np.float32(0.6**octave)
    return total / total.std()


def texture(rng: np.random.Generator, height: int, width: int, kind: str) -> Plane:
    """Draw one of TEXTURES, about -1 to 1."""
    if kind == "striped":
        plane = noise(rng, height, width, 5, stretch=rng.uniform(6, 14)) + 0.4 * fractal(rng, height, width, 40)
    elif kind == "woven":
        rows, columns = np.indices((height, width), dtype=np.float32)
        pitch = rng.uniform(5, 11)
        bend = 2 * noise(rng, height, width, 60)
        plane = np.sin(2 * np.pi * (rows + bend) / pitch) * np.sin(2 * np.pi * (columns + bend) / pitch)
        plane = plane + 0.5 * fractal(rng, height, width, 50)
    elif kind == "speckled":
        spots = np.maximum(noise(rng, height, width, rng.uniform(3, 6)) - 1.2, 0) * 2
        plane = spots + 0.6 * fractal(rng, height, width, 70)
    elif kind == "cells":
        plane = 2 * np.abs(fractal(rng, height, width, rng.uniform(18, 40), 3)) - 1.2
    else:
        plane = fractal(rng, height, width, rng.uniform(30, 80), 5)
    return np.clip(plane / 2, -1, 1).astype(np.float32)


def shade(plane: Plane, dark: Colour, light: Colour) -> Plane:
    """Colour a plane from -1 (dark) to 1 (light)."""
    share = ((plane + 1) / 2)[..., None]
    low, high = np.float32(dark), np.float32(light)
    return np.asarray(low + share * (high - low), dtype=np.float32)


def walk(rng: np.random.Generator, length: int, memory: float) -> NDArray[np.float64]:
    """Draw a smooth random series of about mean 0 and variance 1.

    Args:
        rng: Source of randomness.
        length: Number of values.
        memory: Number of steps over which values are alike.
    """
    reach = max(int(3 * memory), 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / memory) ** 2)
    values = np.convolve(rng.normal(size=length + 2 * reach), kernel, mode="valid")
    return np.asarray(values / np.sqrt((kernel**2).sum()))


def intervals(rng: np.random.Generator, length: int, share: float, memory: float) -> NDArray[np.bool_]:
    """Draw when something is in view: on for about `share` of the time, in stretches of about `memory` steps."""
    series = walk(rng, length, memory)
    return np.asarray(series <= np.quantile(series, np.clip(share, 0, 1)), dtype=np.bool_)


def vignette(height: int, width: int, centre: tuple[float, float], strength: float) -> Plane:
    """Compute light that falls off from 1 at the centre to 1 - strength in the farthest corner, (height, width, 3)."""
    rows, columns = np.indices((height, width), dtype=np.float32)
    away = np.hypot((columns / width - centre[0]) * width, (rows / height - centre[1]) * height)
    share = away / away.max()
    return np.repeat((1 - strength * share * share).astype(np.float32)[..., None], 3, axis=2)


def expose(frame: NDArray[np.uint8], light: Plane, gains: NDArray[np.float64], noise: Plane) -> NDArray[np.uint8]:
    """Light a frame: each channel times `light` and its gain, plus noise."""
    lit = cv2.multiply(frame, light, dtype=cv2.CV_32F)
    return np.asarray(cv2.add(cv2.multiply(lit, (*gains.tolist(), 0.0)), noise, dtype=cv2.CV_8U), dtype=np.uint8)


def grain(rng: np.random.Generator, height: int, width: int, level: float) -> Callable[[], Plane]:
    """Return a function that gives sensor noise for one frame after the other."""
    extra = 24
    sheet = rng.normal(0, level, (height + extra, width + extra, 3)).astype(np.float32)

    def draw() -> Plane:
        y, x = rng.integers(extra, size=2)
        return sheet[y : y + height, x : x + width]

    return draw


def camera(
    width: int, height: int, canvas: tuple[int, int], zoom: float, shift: tuple[float, float], angle: float
) -> NDArray[np.float64]:
    """Return the affine map from canvas (width, height) to frame, (2, 3); the middle goes to the middle plus shift."""
    matrix = np.asarray(cv2.getRotationMatrix2D((canvas[0] / 2, canvas[1] / 2), angle, zoom), dtype=np.float64)
    matrix[:, 2] += (width / 2 - canvas[0] / 2 + shift[0], height / 2 - canvas[1] / 2 + shift[1])
    return matrix


def extents(
    points: NDArray[np.float64], matrix: NDArray[np.float64], width: int, height: int
) -> tuple[int, ...] | None:
    """Return the box (x1, y1, x2, y2) around points of the canvas, in the frame; None when under 6 pixels show."""
    seen = points @ matrix[:, :2].T + matrix[:, 2]
    x1, y1 = np.floor(np.maximum(seen.min(axis=0), 0)).astype(int)
    x2, y2 = np.ceil(np.minimum(seen.max(axis=0), (width, height))).astype(int)
    return (int(x1), int(y1), int(x2), int(y2)) if min(x2 - x1, y2 - y1) >= 6 else None
