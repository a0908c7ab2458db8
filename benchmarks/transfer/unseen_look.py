"""Colours, noise, and the camera of the set `unseen`."""

import colorsys
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import Box, FloatArray, Trial

Plane = NDArray[np.float32]
"""One value for each pixel."""
Colour = tuple[float, float, float]
"""Blue, green, red from 0 to 255."""

CANVAS = (400, 340)
"""Width and height of the tissue that is painted; the camera shows its middle."""
SHOWN = (288, 204)
"""Width and height of what a camera shows at zoom 1, in pixels of the canvas."""
LONGEST = 90
"""Seconds for which the course of a trial is drawn, however many frames are written."""
SMALLEST_BOX = 5
TISSUES = ("lobules", "fibres", "smooth")


def tint(hue: float, saturation: float, value: float) -> Colour:
    """Convert hue (wraps around), saturation, and value, from 0 to 1, to a colour."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return 255 * blue, 255 * green, 255 * red


def clouds(rng: np.random.Generator, width: int, height: int, size: float) -> Plane:
    """Draw smooth noise of mean 0 and variance 1 with bumps of about `size` pixels."""
    shrink = max(int(size / 4), 1)
    raw = rng.normal(size=(height // shrink + 2, width // shrink + 2)).astype(np.float32)
    plane = cv2.resize(cv2.GaussianBlur(raw, (0, 0), size / shrink / 2), (width, height))
    return np.asarray((plane - plane.mean()) / plane.std(), dtype=np.float32)


def wander(rng: np.random.Generator, memory: float, columns: int = 1) -> FloatArray:
    """Draw series of variance 1 that forget their past within about `memory` seconds, (LONGEST, columns)."""
    keep = np.exp(-1 / memory)
    values = rng.normal(size=(LONGEST, columns))
    for second in range(1, LONGEST):
        values[second] = keep * values[second - 1] + np.sqrt(1 - keep**2) * values[second]
    return values


@dataclass(frozen=True, eq=False)
class Look:
    """What both trials of a surgeon have in common; none of it says anything of the outcome."""

    tissue: str
    """One of TISSUES."""
    surface: Colour
    depth: Colour
    """Colour inside the opening."""
    rim: Colour
    fat: Colour
    liquid: Colour
    pad: Colour
    strip: Colour
    """Colour of the marker on the pad and of its string."""
    suction: Colour
    shaft: Colour
    jaws: Colour
    muscle: Colour
    gains: FloatArray
    """White balance: factors for blue, green, red."""
    lamp: tuple[float, float]
    """Where the light is brightest, in shares of width and height."""
    falloff: float
    corners: float
    """How much of the frame's corners is black; 0 for none."""
    zoom: float
    turn: float
    mirrored: bool
    unrest: float
    """Standard deviation of the camera's shake in pixels of the canvas."""
    haze: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Look":
        """Draw the look of a surgeon."""
        hue, level = rng.uniform(-0.04, 0.1), rng.uniform(0.55, 0.85)
        liquid_hue = rng.choice([rng.normal(0.0, 0.015), rng.normal(0.1, 0.03)], p=[0.85, 0.15])
        return cls(
            tissue=str(rng.choice(TISSUES)),
            surface=tint(hue, rng.uniform(0.25, 0.6), level),
            depth=tint(hue + rng.normal(0, 0.02), rng.uniform(0.4, 0.7), 0.5 * level),
            rim=tint(rng.uniform(-0.02, 0.12), rng.uniform(0.1, 0.4), rng.uniform(0.7, 0.98)),
            fat=tint(rng.uniform(0.08, 0.15), rng.uniform(0.3, 0.65), rng.uniform(0.65, 0.95)),
            liquid=tint(liquid_hue, rng.uniform(0.75, 0.98), rng.uniform(0.28, 0.55)),
            pad=tint(rng.uniform(), rng.uniform(0, 0.12), rng.uniform(0.8, 1)),
            strip=tint(rng.uniform(0.3, 0.75), rng.uniform(0.5, 0.9), rng.uniform(0.3, 0.8)),
            suction=tint(rng.uniform(0.45, 0.7), rng.uniform(0, 0.3), rng.uniform(0.55, 0.9)),
            shaft=tint(rng.uniform(), rng.uniform(0, 0.6), rng.uniform(0.08, 0.35)),
            jaws=tint(rng.uniform(0.1, 0.6), rng.uniform(0, 0.2), rng.uniform(0.6, 0.95)),
            muscle=tint(rng.uniform(-0.03, 0.06), rng.uniform(0.35, 0.6), rng.uniform(0.45, 0.75)),
            gains=np.exp(rng.normal(0, 0.1, 3)),
            lamp=(float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.3, 0.7))),
            falloff=float(rng.uniform(0.15, 0.65)),
            corners=float(rng.uniform(0.06, 0.2)) if rng.uniform() < 0.4 else 0.0,
            zoom=float(rng.uniform(0.92, 1.2)),
            turn=float(rng.normal(0, 12)),
            mirrored=bool(rng.uniform() < 0.5),
            unrest=float(rng.uniform(0.3, 4)),
            haze=float(rng.uniform(0, 0.25)),
        )


