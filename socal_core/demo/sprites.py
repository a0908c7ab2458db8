"""Pictures of the instruments and patches, which are pasted into frames.

A sprite is painted once for each frame height, and then rotated and moved. It points to the left: the tip is at the
anchor, and the shaft extends to the right. Lengths are in frame heights.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from socal_core.demo.tissue import Image, Plane, noise

STEEL, DARK_STEEL, HOLE = (206, 204, 198), (120, 118, 112), (22, 20, 24)
GAUZE, THREAD_MARK, BLOOD, FRESH_BLOOD = (232, 238, 240), (168, 112, 52), (26, 20, 160), (44, 38, 224)
MUSCLE_LIGHT, MUSCLE_DARK = (128, 136, 196), (74, 78, 140)
SHAFT_LENGTH = 1.0
SOLID = 150
"""Opacity, of 255, from which a pixel belongs to the tool. Shadows have less."""
SHADOW = 0.42
STAINS = 5
"""Number of steps in which a cottonoid soaks up blood."""


@dataclass(frozen=True, eq=False)
class Sprite:
    """A picture with opacity, and its anchor, the point that is placed at the tip of the tool."""

    image: Image
    """BGRA with colours premultiplied by opacity, uint8 (height, width, 4)."""
    anchor: tuple[float, float]
    """Position (x, y) in pixels."""

    def paste(
        self, frame: Image, visible: Image, tip: tuple[float, float], angle: float, scale: float = 1.0
    ) -> tuple[int, int, int, int] | None:
        """Paste the sprite into a frame, which is changed.

        Args:
            frame: BGR uint8 (height, width, 3).
            visible: Mask of the field of view, 255 inside, (height, width).
            tip: Position (x, y) of the anchor in pixels.
            angle: Direction from the tip along the shaft, in radians clockwise from the right.
            scale: Size relative to the sprite.

        Returns:
            The box (x1, y1, x2, y2) of its solid pixels in the field of view; None if there are none.
        """
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        height, width = self.image.shape[:2]
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) - self.anchor
        reach = corners @ turn.T + tip
        x1, y1 = np.maximum(np.floor(reach.min(0)).astype(int), 0)
        x2, y2 = np.minimum(np.ceil(reach.max(0)).astype(int) + 1, frame.shape[1::-1])
        if x1 >= x2 or y1 >= y2:
            return None
        shift = np.array(tip) - turn @ np.array(self.anchor) - (x1, y1)
        picture = cv2.warpAffine(self.image, np.column_stack([turn, shift]), (int(x2 - x1), int(y2 - y1)))
        colour, opacity = cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR), cv2.extractChannel(picture, 3)
        under = frame[y1:y2, x1:x2]
        kept = cv2.multiply(under, cv2.merge([cv2.bitwise_not(opacity)] * 3), scale=1 / 255)
        frame[y1:y2, x1:x2] = cv2.add(kept, colour)
        solid = cv2.threshold(cv2.bitwise_and(opacity, visible[y1:y2, x1:x2]), SOLID - 1, 255, cv2.THRESH_BINARY)[1]
        x, y, w, h = cv2.boundingRect(solid)
        return (int(x1 + x), int(y1 + y), int(x1 + x + w), int(y1 + y + h)) if w and h else None


class Canvas:
    """An empty sprite to paint on. Positions are in frame heights from the tip."""

    def __init__(self, height: int, before: float, after: float, half: float) -> None:
        self.height = height
        self.before, self.half = before, half
        shape = (int(2 * half * height) | 1, int((before + after) * height))
        rows, columns = np.indices(shape, dtype=np.float32)
        self.x: Plane = np.asarray(columns / height - before, dtype=np.float32)
        self.y: Plane = np.asarray(rows / height - half, dtype=np.float32)
        self.colour: Plane = np.zeros((*shape, 3), dtype=np.float32)
        self.opacity: Plane = np.zeros(shape, dtype=np.float32)

    def over(self, colour: NDArray[np.floating] | tuple[int, int, int], opacity: Plane) -> None:
        """Paint a colour, or one colour per pixel, with an opacity from 0 to 1 over the present colours."""
        alpha = opacity[..., None]
        self.colour = self.colour * (1 - alpha) + np.asarray(colour, dtype=np.float32) * alpha
        self.opacity = self.opacity * (1 - opacity) + opacity

    def rod(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        radii: tuple[float, float],
        metal: tuple[int, int, int] = STEEL,
    ) -> None:
        """Paint a shiny metal rod whose radius changes from start to end."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = float(np.hypot(dx, dy)) or 1e-6
        along = np.clip(((self.x - start[0]) * dx + (self.y - start[1]) * dy) / length**2, 0, 1)
        radius = radii[0] + (radii[1] - radii[0]) * along
        distance = np.hypot(self.x - start[0] - along * dx, self.y - start[1] - along * dy)
        across = ((self.y - start[1]) * dx - (self.x - start[0]) * dy) / length / radius
        shade = 0.30 + 0.55 * np.sqrt(np.clip(1 - across**2, 0, 1)) - 0.22 * across
        shine = np.exp(-(((across + 0.38) / 0.17) ** 2))
        warm = np.exp(-(((across - 0.72) / 0.22) ** 2))  # the red of the tissue, reflected from below
        colour = shade[..., None] * np.array(metal) + shine[..., None] * 95 + warm[..., None] * np.array([6, 8, 46])
        self.over(np.clip(colour, 0, 255), np.clip(0.5 + (radius - distance) * self.height, 0, 1).astype(np.float32))

    def sprite(self) -> Sprite:
        """Return the finished picture with a soft shadow below and to the right."""
        offset = 0.016 * self.height
        moved = cv2.warpAffine(self.opacity, np.array([[1, 0, offset], [0, 1, offset]]), self.opacity.shape[::-1])
        shadow = SHADOW * cv2.GaussianBlur(moved, (0, 0), 0.014 * self.height)
        colour = self.colour  # painted over black, so it is already multiplied by opacity
        opacity = self.opacity + (1 - self.opacity) * shadow
        image = np.dstack([colour, opacity * 255])
        return Sprite(
            np.clip(image, 0, 255).round().astype(np.uint8),
            (self.before * self.height, self.half * self.height),
        )


