"""The tools of the set `field`: suction, grasper, cotton pads on threads, and the muscle patch."""

import cv2
import numpy as np

from benchmarks.transfer.field_look import SIDE, UNIT, Colour, Look, pixel, plane
from benchmarks.transfer.field_noise import clouds
from benchmarks.transfer.field_plan import OUTSIDE, Hand, Plan
from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import FloatArray

Outline = tuple[str, FloatArray]
"""A label and points on the outline in pixels of the surface, (n, 2)."""

ACROSS = ((-1.0, -0.55, 0.45), (-0.55, -0.1, 0.85), (-0.1, 0.25, 1.45), (0.25, 0.65, 0.8), (0.65, 1.0, 0.35))
"""Stripes of a shining rod: from where to where across it, and how bright."""
GAUZE: Colour = (222, 228, 230)
SOAKED = 14
"""Seconds after which a pad is full of blood."""


class Tools:
    """The tools of a trial."""

    def __init__(self, rng: np.random.Generator, look: Look, plan: Plan) -> None:
        self._look, self._plan = look, plan
        self._muscle = _muscle(rng, look)
        self._pads = [_pad(rng, look) for _ in plan.pads]
        self._turns = rng.uniform(0, 360, 3)
        self._threads = rng.uniform(0, 2 * np.pi, 2)
        self._jaws = rng.uniform(0.04, 0.4, len(plan.level))

    def lay(self, picture: Image, second: int) -> list[Outline]:
        """Draw the tools of a second in place and return their outlines, the lowest first."""
        outlines: list[Outline] = []
        for number, places in enumerate(self._plan.pads):
            if not np.isnan(places[second, 0]):
                outlines += self._lay_pad(picture, number, second)
        if not np.isnan(self._plan.patch[second, 0]):
            place = self._plan.patch[second]
            outlines.append(("muscle", self._muscle.paste(picture, pixel(place), float(self._turns[2]))))
        if self._plan.suction.inside[second]:
            outlines.append(("suction", self._lay_suction(picture, second)))
        if self._plan.grasper.inside[second]:
            outlines.append(("grasper", self._lay_grasper(picture, second)))
        return outlines

    def _lay_pad(self, picture: Image, number: int, second: int) -> list[Outline]:
        places = self._plan.pads[number]
        since = second - int(np.argmax(~np.isnan(places[:, 0])))
        middle = pixel(places[second])
        turn = self._threads[number]
        share = np.linspace(0, 1, 20)[:, None]
        far = UNIT * OUTSIDE * np.array([np.cos(turn), np.sin(turn)])
        sag = 14 * np.sin(np.pi * share) * np.array([-np.sin(turn), np.cos(turn)])
        thread = middle + share * far + sag
        cv2.polylines(picture, [np.round(thread).astype(np.int32)], False, self._look.thread, 2, cv2.LINE_AA)
        soaked = min(since // (SOAKED // 4), 4)
        points = self._pads[number][soaked].paste(picture, middle, float(self._turns[number]))
        return [("string", thread), ("cottonoid", points)]

    def _lay_suction(self, picture: Image, second: int) -> FloatArray:
        tip, ahead = _axis(self._plan.suction, second)
        steel, thick = self._look.steel[0], self._look.width
        knee = tip + 70 * ahead
        outline = _rod(picture, tip, knee, (4.5 * thick, 6 * thick), steel)
        shaft = _rod(picture, knee, tip + 2 * SIDE * ahead, (8.5 * thick, 11 * thick), steel)
        hole = np.round(tip + 3 * ahead).astype(int).tolist()
        cv2.circle(picture, hole, round(2.6 * thick), (18, 14, 30), -1, cv2.LINE_AA)
        return np.concatenate([outline, shaft])

    def _lay_grasper(self, picture: Image, second: int) -> FloatArray:
        tip, ahead = _axis(self._plan.grasper, second)
        steel, thick = self._look.steel[1], self._look.width
        pivot = tip + 42 * ahead
        shaft = _rod(picture, pivot, tip + 2 * SIDE * ahead, (7 * thick, 9 * thick), steel)
        parts = [shaft]
        for side in (-1, 1):
            turn = side * self._jaws[second]
            towards = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ -ahead
            parts.append(_rod(picture, pivot, pivot + 42 * towards, (5 * thick, 2.2 * thick), steel))
        joint = np.round(pivot).astype(int).tolist()
        cv2.circle(picture, joint, round(3 * thick), tuple(0.4 * part for part in steel), -1, cv2.LINE_AA)
        return np.concatenate(parts)


def _axis(hand: Hand, second: int) -> tuple[FloatArray, FloatArray]:
    """Return the tip in pixels and the direction along the shaft."""
    tip = hand.tip[second]
    turn = hand.heading[second]
    back = OUTSIDE * np.array([np.cos(turn), np.sin(turn)]) - tip
    return pixel(tip), back / max(float(np.hypot(*back)), 1e-6)


def _rod(picture: Image, start: FloatArray, end: FloatArray, halves: tuple[float, float], colour: Colour) -> FloatArray:
    """Draw a shining rod of half widths that change from start to end; return points on its outline."""
    along = (end - start) / float(np.hypot(*(end - start)))
    normal = np.array([-along[1], along[0]])
    for low, high, tone in ACROSS:
        corners = [start + low * halves[0] * normal, start + high * halves[0] * normal]
        corners += [end + high * halves[1] * normal, end + low * halves[1] * normal]
        stripe = tuple(min(tone * part, 255.0) for part in colour)
        cv2.fillConvexPoly(picture, np.round(np.array(corners)).astype(np.int32), stripe, cv2.LINE_AA)
    share = np.linspace(0, 1, 40)[:, None]
    middle, half = start + share * (end - start), halves[0] + share * (halves[1] - halves[0])
    return np.concatenate([middle - half * normal, middle + half * normal])


class Sprite:
    """A small picture with opacity and the outline of what it shows."""

    def __init__(self, picture: Image, outline: FloatArray) -> None:
        opacity = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(opacity, [np.round(outline).astype(np.int32)], 255, cv2.LINE_AA)
        self._picture = picture
        self._opacity = opacity
        self._outline = outline

    def paste(self, surface: Image, middle: FloatArray, angle: float) -> FloatArray:
        """Lay the picture over the surface in place, turned by an angle in degrees; return the outline there."""
        side = len(self._picture)
        matrix = np.asarray(cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1), dtype=np.float64)
        corner = np.floor(middle - side / 2).astype(int)
        low, high = np.maximum(corner, 0), np.minimum(corner + side, SIDE)
        if (low < high).all():
            (left, top), (right, bottom) = low - corner, high - corner
            turned = cv2.warpAffine(self._picture, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
            share = cv2.warpAffine(self._opacity, matrix, (side, side))[top:bottom, left:right].astype(np.float32) / 255
            under = surface[low[1] : high[1], low[0] : high[0]]
            over = np.ascontiguousarray(turned[top:bottom, left:right])
            under[:] = cv2.blendLinear(over, np.ascontiguousarray(under), share, 1 - share)
        return np.asarray(self._outline @ matrix[:, :2].T + matrix[:, 2] + corner)


def _muscle(rng: np.random.Generator, look: Look) -> Sprite:
    """Paint a ragged piece of muscle with fibres."""
    side = 116
    turns = np.linspace(0, 2 * np.pi, 26, endpoint=False)
    ragged = 1 + 0.1 * rng.normal(size=26)
    axes = (rng.uniform(34, 40), rng.uniform(25, 31))
    outline = side / 2 + np.column_stack([np.cos(turns) * axes[0], np.sin(turns) * axes[1]]) * ragged[:, None]
    fibres = cv2.resize(clouds(rng, side, side, 4, 2), (5 * side, side))[:, :side]
    level = 1 + 0.17 * fibres + 0.1 * clouds(rng, side, side, 30)
    picture = np.clip(level[..., None] * plane(look.muscle), 0, 255).astype(np.uint8)
    dark = tuple(0.45 * part for part in look.muscle)
    cv2.polylines(picture, [np.round(outline).astype(np.int32)], True, dark, 5, cv2.LINE_AA)
    return Sprite(np.asarray(cv2.blur(picture, (3, 3)), dtype=np.uint8), outline)


def _pad(rng: np.random.Generator, look: Look) -> list[Sprite]:
    """Paint a cotton pad with a marker thread in five steps from clean to soaked."""
    side = 110
    half = (rng.uniform(20, 40), rng.uniform(13, 24))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    outline = side / 2 + corners
    weave = 1 + 0.05 * clouds(rng, side, side, 3)
    wet = clouds(rng, side, side, 18, 2)
    sprites = []
    for step in range(5):
        share = np.clip((wet + step - 2.5) * 1.5, 0, 0.85)[..., None]
        colour = plane(GAUZE) + share * (0.8 * plane(look.fresh) - plane(GAUZE))
        picture = np.clip(weave[..., None] * colour, 0, 255).astype(np.uint8)
        y = round(side / 2)
        cv2.line(picture, (round(side / 2 - half[0]), y), (round(side / 2 + half[0]), y), look.thread, 3, cv2.LINE_AA)
        sprites.append(Sprite(picture, outline))
    return sprites
