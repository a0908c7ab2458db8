"""Interpret rows of YOLO's label files with more fields than a box: outlines, rotated boxes, poses, or track ids.

A row does not tell what it is, so all long rows of a folder are interpreted together: as `class cx cy w h confidence
id` (or an outline with both) if the last field is always whole and sometimes above 1; as poses if every third field
after the box may be a visibility; and otherwise as outlines, unless another interpretation is possible, too.
"""

from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.shapes import report_shapes
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import LARGEST_INTEGER, to_numbers

LONGEST_BOX = 6
"""The number of fields of a row with a box and one more number."""
PARTS = ("cx", "cy", "w", "h")
"""Centre and size of a box, as fractions of the frame's width and height."""

_WITH_TRACK = 7
_CORNERS_ROW, _CORNERS_WITH_CONFIDENCE = 9, 10
_LOWEST, _HIGHEST = -0.5, 1.5
_TOLERANCE = 0.01
_LONGEST_ID = 9
_OUTLINE, _POSE, _TRACKED = "outline", "pose", "tracked"
_BOXES = {_OUTLINE: "whole", _POSE: "first", _TRACKED: "less"}
"""The box of `measure` that each interpretation uses."""


def measure(rows: list[list[str]]) -> pd.DataFrame:
    """Determine the possible interpretations of long rows, row by row.

    Args:
        rows: The fields of each row.

    Returns:
        fields (number of fields), class (text), last (float), and flags: is_whole (the last field is a whole number),
        has_confidence (the field before it may be a confidence), is_pose (visibilities where a pose has them),
        may_be_pose (points without visibilities inside a box), is_turned (the corners of a rotated box). Then three
        boxes, each as cx, cy, w, h: `first`, the first four numbers; `whole`, the box around all points; `less`, the
        box without confidence and id. They are NaN if a field is out of range.
    """
    counts = np.array([len(row) for row in rows], np.int64)
    tables = [_measure([rows[n] for n in np.flatnonzero(counts == count)], int(count)) for count in np.unique(counts)]
    order = np.argsort(counts, kind="stable")
    return pd.concat(tables, ignore_index=True).take(np.argsort(order)) if tables else pd.DataFrame()


def interpret(table: pd.DataFrame, path: str, log: ProblemLog) -> pd.DataFrame | None:
    """Interpret long rows, all in the same way.

    Args:
        table: The result of `measure` for all files, with the columns file and number (of the file), indexed by line.
        path: The folder of the files.
        log: Receives rows that are not boxes, and the evidence for the interpretation.

    Returns:
        number, class (int32), cx, cy, w, h (float64, fractions of the frame) and track (float64, NaN without an id);
        None, with a problem, if several interpretations are possible.
    """
    if table.empty:
        return table
    meaning, basis = _meaning(table)
    if not meaning:
        log.add(annotation_kinds.AMBIGUOUS_ROWS, path, count=len(table), meanings=basis)
        return None
    boxes = table[[f"{_BOXES[meaning]} {part}" for part in PARTS]].to_numpy(np.float64)
    classes = to_numbers(table["class"])
    bad = np.isnan(boxes).any(axis=1)
    log.add_rows(annotation_kinds.NOT_A_BOX, path, table[bad])
    classless = ~bad & ~(classes.between(0, LARGEST_INTEGER) & (classes % 1 == 0)).to_numpy()
    log.add_rows(box_kinds.BAD_CLASS, path, table[classless], expected="a whole number of at least 0")
    sound = ~bad & ~classless
    tracked = meaning == _TRACKED
    others = sound & (table["fields"].to_numpy() > _WITH_TRACK) if tracked else sound
    report_shapes(+Counter({"pose" if meaning == _POSE else _OUTLINE: int(others.sum())}), Counter(), path, log)
    if sound.any():
        log.add_evidence(path, _INTERPRETATIONS[meaning], basis)
    ids = table["last"].to_numpy(np.float64) if tracked else np.full(len(table), np.nan)
    return _columns(table[sound].assign(**{"class": classes[sound]}), boxes[sound], ids[sound])


_INTERPRETATIONS = {
    _OUTLINE: "Rows with more than 6 fields are a class and the points of an outline or of a turned box.",
    _POSE: "Rows with more than 6 fields are poses: class, box, and points with their visibility.",
    _TRACKED: "The last two fields of rows with more than 6 fields are a confidence and a track id.",
}


def _columns(table: pd.DataFrame, boxes: NDArray[np.float64], ids: NDArray[np.float64]) -> pd.DataFrame:
    columns = {"number": table["number"].to_numpy(np.int32), "class": table["class"].to_numpy(np.int32)}
    return pd.DataFrame({**columns, **dict(zip(PARTS, boxes.T, strict=True)), "track": ids}, index=table.index)