@lru_cache(maxsize=4)
def instruments(height: int) -> dict[str, Sprite]:
    """Paint all instruments for frames of this height, by name; the grasper with closed, half open and open jaws."""
    return {
        "suction": _suction(height),
        "drill": _drill(height),
        "scalpel": _scalpel(height),
        "tool": _hook(height),
        "grasper0": _grasper(height, 0.02),
        "grasper1": _grasper(height, 0.16),
        "grasper2": _grasper(height, 0.30),
    }


def _suction(height: int) -> Sprite:
    canvas = Canvas(height, 0.05, SHAFT_LENGTH, 0.11)
    canvas.rod((0.30, 0.012), (SHAFT_LENGTH + 0.2, 0.03), (0.030, 0.046))
    canvas.rod((0.0, -0.012), (0.31, 0.012), (0.017, 0.022))
    canvas.rod((0.29, 0.011), (0.31, 0.0125), (0.034, 0.034), DARK_STEEL)
    hole = np.hypot((canvas.x + 0.004) / 0.010, (canvas.y + 0.012) / 0.013)
    canvas.over(HOLE, np.clip((1.1 - hole) * 4, 0, 1).astype(np.float32))
    return canvas.sprite()


def _grasper(height: int, opening: float) -> Sprite:
    """Paint two jaws on a shaft, each rotated by `opening` radians from the axis."""
    canvas = Canvas(height, 0.05, SHAFT_LENGTH, 0.13)
    hinge = 0.17
    for sign in (-1, 1):
        tip = (hinge - hinge * float(np.cos(opening)), sign * (0.008 + hinge * float(np.sin(opening))))
        canvas.rod(tip, (hinge, sign * 0.012), (0.008, 0.017), (186, 184, 178))
    canvas.rod((hinge - 0.01, 0), (hinge + 0.05, 0), (0.026, 0.030), DARK_STEEL)
    canvas.rod((hinge + 0.06, 0), (SHAFT_LENGTH + 0.2, 0), (0.033, 0.044))
    canvas.rod((hinge + 0.13, 0), (hinge + 0.15, 0), (0.0365, 0.0365), DARK_STEEL)
    pin = np.hypot(canvas.x - hinge - 0.01, canvas.y) / 0.010
    canvas.over((228, 228, 226), np.clip((1 - pin) * 4, 0, 1).astype(np.float32))
    return canvas.sprite()


def _drill(height: int) -> Sprite:
    canvas = Canvas(height, 0.06, SHAFT_LENGTH, 0.11)
    canvas.rod((0.02, 0), (0.22, 0), (0.012, 0.016))
    canvas.rod((0.22, 0), (SHAFT_LENGTH + 0.2, 0), (0.036, 0.060), (170, 172, 168))
    canvas.rod((0.0, 0), (0.004, 0), (0.034, 0.034), (178, 186, 196))
    ball = np.hypot(canvas.x, canvas.y) < 0.033
    flutes = np.sin(5 * np.arctan2(canvas.y, canvas.x + 0.05) * 4 + canvas.x * 190) > 0.2
    canvas.over(DARK_STEEL, (0.55 * (ball & flutes)).astype(np.float32))
    return canvas.sprite()


def _scalpel(height: int) -> Sprite:
    canvas = Canvas(height, 0.05, SHAFT_LENGTH, 0.11)
    canvas.rod((0.16, 0), (SHAFT_LENGTH + 0.2, 0), (0.020, 0.028), (190, 190, 184))
    belly = 0.026 * np.sqrt(np.clip(canvas.x / 0.17, 0, 1))
    blade = (canvas.x > 0) & (canvas.x < 0.18) & (canvas.y < belly) & (canvas.y > -0.014)
    sheen = 150 + 90 * np.clip((belly - canvas.y) / 0.04, 0, 1)
    canvas.over(np.repeat(sheen[..., None], 3, axis=2), cv2.GaussianBlur(blade.astype(np.float32), (0, 0), 0.7))
    return canvas.sprite()


