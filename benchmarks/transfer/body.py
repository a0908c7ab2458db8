"""A jointed figure seen from the front or the side: from the angles of its joints to a picture."""

from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.transfer.folder import Image
from benchmarks.transfer.paint import Colour

Point = tuple[float, float]

THIGH, SHIN, TORSO, NECK, UPPER_ARM, FOREARM, FOOT = 0.25, 0.24, 0.31, 0.09, 0.17, 0.15, 0.05
"""Lengths as shares of the height."""


@dataclass(frozen=True)
class Pose:
    """Angles in degrees; a limb at 0 hangs straight down, and positive angles point to the right of the picture."""

    lean: float
    hips: tuple[float, float]
    knees: tuple[float, float]
    """How far the shins are bent back against the thighs."""
    shoulders: tuple[float, float]
    elbows: tuple[float, float]
    """How far the forearms are bent on against the upper arms."""
    lift: float = 0.0
    """Height above the ground as a share of the body height."""
    ahead: float = 0.0
    """How far the person is ahead of even travel, as a share of the distance."""
    way: int = 1

    def mirrored(self) -> "Pose":
        """Return the pose seen in a mirror."""
        (a, b), (c, d), (e, f), (g, h) = self.hips, self.knees, self.shoulders, self.elbows
        return Pose(-self.lean, (-a, -b), (-c, -d), (-e, -f), (-g, -h), self.lift, self.ahead, -self.way)


@dataclass(frozen=True)
class Clothes:
    """Colours of a person."""

    skin: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    long_sleeves: bool


def joints(pose: Pose) -> dict[str, Point]:
    """Place the joints: how far to the right of the middle and above the ground they are, in body heights."""
    legs = []
    for hip, knee in zip(pose.hips, pose.knees, strict=True):
        bend = _step((0, 0), hip, THIGH)
        heel = _step(bend, hip - knee, SHIN)
        legs.append((bend, heel, (heel[0] + pose.way * FOOT, heel[1] - 0.01)))
    # The lower foot stands on the ground, or at the height of the leap.
    waist = (0.0, pose.lift - min(leg[1][1] for leg in legs) + 0.02)
    neck = _step(waist, 180 - pose.lean, TORSO)
    points = {"waist": waist, "neck": neck, "head": _step(neck, 180 - pose.lean, NECK)}
    for side, leg in zip("ab", legs, strict=True):
        points |= {
            f"{name}_{side}": (x, y + waist[1]) for name, (x, y) in zip(("knee", "heel", "toe"), leg, strict=True)
        }
    for side, shoulder, elbow in zip("ab", pose.shoulders, pose.elbows, strict=True):
        points[f"elbow_{side}"] = _step(neck, shoulder, UPPER_ARM)
        points[f"hand_{side}"] = _step(points[f"elbow_{side}"], shoulder + elbow, FOREARM)
    return points


def draw_body(
    picture: Image, points: dict[str, Point], foot: Point, tall: float, thick: float, clothes: Clothes
) -> None:
    """Draw a person and the shadow on the ground in place, the limbs of side b behind the body.

    Args:
        picture: The canvas.
        points: What `joints` returns.
        foot: Where on the canvas the origin of the points lies, in pixels.
        tall: Height of the body in pixels.
        thick: Thickness of a shin in pixels.
        clothes: Colours.
    """
    seen = {name: (round(foot[0] + x * tall), round(foot[1] - y * tall)) for name, (x, y) in points.items()}
    shadow = (seen["waist"][0], round(foot[1]))
    cv2.ellipse(picture, shadow, (round(0.16 * tall), round(0.022 * tall)), 0, 0, 360, (34, 34, 34), -1, cv2.LINE_AA)
    lower_arm = clothes.shirt if clothes.long_sleeves else clothes.skin
    for side, tone in (("b", 0.75), ("a", 1.0)):
        if side == "a":
            _limb(picture, seen["waist"], seen["neck"], 2.3 * thick, clothes.shirt)
            cv2.circle(picture, seen["head"], round(0.062 * tall), clothes.skin, -1, cv2.LINE_AA)
        for start, end, width, colour in (
            ("waist", f"knee_{side}", 1.35, clothes.trousers),
            (f"knee_{side}", f"heel_{side}", 1.0, clothes.trousers),
            (f"heel_{side}", f"toe_{side}", 0.8, clothes.shoes),
            ("neck", f"elbow_{side}", 0.9, clothes.shirt),
            (f"elbow_{side}", f"hand_{side}", 0.7, lower_arm),
        ):
            _limb(picture, seen[start], seen[end], width * thick, tuple(tone * part for part in colour))


def _step(start: Point, angle: float, length: float) -> Point:
    turn = np.deg2rad(angle)
    return start[0] + length * float(np.sin(turn)), start[1] - length * float(np.cos(turn))


def _limb(
    picture: Image, start: tuple[int, int], end: tuple[int, int], thick: float, colour: tuple[float, ...]
) -> None:
    cv2.line(picture, start, end, colour, max(round(thick), 1), cv2.LINE_AA)
