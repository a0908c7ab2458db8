"""The clamp that closes around the tube, and the other hand that changes its tools."""

import cv2
import numpy as np

from benchmarks.transfer import paint
from benchmarks.transfer.bench import CANVAS, Look, Tube
from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import FloatArray

Seen = list[tuple[str, FloatArray]]
"""Label and outline points of each tool that was drawn."""

HELD = ("scalpel", "grasper", "suction", "string", "drill")


class Clamp:
    """Two jaws that hover open in stretches until they close around the tube, and stay there."""

    def __init__(self, rng: np.random.Generator, tube: Tube, look: Look, clamped: float, frames: int) -> None:
        width, height = CANVAS
        self._look, self._clamped = look, clamped
        self._goal = tube.points[tube.clamp_at]
        self._gape = tube.thick
        self._root = np.array([width * (0.5 + look.side * rng.uniform(0.25, 0.6)), height * 1.15])
        away = self._root - self._goal
        back = 0.12 + 0.12 * np.abs(paint.walk(rng, frames, 3))
        sway = np.column_stack([paint.walk(rng, frames, 3) for _ in range(2)]) * 9
        self._tips = self._goal + back[:, None] * away + sway
        # It hovers for a share of the time that says nothing, and is there for certain just before it closes.
        self._shown = paint.intervals(rng, frames, rng.uniform(0.2, 0.9), 5)
        self._long = rng.uniform(38, 60)
        self._opening = rng.uniform(1.0, 1.6)

    def lay(self, picture: Image, second: int) -> Seen:
        """Draw the clamp in place."""
        left = self._clamped - second
        if left > 3 and not self._shown[second]:
            return []
        near = float(np.clip(1 - left / 3, 0, 1))
        tip = self._tips[second] * (1 - near) + self._goal * near
        along = (self._root - tip) / np.linalg.norm(self._root - tip)
        across = np.array([-along[1], along[0]])
        hinge = tip + along * self._long
        reach = tip - along * 0.9 * self._gape
        half = self._gape * (0.32 if left <= 0 else self._opening)
        outline = [hinge, self._root]
        _bar(picture, hinge, self._root, 9, self._look)
        for sign in (1, -1):
            knee, end = tip + along * 14 + sign * half * across, reach + sign * half * across
            _bar(picture, hinge, knee, 6, self._look)
            _bar(picture, knee, end, 6, self._look)
            outline += [knee + 3 * sign * across, end + 3 * sign * across]
        cv2.circle(picture, _pixel(hinge), 6, self._look.ink, -1, cv2.LINE_AA)
        _glove(picture, self._root + (hinge - self._root) * 0.15, self._look)
        return [("tool", np.array(outline))]


class OtherHand:
    """A second hand, which uses several tools in turn; at each exchange it leaves the frame for some seconds."""

    def __init__(self, rng: np.random.Generator, look: Look, exchanges: int, frames: int) -> None:
        width, height = CANVAS
        self._look = look
        times = 3 + 52 * (np.arange(exchanges) + rng.uniform(0.1, 0.9, exchanges)) / max(exchanges, 1)
        held = [int(rng.integers(len(HELD)))]
        for _ in range(exchanges):
            held.append((held[-1] + int(rng.integers(1, len(HELD)))) % len(HELD))
        seconds = np.arange(frames)
        self._held = [HELD[held[int((times <= second).sum())]] for second in seconds]
        apart = np.abs(seconds[:, None] - times).min(axis=1) if exchanges else np.full(frames, 99.0)
        # 1 where the hand is out of the picture, 0 where it works.
        out = np.clip((2.4 - apart) / 1.2, 0, 1)
        rests = ~paint.intervals(rng, frames, rng.uniform(0.6, 1.0), 6)
        self._out = np.maximum(out, 0.45 * rests)[:, None]
        self._root = np.array([width * (0.5 - look.side * rng.uniform(0.3, 0.7)), height * rng.choice([-0.15, 1.15])])
        home = np.array([width * (0.5 - look.side * rng.uniform(0, 0.2)), height * rng.uniform(0.35, 0.65)])
        work = home + np.column_stack([paint.walk(rng, frames, 2) for _ in range(2)]) * (26, 16)
        self._tips = work + self._out * 1.3 * (self._root - work)
        self._shift = self._out * 1.3 * (self._root - home)

    def lay(self, picture: Image, second: int) -> Seen:
        """Draw the tool in place."""
        tip, root, label = self._tips[second], self._root + self._shift[second], self._held[second]
        along = (root - tip) / max(float(np.linalg.norm(root - tip)), 1.0)
        across = np.array([-along[1], along[0]])
        neck = tip + 34 * along
        outline = [neck, root, tip]
        if label == "string":
            wave = 7 * np.sin(np.linspace(0, 9, 24) + second)[:, None] * across
            thread = tip + np.linspace(0, 1, 24)[:, None] * (root - tip) + wave
            cv2.polylines(picture, [np.round(thread).astype(np.int32)], False, self._look.ink, 3, cv2.LINE_AA)
            return [(label, thread)]
        _bar(picture, neck, root, 16 if label == "drill" else 8, self._look)
        if label == "grasper":
            for sign in (1, -1):
                _bar(picture, neck, tip + 9 * sign * across, 4, self._look)
                outline.append(tip + 11 * sign * across)
        elif label == "scalpel":
            blade = np.array([neck + 6 * across, tip, neck - 6 * across])
            cv2.fillConvexPoly(picture, np.round(blade).astype(np.int32), (235, 235, 228), cv2.LINE_AA)
        elif label == "drill":
            _bar(picture, tip, neck, 4, self._look)
            cv2.circle(picture, _pixel(tip), 6, self._look.ink, -1, cv2.LINE_AA)
            outline += [tip - 6, tip + 6]
        else:
            _bar(picture, tip, neck, 6, self._look)
            cv2.circle(picture, _pixel(tip), 3, (15, 15, 15), -1, cv2.LINE_AA)
        _glove(picture, root - 25 * along, self._look)
        return [(label, np.array(outline))]


def _pixel(point: FloatArray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _bar(picture: Image, start: FloatArray, end: FloatArray, thick: int, look: Look) -> None:
    """Draw a steel bar with an outline and a light line along it."""
    light = tuple(min(tone + 60, 255.0) for tone in look.steel)
    for colour, width, offset in ((look.ink, thick + 3, 0), (look.steel, thick, 0), (light, max(thick // 4, 1), -1)):
        cv2.line(picture, _pixel(start + offset), _pixel(end + offset), colour, width, cv2.LINE_AA)


def _glove(picture: Image, centre: FloatArray, look: Look) -> None:
    """Draw the fingers that hold a tool."""
    for offset in (-20, 0, 20):
        place = (centre + np.array([offset, abs(offset) / 2])).round().astype(int).tolist()
        cv2.ellipse(picture, place, (16, 26), offset, 0, 360, look.glove, -1, cv2.LINE_AA)
        cv2.ellipse(picture, place, (16, 26), offset, 0, 360, tuple(0.6 * tone for tone in look.glove), 1, cv2.LINE_AA)
