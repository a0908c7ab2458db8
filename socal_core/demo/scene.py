"""One frame of a trial as the endoscope shows it, with the extents of the tools in it."""

from dataclasses import dataclass

import cv2
import numpy as np

from socal_core.demo import sprites
from socal_core.demo.motion import Pose, move_tools
from socal_core.demo.simulate import FloatArray, Stream, Trial, smooth_noise
from socal_core.demo.tissue import MARGIN, Image, Plane, paint_background

FIELD_RADIUS = (0.52, 0.57)
"""Smallest and largest radius of the round field of view, in frame heights; above 0.5 it is cut at top and bottom."""
SWAY = 0.016
"""Standard deviation of the camera's movement, in frame heights."""
EXPOSURE, EXPOSURE_DRIFT = 0.15, 0.12
"""Standard deviation of the brightness between and within trials, relative. As in real recordings, a bright frame need
not show less blood than a dark one."""
TINT, TINT_DRIFT = 0.07, 0.04
"""Standard deviation of the white balance between and within trials, relative for each channel."""
DRIFT_PULL = 0.06
"""How fast light and white balance drift (smooth_noise): a camera adjusts them within some 15 s."""
SMALLEST_BOX = 4
"""Pixels that a tool's extents must have in both directions to count as in view."""
STRING_DARK, STRING_LIGHT = (96, 110, 74), (204, 222, 182)


@dataclass(frozen=True)
class Box:
    """The extents of one tool in one frame, in pixels (x2 and y2 are the first beyond), and which tool it is."""

    actor: str
    label: str
    x1: int
    y1: int
    x2: int
    y2: int


class Scene:
    """All that is needed to draw the frames of one trial."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        rng = trial.rng(Stream.CAMERA)
        self._visible, self._light = _field_of_view(rng, trial)
        self._background = paint_background(trial, self._visible)
        self._poses = move_tools(trial)
        sway = np.column_stack([smooth_noise(rng, trial.frames, 0.3) for _ in range(2)]) * SWAY
        self._sway = np.round(np.clip(sway, -MARGIN, MARGIN) * trial.height).astype(int)
        self.gains = _drifting_light(rng, trial.frames)
        """What the camera multiplies blue, green, red and OpenCV's fourth channel by, (frames, 4)."""
        # The tissue keeps a stain where the pool has stood.
        self._stained = np.maximum.accumulate(trial.area)

    def draw(self, second: int) -> tuple[Image, list[Box]]:
        """The frame of a second (BGR) and the boxes of the tools that are in view."""
        area, stained = float(self.trial.area[second]), float(self._stained[second])
        sway = (int(self._sway[second, 0]), int(self._sway[second, 1]))
        image = self._background.view(area, stained, sway, second)
        self._spurt(image, second)
        boxes = []
        for pose in self._poses[second]:
            extents = self._draw_tool(image, pose, second)
            if extents is not None and min(extents[2] - extents[0], extents[3] - extents[1]) >= SMALLEST_BOX:
                boxes.append(Box(pose.actor, pose.label, *extents))
        lit = cv2.multiply(image, self._light, scale=1 / 255)
        return np.asarray(cv2.multiply(lit, self.gains[second]), dtype=np.uint8), boxes

    def _pixel(self, x: float, y: float, second: int) -> tuple[float, float]:
        height = self.trial.height
        return (
            self.trial.width / 2 + x * height - self._sway[second, 0],
            height / 2 + y * height - self._sway[second, 1],
        )

    def _spurt(self, image: Image, second: int) -> None:
        """The jet from the vessel, bright and pulsing, as long as it bleeds."""
        trial = self.trial
        if trial.stopped is not None and trial.muscle is not None and second >= trial.muscle:
            return
        foot = self._pixel(*trial.site, second)
        pulse = 0.9 + 0.25 * np.sin(second * 2.4)
        sprites.spurt(trial.height).paste(image, self._visible, foot, 0.9, float(pulse))

    def _draw_tool(self, image: Image, pose: Pose, second: int) -> tuple[int, int, int, int] | None:
        tip = self._pixel(pose.x, pose.y, second)
        height = self.trial.height
        if pose.picture == "string":
            return _draw_string(image, self._visible, tip, pose.angle)
        if pose.picture == "muscle":
            sprite = sprites.muscle(height)
        elif pose.picture.startswith("cottonoid"):
            sprite = sprites.cottonoids(height)[int(pose.picture.removeprefix("cottonoid"))]
        else:
            sprite = sprites.instruments(height)[pose.picture]
        return sprite.paste(image, self._visible, tip, pose.angle)


def _drifting_light(rng: np.random.Generator, frames: int) -> FloatArray:
    """Draw the gains of a trial's frames."""
    brightness = rng.normal(1, EXPOSURE) * np.exp(EXPOSURE_DRIFT * smooth_noise(rng, frames, DRIFT_PULL))
    tint = [np.exp(TINT_DRIFT * smooth_noise(rng, frames, DRIFT_PULL)) for _ in range(3)]
    gains: FloatArray = np.clip(brightness, 0.6, 1.5)[:, None] * np.column_stack([*tint, np.ones(frames)])
    return gains


def _field_of_view(rng: np.random.Generator, trial: Trial) -> tuple[Image, Image]:
    """The round field (255 inside) and how its light falls off towards the edge, for each channel."""
    rows, columns = np.indices((trial.height, trial.width), dtype=np.float32)
    middle = rng.normal(0, 0.008, 2)
    x = (columns - trial.width / 2) / trial.height - middle[0]
    y = (rows - trial.height / 2) / trial.height - middle[1]
    radius = rng.uniform(*FIELD_RADIUS)
    away: Plane = np.hypot(x, y)
    inside = np.clip(0.5 + (radius - away) * trial.height / 6, 0, 1)
    share = np.clip(away / np.float32(radius), 0, 1)
    fall = inside * (1 - 0.7 * share * share * share)
    tint = (rng.normal(1, TINT, 3) * 0.93 * 255).astype(np.float32)
    light = np.clip(fall[..., None] * tint, 0, 255).astype(np.uint8)
    return (inside > 0.5).astype(np.uint8) * 255, light


def _draw_string(
    image: Image, visible: Image, knot: tuple[float, float], angle: float
) -> tuple[int, int, int, int] | None:
    """A thin thread from the knot out of the view, bent by its weight; its extents inside the field of view."""
    height, width = visible.shape
    share = np.linspace(0, 1, 24)[:, None]
    end = np.array(knot) + 1.3 * height * np.array([np.cos(angle), np.sin(angle)])
    bend = (np.array(knot) + end) / 2 + 0.16 * height * np.array([-np.sin(angle), np.cos(angle)])
    points = (1 - share) ** 2 * knot + 2 * share * (1 - share) * bend + share**2 * end
    line = np.round(points * 8).astype(np.int32)
    thick = max(1, round(height / 180))
    cv2.polylines(image, [line], False, STRING_DARK, thick + 1, cv2.LINE_AA, 3)
    cv2.polylines(image, [line], False, STRING_LIGHT, thick, cv2.LINE_AA, 3)
    drawn = np.zeros((height, width), dtype=np.uint8)
    cv2.polylines(drawn, [line], False, 255, thick + 1, cv2.LINE_8, 3)
    x, y, w, h = cv2.boundingRect(cv2.bitwise_and(drawn, visible))
    return (x, y, x + w, y + h) if w and h else None
