"""Enclose shapes of other kinds by upright boxes, and report such shapes once per file."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from socal_core.dataset.problem_kinds import annotation_kinds
from socal_core.dataset.problems import ProblemLog

ROTATED_BOX = "rotated box"

_CUBOID_CORNERS = tuple(f"{corner}{face}" for corner in ("tl", "bl", "tr", "br") for face in "12")
_NONE = (math.nan,) * 4

Corners = tuple[float, float, float, float]


def turn(corners: ArrayLike, degrees: ArrayLike) -> NDArray[np.float64]:
    """Enclose boxes that are rotated about their centres.

    Args:
        corners: Left, top, right, bottom of each box before the rotation, in pixels; (..., 4).
        degrees: The angle of each box; (...). The direction does not affect the enclosing box.

    Returns:
        The upright boxes; (..., 4).
    """
    boxes, angles = np.asarray(corners, np.float64), np.radians(np.asarray(degrees, np.float64))[..., np.newaxis]
    centres, halves = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    with np.errstate(invalid="ignore", over="ignore"):  # a file may contain infinite corners, which are reported later
        reach = np.abs(np.cos(angles)) * halves + np.abs(np.sin(angles)) * halves[..., ::-1]
        turned = np.concatenate([centres - reach, centres + reach], axis=-1)
    kept: NDArray[np.bool_] = (angles == 0) | (halves < 0).any(
        axis=-1, keepdims=True
    )  # inverted boxes are reported later
    return np.where(kept, boxes, turned)


def turn_one(corners: Iterable[float], degrees: float) -> Corners:
    """Enclose one box that is rotated about its centre; return NaN for an angle that is not a number."""
    x1, y1, x2, y2 = turn(list(corners), degrees).tolist()
    return x1, y1, x2, y2


def enclose_points(xs: Sequence[float], ys: Sequence[float], least: int = 3) -> Corners:
    """Enclose an outline; return NaN if it has fewer than `least` points or a coordinate that is not a number."""
    if len(xs) != len(ys) or len(xs) < least or not all(map(math.isfinite, (*xs, *ys))):
        return _NONE
    return min(xs), min(ys), max(xs), max(ys)


def enclose_cvat(name: str, attributes: Mapping[str, str]) -> Corners | None:
    """Enclose one of CVAT's shapes other than a box.

    Args:
        name: `polygon`, `mask`, `ellipse` or `cuboid`; others, such as `points`, have no extent.
        attributes: The attributes of its element.

    Returns:
        Corners in pixels; None for a shape without an extent, or with invalid numbers.
    """
    read = _CVAT_SHAPES.get(name)
    corners = read(attributes) if read else _NONE
    return corners if all(map(math.isfinite, corners)) else None


def report_shapes(enclosed: Counter[str], left_out: Counter[str], path: str, log: ProblemLog) -> None:
    """Report the shapes of a file that are replaced by enclosing boxes, and those that are left out, once each.

    Args:
        enclosed: The number of enclosed shapes by kind.
        left_out: The number of omitted shapes by kind.
        path: The file.
        log: Receives the problems.
    """
    for shapes, kind in ((enclosed, annotation_kinds.ENCLOSED_SHAPES), (left_out, annotation_kinds.OTHER_SHAPES)):
        if shapes:
            counts = ", ".join(f"{count:,} x {name}" for name, count in sorted(shapes.items()))
            log.add(kind, path, count=shapes.total(), shapes=counts)


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return math.nan


def _polygon(attributes: Mapping[str, str]) -> Corners:
    pairs = [point.split(",") for point in attributes.get("points", "").split(";")]
    if any(len(pair) != 2 for pair in pairs):
        return _NONE
    return enclose_points([_number(x) for x, _ in pairs], [_number(y) for _, y in pairs])


def _mask(attributes: Mapping[str, str]) -> Corners:
    left, top, width, height = (_number(attributes.get(name)) for name in ("left", "top", "width", "height"))
    return left, top, left + width, top + height


def _ellipse(attributes: Mapping[str, str]) -> Corners:
    cx, cy, rx, ry = (_number(attributes.get(name)) for name in ("cx", "cy", "rx", "ry"))
    angle = math.radians(_number(attributes.get("rotation", "0"))) if rx >= 0 and ry >= 0 else math.nan
    if not math.isfinite(angle):
        return _NONE
    x = math.hypot(rx * math.cos(angle), ry * math.sin(angle))
    y = math.hypot(rx * math.sin(angle), ry * math.cos(angle))
    return cx - x, cy - y, cx + x, cy + y


def _cuboid(attributes: Mapping[str, str]) -> Corners:
    xs, ys = ([_number(attributes.get(f"{axis}{corner}")) for corner in _CUBOID_CORNERS] for axis in "xy")
    return enclose_points(xs, ys)


_CVAT_SHAPES = {"polygon": _polygon, "mask": _mask, "ellipse": _ellipse, "cuboid": _cuboid}