class Camera:
    """How a canvas becomes a frame of a trial: place, light, haze, and noise."""

    def __init__(self, rng: np.random.Generator, trial: Trial, look: Look) -> None:
        self._size = (trial.width, trial.height)
        self._zoom = max(trial.width / SHOWN[0], trial.height / SHOWN[1]) * look.zoom * np.exp(rng.normal(0, 0.04))
        self._turn = look.turn + rng.normal(0, 4)
        self._mirrored = look.mirrored
        self._shifts = look.unrest * wander(rng, 0.7, 2) + rng.uniform(1, 7) * wander(rng, 15, 2)
        drift = np.linspace(-0.5, 0.5, LONGEST)[:, None]
        brightness = rng.normal(0, 0.07) * drift + 0.02 * wander(rng, 8)
        balance = drift * rng.normal(0, 0.03, 3) + 0.012 * wander(rng, 8, 3) + rng.normal(0, 0.05, 3)
        self._gains = look.gains * np.exp(brightness + balance)
        haze = look.haze + rng.normal(0, 0.05) + rng.normal(0, 0.025) * drift + 0.01 * wander(rng, 6)
        self._haze = np.clip(haze[:, 0], 0, 1)
        self._fog = rng.uniform(140, 220)
        self._light = self._lit(look)
        self._grain = rng.normal(0, rng.uniform(1, 5), (trial.height + 16, trial.width + 16, 3)).astype(np.float32)
        self._grain_at = rng.integers(16, size=(LONGEST, 2))

    def matrix(self, second: int) -> FloatArray:
        """Return the affine map from canvas to frame, (2, 3)."""
        middle = np.asarray(CANVAS) / 2
        matrix = np.asarray(cv2.getRotationMatrix2D((0, 0), self._turn, self._zoom), dtype=np.float64)
        if self._mirrored:
            matrix[0] *= -1
        matrix[:, 2] = np.asarray(self._size) / 2 - matrix[:, :2] @ (middle + self._shifts[second])
        return matrix

    def take(self, canvas: Image, second: int) -> Image:
        """Return the frame of a second."""
        frame = cv2.warpAffine(canvas, self.matrix(second), self._size, borderMode=cv2.BORDER_REFLECT_101)
        haze = float(self._haze[second])
        lit = cv2.multiply(frame, self._light, dtype=cv2.CV_32F)
        lit = lit * ((1 - haze) * self._gains[second]).astype(np.float32)
        y, x = self._grain_at[second].tolist()
        grain = self._grain[y : y + self._size[1], x : x + self._size[0]]
        return np.asarray(cv2.addWeighted(lit, 1, grain, 1, haze * self._fog, dtype=cv2.CV_8U), dtype=np.uint8)

    def box(self, label: str, points: FloatArray, second: int) -> Iterator[Box]:
        """Yield the box around those of the points of a tool that are in the frame, unless it is tiny."""
        matrix = self.matrix(second)
        seen = points @ matrix[:, :2].T + matrix[:, 2]
        seen = seen[((seen >= 0) & (seen < self._size)).all(axis=1)]
        if len(seen):
            (x1, y1), (x2, y2) = np.floor(seen.min(axis=0)).astype(int), np.floor(seen.max(axis=0)).astype(int) + 1
            if min(x2 - x1, y2 - y1) >= SMALLEST_BOX:
                yield Box(label, int(x1), int(y1), int(x2), int(y2))

    def _lit(self, look: Look) -> Plane:
        width, height = self._size
        rows, columns = np.indices((height, width), dtype=np.float32)
        away = np.hypot(columns - look.lamp[0] * width, rows - look.lamp[1] * height) / width
        light = 1.1 / (1 + look.falloff * (2 * away) ** 2)
        # The sum is largest in the corners, so they are cut off along straight lines.
        edge = np.abs(columns / width - 0.5) + np.abs(rows / height - 0.5)
        light *= np.clip((1 - look.corners - edge) * 60 + 0.5, 0, 1) if look.corners else 1
        return np.repeat(light.astype(np.float32)[..., None], 3, axis=2)
