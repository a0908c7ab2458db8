"""The tools of the set `unseen`: a suction, a grasper, a cottonoid on a string, and a piece of muscle."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import FloatArray, Trial
from benchmarks.transfer.unseen_field import Field
from benchmarks.transfer.unseen_look import LONGEST, Colour, Look, wander

REACH = 420.0
"""Length of a shaft: it always leaves the frame."""
Laid = list[tuple[str, FloatArray]]
"""Labels of the tools that were drawn, each with points all over the tool."""


def _unit(angle: float) -> FloatArray:
    return np.array([np.cos(angle), np.sin(angle)])


def _line(picture: Image, start: FloatArray, end: FloatArray, colour: Colour, thick: int) -> None:
    first, last = (np.round(point * 16).astype(int).tolist() for point in (start, end))
    cv2.line(picture, first, last, colour, thick, cv2.LINE_AA, 4)


def _shade(colour: Colour, factor: float) -> Colour:
    blue, green, red = (min(factor * part, 255.0) for part in colour)
    return blue, green, red


def _rod(picture: Image, tip: FloatArray, angle: float, thick: int, colour: Colour) -> FloatArray:
    """Draw a round shaft that starts at its tip and return points all over it."""
    way, side = _unit(angle), _unit(angle + np.pi / 2)
    end = tip + REACH * way
    _line(picture, tip, end, _shade(colour, 0.45), thick)
    _line(picture, tip + side, end + side, colour, thick - 4)
    _line(picture, tip + 0.2 * thick * side, end + 0.2 * thick * side, _shade(colour, 1.6), max(thick // 5, 1))
    middle = tip + np.linspace(0, REACH, 100)[:, None] * way
    return np.concatenate([middle - thick / 2 * side, middle + thick / 2 * side])


class Tools:
    """All tools of a trial."""

    def __init__(self, rng: np.random.Generator, trial: Trial, look: Look, field: Field) -> None:
        self._look, self._field = look, field
        calm = trial.latents["calm"]
        self._haste = 3 + 38 * (1 - calm)
        """Standard deviation of the suction's steps from second to second, in pixels of the canvas."""
        from_right = rng.uniform(-0.5, 0.6)
        self._suction_angle = from_right + 0.05 * wander(rng, 4)[:, 0]
        self._grasper_angle = from_right + rng.uniform(1.8, 3.2) + 0.05 * wander(rng, 4)[:, 0]
        slow = rng.uniform(4, 14) * wander(rng, 15, 2)
        self._suction_at = rng.normal(0, 14, 2) + slow + self._haste * np.clip(wander(rng, 0.4, 2), -2, 2)
        self._suction_in = wander(rng, 6)[:, 0] < rng.uniform(0.7, 2)
        self._slips = 0.35 * self._haste * np.clip(wander(rng, 0.4, 2), -2, 2)
        self._grip = int(rng.integers(-3, 4))
        self._grasper_in = wander(rng, 8)[:, 0] < rng.uniform(0.8, 2.2)
        self._pad = Pad(rng, trial.latents["hold"], look, field.source)
        self._muscle_in = _stretch(rng) if rng.uniform() < 0.5 else np.zeros(LONGEST, np.bool_)
        self._muscle_at = field.source + rng.uniform(75, 110) * _unit(rng.uniform(0, 2 * np.pi))
        self._muscle_rim = rng.uniform(0.75, 1.2, (16, 1)) * rng.uniform(13, 24)

    def lay(self, picture: Image, second: int) -> Laid:
        """Draw the tools of a second in place."""
        laid: Laid = []
        if self._muscle_in[second]:
            laid.append(("muscle", self._lay_muscle(picture)))
        laid += self._pad.lay(picture, second)
        if self._grasper_in[second]:
            laid.append(("grasper", self._lay_grasper(picture, second)))
        if self._suction_in[second]:
            tip = self._field.source + self._suction_at[second]
            laid.append(("suction", self._lay_suction(picture, tip, self._suction_angle[second])))
        return laid

    def _lay_muscle(self, picture: Image) -> FloatArray:
        turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        rim = np.column_stack([np.cos(turns), np.sin(turns)]) * self._muscle_rim + self._muscle_at
        for shade, size in ((0.6, 1.0), (1.0, 0.85), (1.25, 0.4)):
            points = np.round((self._muscle_at + size * (rim - self._muscle_at)) * 16).astype(np.int32)
            cv2.fillPoly(picture, [points], _shade(self._look.muscle, shade), cv2.LINE_AA, 4)
        return np.asarray(rim)

    def _lay_suction(self, picture: Image, tip: FloatArray, angle: float) -> FloatArray:
        points = _rod(picture, tip, angle, 13, self._look.suction)
        for step in (8, 17, 26):
            _line(picture, tip + step * _unit(angle), tip + (step + 1) * _unit(angle), (25, 25, 25), 4)
        return points

    def _lay_grasper(self, picture: Image, second: int) -> FloatArray:
        """Draw the grasper that holds the edge of the opening on its own side."""
        edge, angle = self._field.edge(second), float(self._grasper_angle[second])
        middles = [edge[10 + self._grip], edge[30 + self._grip]]
        hold = max(middles, key=lambda point: float((point - self._field.source) @ _unit(angle)))
        tip = hold + self._slips[second]
        joint = tip + 26 * _unit(angle)
        points = _rod(picture, joint, angle, 18, self._look.shaft)
        for spread in (-0.35, 0.35):
            _line(picture, joint, tip + 8 * spread * _unit(angle + np.pi / 2), self._look.jaws, 6)
            bow = joint - 15 * _unit(angle + spread)
            _line(picture, joint, bow, _shade(self._look.jaws, 0.7), 4)
        return np.concatenate([points, tip[None]])


