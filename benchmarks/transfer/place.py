"""Where a person moves: a wall, a floor, clutter, and an object that passes by."""

from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.transfer import paint
from benchmarks.transfer.folder import Image
from benchmarks.transfer.paint import Colour


@dataclass(frozen=True)
class Look:
    """The colours and textures of a place."""

    wall: str
    floor: str
    """Each one of paint.TEXTURES."""
    hue: float
    level: float
    contrast: float
    saturation: float
    """0 for black and white."""
    clutter: int
    """Number of things that stand around."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Look":
        """Draw the look of a place."""
        wall, floor = (str(kind) for kind in rng.choice(paint.TEXTURES, 2))
        saturation = 0.0 if rng.uniform() < 0.4 else float(rng.uniform(0.3, 1))
        return cls(
            wall,
            floor,
            hue=float(rng.uniform()),
            level=float(rng.uniform(0.3, 0.7)),
            contrast=float(rng.uniform(0.05, 0.2)),
            saturation=saturation,
            clutter=int(rng.integers(3, 14)),
        )

    def colour(self, rng: np.random.Generator, vivid: float) -> Colour:
        """Draw the colour of a thing, of a saturation up to `vivid`."""
        return paint.hsv(rng.uniform(), self.saturation * rng.uniform(0, vivid), rng.uniform(0.08, 0.95))

    def tones(self, offset: float) -> tuple[Colour, Colour]:
        """Return the dark and the light tone of a texture whose hue is `offset` from the hue of the wall."""
        hue, saturation = self.hue + offset, 0.35 * self.saturation
        return (
            paint.hsv(hue, saturation, self.level - self.contrast),
            paint.hsv(hue, 0.6 * saturation, self.level + self.contrast),
        )


def paint_place(rng: np.random.Generator, look: Look, canvas: tuple[int, int]) -> Image:
    """Paint a wall, a floor, and the clutter."""
    width, height = canvas
    place = paint.shade(paint.texture(rng, height, width, look.wall), *look.tones(0.0))
    edge = int(height * rng.uniform(0.55, 0.78))
    floor = paint.shade(paint.texture(rng, height, width, look.floor), *look.tones(0.15))
    place[edge:] = floor[edge:] * np.float32(rng.uniform(0.6, 1.3))
    for _ in range(look.clutter):
        colour = look.colour(rng, 0.6)
        x, foot = int(rng.uniform(0, width)), int(edge + rng.uniform(-0.35, 0.06) * height)
        half, tall = int(rng.uniform(6, 45)), int(rng.uniform(15, 150))
        shape = rng.integers(4)
        if shape == 0:
            cv2.rectangle(place, (x - half, foot - tall), (x + half, foot), colour, -1)
            cv2.rectangle(place, (x - half, foot - tall), (x + half, foot), tuple(0.6 * part for part in colour), 3)
        elif shape == 1:
            cv2.ellipse(place, (x, foot - tall // 2), (half, tall // 2), 0, 0, 360, colour, -1, cv2.LINE_AA)
        elif shape == 2:
            cv2.line(place, (x, foot), (x + half - 22, foot - 2 * tall), colour, int(rng.uniform(2, 8)), cv2.LINE_AA)
        else:
            peak = np.array([[x - half, foot], [x + half, foot], [x, foot - tall]])
            cv2.fillConvexPoly(place, peak, colour, cv2.LINE_AA)
    return np.clip(place, 0, 255).astype(np.uint8)


class Passer:
    """A box on wheels, a ball, or a pendulum in the background of some trials."""

    def __init__(self, rng: np.random.Generator, look: Look, canvas: tuple[int, int]) -> None:
        self._shape = str(rng.choice(["none", "cart", "ball", "pendulum"], p=[0.6, 0.15, 0.15, 0.1]))
        self._colour = look.colour(rng, 0.7)
        self._size = rng.uniform(10, 34)
        self._start = np.array([rng.uniform(0.1, 0.9) * canvas[0], rng.uniform(0.3, 0.75) * canvas[1]])
        self._speed = rng.normal(0, 110)
        self._beat = 2 * np.pi * rng.uniform(0.4, 1.4)
        self._reach = rng.uniform(30, 110)

    def lay(self, picture: Image, time: float) -> None:
        """Draw the object in place as it is at a time in seconds."""
        x, y = self._start
        size, dark = round(self._size), tuple(0.5 * part for part in self._colour)
        if self._shape == "cart":
            x = round(x + self._speed * (time - 1))
            cv2.rectangle(picture, (x - 2 * size, round(y) - size), (x + 2 * size, round(y)), self._colour, -1)
            for wheel in (x - size, x + size):
                cv2.circle(picture, (wheel, round(y)), size // 2, dark, -1, cv2.LINE_AA)
        elif self._shape == "ball":
            place = (round(x + self._speed * (time - 1)), round(y - self._reach * abs(np.sin(self._beat * time))))
            cv2.circle(picture, place, size, self._colour, -1, cv2.LINE_AA)
        elif self._shape == "pendulum":
            turn = 0.6 * np.sin(self._beat * time)
            place = (round(x + 150 * np.sin(turn)), round(y - 120 + 150 * np.cos(turn)))
            cv2.line(picture, (round(x), round(y) - 120), place, dark, 3, cv2.LINE_AA)
            cv2.circle(picture, place, size, self._colour, -1, cv2.LINE_AA)
