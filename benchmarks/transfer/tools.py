"""Tools that reach into the picture from one side."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer import paint
from benchmarks.transfer.paint import Colour


class Tool:
    """A shaft with a tip, in the coordinates of the canvas. Suctions are round tubes, other tools end in two jaws."""

    def __init__(
        self, rng: np.random.Generator, label: str, frames: int, canvas: tuple[int, int], side: int, colour: Colour
    ) -> None:
        """Draw how the tool looks and moves.

        Args:
            rng: Source of randomness.
            label: Label of its boxes.
            frames: Number of frames of the trial.
            canvas: Width and height of the canvas.
            side: 1 for a tool from the right, -1 for one from the left.
            colour: Colour of the shaft.
        """
        self.label = label
        width, height = canvas
        home = np.array([0.5 + side * rng.uniform(0, 0.22), rng.uniform(0.35, 0.65)])
        sway = np.column_stack([paint.walk(rng, frames, 2.5) for _ in range(2)]) * rng.uniform(0.02, 0.08)
        self._tips = (home + sway) * (width, height)
        self._root = np.array([(0.5 + side * rng.uniform(0.5, 0.75)) * width, rng.uniform(0.5, 1.25) * height])
        self._thick = height * rng.uniform(0.018, 0.035)
        self._open = 0.25 + 0.2 * np.abs(paint.walk(rng, frames, 1.5))
        self._colour = colour

    def draw(self, picture: NDArray[np.uint8], second: int) -> NDArray[np.float64]:
        """Draw the tool in place and return points on its outline, (n, 2)."""
        tip = self._tips[second]
        along = (self._root - tip) / np.linalg.norm(self._root - tip)
        across = np.array([-along[1], along[0]]) * self._thick
        neck = tip + along * self._thick * 5
        shadow = np.array([3, 5])
        shaft = np.array([neck + across, self._root + 1.5 * across, self._root - 1.5 * across, neck - across])
        _fill(picture, shaft + shadow, tuple(0.25 * part for part in self._colour))
        _fill(picture, shaft, self._colour)
        light = tuple(min(255.0, 70 + part) for part in self._colour)
        _fill(picture, np.array([neck, self._root, self._root + across * 0.6, neck + across * 0.5]), light)
        if self.label == "suction":
            ends = [np.array([tip + 0.8 * across, neck + across, neck - across, tip - 0.8 * across])]
            _fill(picture, ends[0], tuple(0.8 * part for part in self._colour))
            cv2.circle(picture, np.round(tip).astype(int).tolist(), max(int(self._thick * 0.7), 2), (20, 20, 20), -1)
        else:
            spread = self._open[second] * 3
            ends = [
                np.array([neck + sign * across, tip + sign * spread * across, neck - 0.1 * sign * across])
                for sign in (1, -1)
            ]
            for jaw in ends:
                _fill(picture, jaw, light)
        return np.concatenate([shaft, *ends])


def _fill(picture: NDArray[np.uint8], corners: NDArray[np.float64], colour: tuple[float, ...]) -> None:
    """Fill a convex polygon given in fractions of a pixel."""
    cv2.fillConvexPoly(picture, np.round(corners * 16).astype(np.int32), colour, cv2.LINE_AA, 4)