def _stretch(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw one stretch of time."""
    seconds, first = np.arange(LONGEST), rng.uniform(0, 50)
    return np.asarray((seconds >= first) & (seconds < first + rng.uniform(8, 50)))


class Pad:
    """A cottonoid that is pressed onto the source, and its string."""

    def __init__(self, rng: np.random.Generator, hold: float, look: Look, source: FloatArray) -> None:
        self._look = look
        self._since = _since_placed(rng, hold)
        self._place = source + rng.normal(0, 5, 2) + rng.normal(0, 1.5, (LONGEST, 2))
        self._turn = float(rng.uniform(0, 180))
        self._size = (float(rng.uniform(50, 60)), float(rng.uniform(32, 38)))
        self._exit = float(rng.uniform(0.3, 2.8))
        """Direction in which the string leaves: towards the lower edge of the canvas."""
        self._bend = float(rng.normal(0, 30))

    def lay(self, picture: Image, second: int) -> Laid:
        """Draw the pad and its string in place while the pad lies there."""
        since = int(self._since[second])
        if since < 0:
            return []
        # In its first second the pad is still on its way.
        middle = self._place[second] + (25 * _unit(self._exit) if since == 0 else 0)
        share = np.linspace(0, 1, 60)[:, None]
        end = middle + 260 * _unit(self._exit)
        sag = self._bend * np.sin(np.pi * share) * _unit(self._exit + np.pi / 2)
        string = middle + share * (end - middle) + sag
        cv2.polylines(picture, [np.round(string).astype(np.int32)], False, self._look.strip, 2, cv2.LINE_AA)
        soaked = min(since / 40, 0.5)
        colour = tuple((1 - soaked) * a + soaked * b for a, b in zip(self._look.pad, self._look.liquid, strict=True))
        corners = self._corners(middle, 1.0)
        for shade, size in ((0.6, 1.08), (1.0, 1.0)):
            points = np.round(self._corners(middle, size) * 16).astype(np.int32)
            cv2.fillConvexPoly(picture, points, tuple(shade * part for part in colour), cv2.LINE_AA, 4)
        _line(picture, (corners[0] + corners[1]) / 2, (corners[2] + corners[3]) / 2, self._look.strip, 5)
        return [("string", string), ("cottonoid", corners)]

    def _corners(self, middle: FloatArray, size: float) -> FloatArray:
        sides = (size * self._size[0], size * self._size[1])
        return np.asarray(cv2.boxPoints(((float(middle[0]), float(middle[1])), sides, self._turn)), dtype=np.float64)


def _since_placed(rng: np.random.Generator, hold: float) -> NDArray[np.int64]:
    """Draw for each second how long the pad has been in place; -1 while it is not.

    It is placed once for 4 to 48 seconds, after that again and again for a few.
    """
    since = np.full(LONGEST, -1)
    start, length = int(rng.integers(3, 11)), round(4 + 44 * hold)
    short, pause = int(rng.integers(2, 5)), int(rng.integers(4, 14))
    while start < LONGEST:
        end = min(start + length, LONGEST)
        since[start:end] = np.arange(end - start)
        start, length = end + pause + int(rng.integers(3)), min(short + int(rng.integers(2)), length)
    return since