def _meaning(table: pd.DataFrame) -> tuple[str, str]:
    """Return the interpretation of the rows and its basis; "" and the possible meanings if there are several."""
    one_length = table["fields"].nunique() == 1
    if one_length and table["is_pose"].all():
        return _POSE, "Every third field after the box is 0, 1 or 2, as visibilities are."
    if (table["is_whole"] & table["has_confidence"]).all():
        if (table["last"] > 1).any():
            return _TRACKED, "The last field is always a whole number, also above 1, and the one before is from 0 to 1."
        return "", "a confidence and a track id at the end, or outlines that end at the edge of the frame"
    if table["is_turned"].all():
        return _OUTLINE, "All rows have four points, which are the corners of a turned box."
    if one_length and table["may_be_pose"].all():
        return "", "outlines, or boxes with the points of a pose"
    return _OUTLINE, "The fields after the class are pairs of fractions of the frame."


def _measure(rows: list[list[str]], count: int) -> pd.DataFrame:
    """Return the result of `measure` for rows with `count` fields."""
    texts = pd.Series([text for row in rows for text in row], dtype="str")
    values = to_numbers(texts).to_numpy(np.float64).reshape(-1, count)
    last = pd.Series([row[-1] for row in rows], dtype="str")
    numbers, first, is_even = values[:, 1:], values[:, 1:5], count % 2 == 0
    # A row with an even number of fields has no outline, except for the corners of a turned box with a confidence.
    points = numbers[:, : 2 * ((count - 1) // 2)]
    whole = _around(points) if not is_even or count == _CORNERS_WITH_CONFIDENCE else np.full_like(first, np.nan)
    less = first if count == _WITH_TRACK else _around(numbers[:, :-2]) if not is_even else np.full_like(first, np.nan)
    flags = {
        "is_whole": last.str.fullmatch(f"[0-9]{{1,{_LONGEST_ID}}}").to_numpy(bool),
        "has_confidence": (numbers[:, -2] >= 0) & (numbers[:, -2] <= 1) & (not is_even),
        "is_pose": _is_pose(numbers),
        "may_be_pose": ~np.isnan(whole).any(axis=1) & (count >= _CORNERS_ROW) & _holds(first, points[:, 4:]),
        "is_turned": _is_turned(numbers) if count in (_CORNERS_ROW, _CORNERS_WITH_CONFIDENCE) else False,
    }
    boxes = {"first": _checked(first), "whole": whole, "less": less if count > _WITH_TRACK else _checked(less)}
    parts = {f"{name} {part}": box[:, n] for name, box in boxes.items() for n, part in enumerate(PARTS)}
    classes = pd.Series([row[0] for row in rows], dtype="str")
    return pd.DataFrame({"fields": count, "class": classes, "last": values[:, -1], **flags, **parts})


def _checked(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace numbers that are out of range, and the others of their row, by NaN."""
    within = ((boxes >= _LOWEST) & (boxes <= _HIGHEST)).all(axis=1, keepdims=True)  # NaN compares as false
    return np.where(within, boxes, np.nan)


def _around(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the box around the points (x, y, x, y, …) of each row, NaN if one is out of range; (n, 4)."""
    points = _checked(points)
    low = np.stack([points[:, 0::2].min(axis=1), points[:, 1::2].min(axis=1)], axis=1)
    high = np.stack([points[:, 0::2].max(axis=1), points[:, 1::2].max(axis=1)], axis=1)
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def _holds(boxes: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether each box is inside the frame and contains all its points; 0, 0 is a point that is not visible."""
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    inside = ((centre - half >= -_TOLERANCE) & (centre + half <= 1 + _TOLERANCE) & (half > 0)).all(axis=1)
    pairs = points[:, : points.shape[1] // 2 * 2].reshape(len(points), -1, 2)
    near = (np.abs(pairs - centre[:, np.newaxis]) <= half[:, np.newaxis] + _TOLERANCE).all(axis=2)
    return np.asarray(inside & (near | (pairs == 0).all(axis=2)).all(axis=1), bool)


def _is_pose(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether rows are a box and points with a visibility of 0, 1 or 2."""
    if (numbers.shape[1] - 4) % 3:
        return np.zeros(len(numbers), bool)
    points = numbers[:, 4:].reshape(len(numbers), -1, 3)
    seen = points[..., 2]
    flat = points[..., :2].reshape(len(numbers), 2 * points.shape[1])
    # A 2 cannot be a fraction of a frame; without a 2, the points must also be inside the box.
    certain = (seen == 2).any(axis=1) | _holds(numbers[:, :4], flat)
    return np.asarray(np.isin(seen, (0, 1, 2)).all(axis=1) & certain, bool)


def _is_turned(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether four points are the corners of a parallelogram, as for a rotated box."""
    first, second, third, fourth = (numbers[:, n : n + 2] for n in range(0, 8, 2))
    return np.asarray((np.abs(first + third - second - fourth) < _TOLERANCE).all(axis=1), bool)
