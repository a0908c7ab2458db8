"""How the operations of a surgeon look in the set `field`, and the tissue without blood."""

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.transfer.field_noise import Plane, clouds
from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import FloatArray

SIDE = 360
"""Width and height of the surface that is painted."""
UNIT = 150
"""Pixels of the surface that are one unit of field_plan."""

Colour = tuple[float, float, float]
"""Blue, green, red from 0 to 255."""


@dataclass(frozen=True, eq=False)
class Look:
    """What both trials of a surgeon have in common."""

    tissue: Colour
    vessel: Colour
    deep: Colour
    """Blood in a thick layer."""
    fresh: Colour
    """Blood that has just left the vessel."""
    muscle: Colour
    steel: tuple[Colour, Colour]
    """Suction and grasper."""
    thread: Colour
    width: float
    """Thickness of the tools, about 1."""
    gains: FloatArray
    """White balance: factors for blue, green, red."""
    bright: float
    fall: float
    """Share of the light that is lost at the edge."""
    radius: float
    """Of the round view, as a share of the smaller side of the frame."""
    zoom: float
    mirrored: bool
    haze: float
    drape: Colour
    """What the endoscope sees when it is out."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Look":
        """Draw the look of a surgeon's operations."""
        hue, vivid, value = rng.uniform(-0.03, 0.1), rng.uniform(0.15, 0.5), rng.uniform(0.45, 0.85)
        red = rng.uniform(-0.02, 0.015)
        return cls(
            tissue=hsv(hue, vivid, value),
            vessel=hsv(hue + rng.normal(0, 0.02), 0.6 * vivid, min(value + rng.uniform(0.05, 0.2), 0.95)),
            deep=hsv(red, rng.uniform(0.8, 0.95), rng.uniform(0.3, 0.55)),
            fresh=hsv(red + 0.005, rng.uniform(0.8, 0.9), rng.uniform(0.85, 1)),
            muscle=hsv(rng.uniform(0.0, 0.07), rng.uniform(0.3, 0.5), rng.uniform(0.6, 0.85)),
            steel=(_metal(rng), _metal(rng)),
            thread=hsv(rng.uniform(0.25, 0.75), rng.uniform(0.4, 0.9), rng.uniform(0.4, 0.9)),
            width=float(rng.uniform(0.8, 1.3)),
            gains=np.exp(rng.normal(0, 0.1, 3)),
            bright=float(rng.uniform(0.7, 1.1)),
            fall=float(rng.uniform(0.25, 0.75)),
            radius=float(rng.uniform(0.43, 0.495)),
            zoom=float(rng.uniform(0.92, 1.2)),
            mirrored=bool(rng.uniform() < 0.5),
            haze=float(rng.uniform(0, 0.25)),
            drape=hsv(rng.uniform(), rng.uniform(0, 0.35), rng.uniform(0.3, 0.6)),
        )


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Convert a colour with components from 0 to 1 (the hue wraps around)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return 255 * blue, 255 * green, 255 * red


def _metal(rng: np.random.Generator) -> Colour:
    return hsv(rng.uniform(), rng.choice([0.05, 0.1, 0.45]), rng.uniform(0.3, 0.85))


def pixel(position: FloatArray) -> FloatArray:
    """Convert positions of field_plan to pixels of the surface."""
    return SIDE / 2 + UNIT * position


def plane(colour: Colour) -> Plane:
    """Convert a colour so that it can be mixed."""
    return np.asarray(colour, dtype=np.float32)


def mix(under: Plane, over: Plane, share: Plane) -> Plane:
    """Lay a colour, or one for each pixel, over a picture with an opacity from 0 to 1."""
    return np.asarray(under + share[..., None] * (over - under), dtype=np.float32)


def paint_tissue(rng: np.random.Generator, look: Look, source: FloatArray) -> Image:
    """Paint folds, small vessels, and the artery, which runs through the source."""
    relief = clouds(rng, SIDE, SIDE, rng.uniform(50, 110), 5)
    fine = clouds(rng, SIDE, SIDE, rng.uniform(6, 12), 2)
    tint = clouds(rng, SIDE, SIDE, 90, 2)[..., None] * np.float32(rng.normal(0, 7, 3))
    # Folds are dark where the relief passes through zero.
    folds = np.exp(-((relief / 0.12) ** 2))
    level = 1 + 0.13 * relief + 0.07 * fine - 0.3 * folds
    picture = level[..., None] * plane(look.tissue) + tint
    for _ in range(rng.integers(5, 14)):
        _small_vessel(rng, picture, look)
    _artery(rng, picture, look, source)
    wet = np.clip(clouds(rng, SIDE, SIDE, 7) + 0.5 * relief - rng.uniform(2.0, 2.6), 0, 1) * 170
    return np.asarray(np.clip(picture + wet[..., None], 0, 255), dtype=np.uint8)


def _small_vessel(rng: np.random.Generator, picture: Plane, look: Look) -> None:
    turns = rng.uniform(0, 6.3) + np.cumsum(rng.normal(0, 0.25, 40))
    steps = 7 * np.column_stack([np.cos(turns), np.sin(turns)])
    points = rng.uniform(0, SIDE, 2) + np.cumsum(steps, axis=0)
    colour = tuple(0.4 * a + 0.6 * b for a, b in zip(look.tissue, look.deep, strict=True))
    cv2.polylines(picture, [points.astype(np.int32)], False, colour, int(rng.integers(1, 3)), cv2.LINE_AA)


def _artery(rng: np.random.Generator, picture: Plane, look: Look, source: FloatArray) -> None:
    rows, columns = np.indices((SIDE, SIDE), dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    x, y = pixel(source)
    along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    across = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    bend = rng.uniform(8, 22) * np.sin(along / rng.uniform(60, 110))
    side = (across - bend) / rng.uniform(22, 34)
    inside = np.clip((1 - np.abs(side)) * 6, 0, 1)
    shade = 0.55 + 0.5 * np.sqrt(np.clip(1 - side**2, 0, 1)) + 0.05 * clouds(rng, SIDE, SIDE, 12, 2)
    tube = shade[..., None] * plane(look.vessel)
    tube += (70 * np.exp(-(((side + 0.35) / 0.14) ** 2)))[..., None]
    picture[:] = mix(picture, tube, inside)
    hole = np.clip(1.6 - np.hypot(along / 7, (across - bend) / 4), 0, 1)
    picture[:] = mix(picture, 0.5 * plane(look.deep), hole)
