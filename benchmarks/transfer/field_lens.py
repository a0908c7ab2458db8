"""The endoscope of the set `field`: a round view on black, blood on the lens, light, and the boxes in the frame."""

import cv2
import numpy as np

from benchmarks.transfer.field_look import SIDE, UNIT, Look, plane
from benchmarks.transfer.field_noise import clouds, paths, series
from benchmarks.transfer.field_plan import Plan
from benchmarks.transfer.field_tools import Outline
from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import Box, FloatArray, Trial

SIZES = ((384, 288), (320, 320), (448, 252), (400, 300), (426, 240))
"""Width and height of frames."""
SMALLEST_BOX = 5
GRAINS = 16
"""Pixels by which a sheet of sensor noise is larger than a frame, so that it can be shifted."""


class Lens:
    """The camera of a trial."""

    def __init__(self, rng: np.random.Generator, look: Look, trial: Trial, plan: Plan) -> None:
        self._size = (trial.width, trial.height)
        self._look, self._plan = look, plan
        shorter = min(self._size)
        self._radius = look.radius * shorter
        self._middle = np.array(self._size) / 2 + rng.normal(0, 0.008, 2) * shorter
        zoom, turn = look.zoom * np.exp(rng.normal(0, 0.04)), rng.normal(0, 0.2)
        mirror = np.diag([-1.0 if look.mirrored else 1.0, 1.0])
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        self._turn = self._radius / UNIT * zoom * mirror @ rotation
        memory, strength = rng.uniform(1, 6), self._radius * rng.uniform(0.01, 0.05)
        self._shake = np.clip(paths(rng, trial.frames, memory), -2.5, 2.5) * strength
        self._light = self._cast(look)
        # The light of an endoscope drifts, and so does its white balance.
        drift = np.linspace(-0.5, 0.5, trial.frames)[:, None]
        wander = 0.04 * series(rng, trial.frames, 8)[:, None] + rng.normal(0, 0.07) + drift * rng.normal(0, 0.1)
        self._gains = np.exp(wander + rng.normal(0, 0.04, 3) + drift * rng.normal(0, 0.025, 3))
        self._haze = look.haze * rng.uniform(0.5, 1.5)
        self._drops = clouds(rng, trial.height, trial.width, shorter / 7, 2)
        grain = rng.normal(0, rng.uniform(1, 3.5), (trial.height + GRAINS, trial.width + GRAINS, 3))
        self._grain = np.round(grain).astype(np.int16)
        self._shifts = rng.integers(GRAINS, size=(trial.frames, 2))
        self._outside = self._blank(rng)

    def see(self, surface: Image, second: int) -> Image:
        """Return the frame in which the endoscope shows the surface."""
        if self._plan.away[second]:
            frame = self._outside
        else:
            frame = np.asarray(
                cv2.warpAffine(surface, self._matrix(second), self._size, borderMode=cv2.BORDER_REFLECT_101),
                dtype=np.uint8,
            )
            if self._plan.smear[second] > 0:
                frame = self._soil(frame, float(self._plan.smear[second]))
        if self._haze > 0.02:
            frame = np.asarray(cv2.convertScaleAbs(frame, alpha=1 - self._haze, beta=150 * self._haze), dtype=np.uint8)
        lit = cv2.transform(cv2.multiply(frame, self._light, scale=1 / 255), np.diag(self._gains[second]))
        y, x = self._shifts[second]
        grain = self._grain[y : y + self._size[1], x : x + self._size[0]]
        return np.asarray(cv2.add(lit, grain, dtype=cv2.CV_8U), dtype=np.uint8)

    def boxes(self, outlines: list[Outline], second: int) -> list[Box]:
        """Return the boxes of the tools that are seen in the round view."""
        boxes = []
        matrix = self._matrix(second)
        for label, points in outlines if not self._plan.away[second] else []:
            seen = points @ matrix[:, :2].T + matrix[:, 2]
            seen = seen[np.hypot(*(seen - self._middle).T) < self._radius]
            if len(seen) and np.ptp(seen, axis=0).min() >= SMALLEST_BOX:
                x1, y1 = np.maximum(np.floor(seen.min(axis=0)), 0).astype(int).tolist()
                x2, y2 = np.minimum(np.ceil(seen.max(axis=0)), self._size).astype(int).tolist()
                boxes.append(Box(label, x1, y1, x2, y2))
        return boxes

    def _matrix(self, second: int) -> FloatArray:
        """Return the affine map from the surface to the frame, (2, 3)."""
        shift = self._middle + self._shake[second] - self._turn @ np.full(2, SIDE / 2)
        return np.column_stack([self._turn, shift])

    def _cast(self, look: Look) -> Image:
        """Compute the light in each pixel and channel: bright in the middle, none outside the round view."""
        rows, columns = np.indices(self._size[::-1], dtype=np.float32)
        away = np.hypot(columns - self._middle[0], rows - self._middle[1])
        share = away / self._radius
        light = np.clip((self._radius - away) / 3, 0, 1) * (1 - look.fall * np.clip(share, 0, 1) ** 2.5)
        gains = look.gains / look.gains.max() * look.bright
        return np.asarray(np.clip(255 * light[..., None] * gains, 0, 255), dtype=np.uint8)

    def _soil(self, frame: Image, smear: float) -> Image:
        """Blur the view and tint it behind drops of blood."""
        size = 2 * round(4 + 7 * smear) + 1
        blurred = cv2.blur(cv2.blur(frame, (size, size)), (size, size))
        stain = np.empty_like(frame)
        stain[:] = tuple(0.7 * part for part in self._look.deep)
        blurred = cv2.addWeighted(blurred, 1 - 0.45 * smear, stain, 0.45 * smear, 0)
        share = np.clip(self._drops * 1.5 - 1.6 + 3.4 * smear, 0, 1).astype(np.float32)
        return np.asarray(cv2.blendLinear(blurred, frame, share, 1 - share), dtype=np.uint8)

    def _blank(self, rng: np.random.Generator) -> Image:
        """Paint what the endoscope sees when it is out: cloth, far out of focus."""
        level = 1 + 0.25 * clouds(rng, self._size[1], self._size[0], min(self._size) / 3)
        return np.asarray(np.clip(level[..., None] * plane(self._look.drape), 0, 255), dtype=np.uint8)