def _hook(height: int) -> Sprite:
    canvas = Canvas(height, 0.05, SHAFT_LENGTH, 0.11)
    canvas.rod((0.0, -0.035), (0.02, 0.0), (0.009, 0.011))
    canvas.rod((0.02, 0.0), (0.22, 0.0), (0.011, 0.016))
    canvas.rod((0.22, 0), (SHAFT_LENGTH + 0.2, 0), (0.030, 0.044), (84, 84, 88))
    return canvas.sprite()


@lru_cache(maxsize=4)
def cottonoids(height: int) -> tuple[Sprite, ...]:
    """Paint a white felt patch with a blue line in STAINS steps from dry to soaked; the anchor is its centre."""
    rng = np.random.default_rng(11)
    canvas = Canvas(height, 0.15, 0.15, 0.12)
    shape = (canvas.x.shape[0], canvas.x.shape[1])
    corner = np.hypot(np.clip(np.abs(canvas.x) - 0.080, 0, None), np.clip(np.abs(canvas.y) - 0.048, 0, None))
    patch = np.clip(0.5 + (0.018 + 0.0018 * noise(rng, shape, 20) - corner) * height, 0, 1)
    felt = 1 + 0.05 * noise(rng, shape, 9) + 0.025 * noise(rng, shape, 30) - 1.5 * corner**1.2 - 0.6 * canvas.y
    soak = np.clip(0.5 + 0.35 * noise(rng, shape, 5) + canvas.x * 2, 0, 1)
    line = np.clip((0.006 - np.abs(canvas.y + 0.012)) * height, 0, 1) * (np.abs(canvas.x) < 0.085)
    sprites = []
    for step in range(STAINS):
        blood = np.clip(soak + 2 * step / (STAINS - 1) - 1, 0, 1)[..., None] * 0.85
        colour = np.array(GAUZE) * (1 - blood) + np.array(BLOOD) * blood
        colour = colour * (1 - 0.8 * line[..., None]) + np.array(THREAD_MARK) * 0.8 * line[..., None]
        dyed = Canvas(height, 0.15, 0.15, 0.12)
        dyed.over(np.clip(colour * felt[..., None], 0, 255), patch.astype(np.float32))
        sprites.append(dyed.sprite())
    return tuple(sprites)


@lru_cache(maxsize=4)
def muscle(height: int) -> Sprite:
    """Paint a pinkish-brown piece of muscle with fibres; the anchor is its centre."""
    rng = np.random.default_rng(12)
    canvas = Canvas(height, 0.15, 0.15, 0.13)
    shape = (canvas.x.shape[0], canvas.x.shape[1])
    angle = np.arctan2(canvas.y, canvas.x)
    edge = 1 + 0.10 * np.cos(3 * angle + 0.6) + 0.07 * np.cos(5 * angle) + 0.03 * np.cos(9 * angle + 2)
    inside = 1 - np.hypot(canvas.x / 0.110, canvas.y / 0.084) / edge
    fibres = np.sin((canvas.y + 0.25 * canvas.x + 0.004 * noise(rng, shape, 5)) * 210) * 0.5 + 0.5
    dome = np.clip(inside * 2.2, 0, 1)[..., None] ** 0.6
    light = 0.4 * fibres[..., None] + 0.6 * dome
    colour = (np.array(MUSCLE_DARK) * (1 - light) + np.array(MUSCLE_LIGHT) * light) * (0.55 + 0.5 * dome)
    wet = np.clip(noise(rng, shape, 14) - 1.2, 0, 1) * np.clip(inside * 3, 0, 1)
    colour = colour + 120 * wet[..., None]
    canvas.over(np.clip(colour, 0, 255), np.clip(0.5 + inside * 0.09 * height, 0, 1).astype(np.float32))
    return canvas.sprite()


@lru_cache(maxsize=4)
def spurt(height: int) -> Sprite:
    """Paint the jet of fresh blood over the vessel; the anchor is its base."""
    canvas = Canvas(height, 0.08, 0.12, 0.09)
    width = 0.014 + 0.22 * np.clip(canvas.x, 0, None)
    plume = np.exp(-((canvas.y / width) ** 2)) * np.exp(-((np.clip(canvas.x, 0, None) / 0.055) ** 2))
    foot = np.exp(-((np.hypot(canvas.x, canvas.y) / 0.022) ** 2))
    spread = np.maximum(np.where(canvas.x > 0, plume, 0), foot)
    canvas.over(FRESH_BLOOD, (0.9 * spread).astype(np.float32))
    glint = np.exp(-((np.hypot(canvas.x - 0.006, canvas.y + 0.006) / 0.006) ** 2))
    canvas.over((190, 196, 255), (0.75 * glint).astype(np.float32))
    return canvas.sprite()
