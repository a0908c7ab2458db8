"""Render the frames of a trial as an endoscope shows them, with the boxes of the tools."""

from dataclasses import dataclass

import cv2
import numpy as np

from socal_core.demo import sprites
from socal_core.demo.motion import Pose, move_tools
from socal_core.demo.simulate import FloatArray, Stream, Trial, smooth_noise
from socal_core.demo.tissue import MARGIN, Image, Plane, paint_background

FIELD_RADIUS = (0.52, 0.57)
"""Smallest and largest radius of the round field of view, in frame heights. Above 0.5, the frame cuts it off."""
SWAY = 0.016
"""Standard deviation of the camera's movement, in frame heights."""
EXPOSURE, EXPOSURE_DRIFT = 0.15, 0.12
"""Relative standard deviation of the brightness between and within trials. As in real recordings, a bright frame does
not always show less blood than a dark one."""
TINT, TINT_DRIFT = 0.07, 0.04
"""Relative standard deviation of each channel of the white balance between and within trials."""
DRIFT_PULL = 0.06
"""How fast light and white balance drift (`pull` of smooth_noise): a camera adjusts them within about 15 s."""
SMALLEST_BOX = 4
"""Smallest width and height of a box in pixels. A tool with a smaller box counts as out of view."""
STRING_DARK, STRING_LIGHT = (96, 110, 74), (204, 222, 182)


@dataclass(frozen=True)
class Box:
    """The box of one tool in one frame, in pixels; x2 and y2 are exclusive."""

    actor: str
    label: str
    x1: int
    y1: int
    x2: int
    y2: int


class Scene:
    """Everything that is needed to render the frames of one trial."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        rng = trial.rng(Stream.CAMERA)
        self._visible, self._light = _field_of_view(rng, trial)
        self._background = paint_background(trial, self._visible)
        self._poses = move_tools(trial)
        sway = np.column_stack([smooth_noise(rng, trial.frames, 0.3) for _ in range(2)]) * SWAY
        self._sway = np.round(np.clip(sway, -MARGIN, MARGIN) * trial.height).astype(int)
        self.gains = _drifting_light(rng, trial.frames)
        """Gains of the camera for blue, green, red and OpenCV's fourth channel, (frames, 4)."""
        # The tissue keeps a stain where the pool has been.
        self._stained = np.maximum.accumulate(trial.area)

    def render(self, second: int) -> tuple[Image, list[Box]]:
        """Render the frame of a second, BGR uint8 (height, width, 3), and return it with the boxes of the tools."""
        area, stained = float(self.trial.area[second]), float(self._stained[second])
        sway = (int(self._sway[second, 0]), int(self._sway[second, 1]))
        image = self._background.view(area, stained, sway, second)
        self._draw_spurt(image, second)
        boxes = []
        for pose in self._poses[second]:
            corners = self._draw_tool(image, pose, second)
            if corners is not None and min(corners[2] - corners[0], corners[3] - corners[1]) >= SMALLEST_BOX:
                boxes.append(Box(pose.actor, pose.label, *corners))
        lit = cv2.multiply(image, self._light, scale=1 / 255)
        return np.asarray(cv2.multiply(lit, self.gains[second]), dtype=np.uint8), boxes

    def _pixel(self, x: float, y: float, second: int) -> tuple[float, float]:
        height = self.trial.height
        return (
            self.trial.width / 2 + x * height - self._sway[second, 0],
            height / 2 + y * height - self._sway[second, 1],
        )

    def _draw_spurt(self, image: Image, second: int) -> None:
        """Draw the bright, pulsing jet from the vessel while it bleeds."""
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
    """Sample the gains of the frames of a trial, (frames, 4)."""
    brightness = rng.normal(1, EXPOSURE) * np.exp(EXPOSURE_DRIFT * smooth_noise(rng, frames, DRIFT_PULL))
    tint = [np.exp(TINT_DRIFT * smooth_noise(rng, frames, DRIFT_PULL)) for _ in range(3)]
    gains: FloatArray = np.clip(brightness, 0.6, 1.5)[:, None] * np.column_stack([*tint, np.ones(frames)])
    return gains


def _field_of_view(rng: np.random.Generator, trial: Trial) -> tuple[Image, Image]:
    """Render the mask of the round field of view (255 inside), and its light, which is darker towards the edge."""
    rows, columns = np.indices((trial.height, trial.width), dtype=np.float32)
    middle = rng.normal(0, 0.008, 2)
    x = (columns - trial.width / 2) / trial.height - middle[0]
    y = (rows - trial.height / 2) / trial.height - middle[1]
    radius = rng.uniform(*FIELD_RADIUS)
    distance: Plane = np.hypot(x, y)
    inside = np.clip(0.5 + (radius - distance) * trial.height / 6, 0, 1)
    fraction = np.clip(distance / np.float32(radius), 0, 1)
    falloff = inside * (1 - 0.7 * fraction * fraction * fraction)
    tint = (rng.normal(1, TINT, 3) * 0.93 * 255).astype(np.float32)
    light = np.clip(falloff[..., None] * tint, 0, 255).astype(np.uint8)
    return (inside > 0.5).astype(np.uint8) * 255, light


def _draw_string(
    image: Image, visible: Image, knot: tuple[float, float], angle: float
) -> tuple[int, int, int, int] | None:
    """Draw a string that hangs from the knot to outside the view, and return its box (x1, y1, x2, y2), if visible."""
    height, width = visible.shape
    t = np.linspace(0, 1, 24)[:, None]
    end = np.array(knot) + 1.3 * height * np.array([np.cos(angle), np.sin(angle)])
    bend = (np.array(knot) + end) / 2 + 0.16 * height * np.array([-np.sin(angle), np.cos(angle)])
    points = (1 - t) ** 2 * knot + 2 * t * (1 - t) * bend + t**2 * end
    line = np.round(points * 8).astype(np.int32)
    thickness = max(1, round(height / 180))
    cv2.polylines(image, [line], False, STRING_DARK, thickness + 1, cv2.LINE_AA, 3)
    cv2.polylines(image, [line], False, STRING_LIGHT, thickness, cv2.LINE_AA, 3)
    mask = np.zeros((height, width), dtype=np.uint8)
    cv2.polylines(mask, [line], False, 255, thickness + 1, cv2.LINE_8, 3)
    x, y, w, h = cv2.boundingRect(cv2.bitwise_and(mask, visible))
    return (x, y, x + w, y + h) if w and h else None
