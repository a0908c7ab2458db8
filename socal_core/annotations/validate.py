"""Validate boxes, with the same checks for all formats."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.rows import BOX_DTYPES, CORNERS, LARGEST_COORDINATE, BoxRows, KnownFrames
from socal_core.dataset.problem_kinds import box_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.presets import Preset

_BLANKS = re.compile(r"[\s_-]+")


def validate(rows: BoxRows, path: str, known: KnownFrames, log: ProblemLog, files: Sequence[str] = ()) -> pd.DataFrame:
    """Check boxes and match them with the frames.

    Args:
        rows: The boxes of one format.
        path: The file or folder to name in problems.
        known: The frames.
        log: Receives the problems, after those from reading.
        files: All files of the format, if there may be several.

    Returns:
        The valid boxes, with the columns of `Dataset.boxes`, in frame order, in whole pixels within their frames.
    """
    frame_rows = known.rows_of_names(rows.boxes["frame"])
    named = _report_frames(rows, path, known, frame_rows, log)
    missing = int((~named).sum())
    # Of a file that was not used, nothing is known about its frames.
    if missing and not log.has_error(files or [path]):
        log.add(box_kinds.FRAME_WITHOUT_ROW, path, count=missing)
    # From here on, use the names in the data set: names in the file may be spelled differently.
    boxes = _kept(rows.boxes.drop(columns="frame").assign(frame_row=frame_rows), frame_rows >= 0)
    boxes["frame"] = known.frames["frame"].take(boxes["frame_row"].to_numpy()).to_numpy()
    boxes = _whole_pixels(boxes, path, log)
    boxes = boxes.assign(label=_plain_labels(boxes["label"], path, log))
    boxes = _drop_invalid(boxes, path, log)
    boxes = _fit_into_frames(boxes, np.nan_to_num(known.sizes(boxes["frame_row"].to_numpy()), nan=np.inf), path, log)
    _report_labels(boxes["label"], path, known.preset, log)
    if not boxes["frame_row"].is_monotonic_increasing:
        boxes = boxes.sort_values("frame_row", kind="stable")
    frame_rows = boxes["frame_row"].to_numpy()
    boxes = boxes.assign(**{name: known.frames[name].take(frame_rows).to_numpy() for name in ("trial_id", "position")})
    return boxes[list(BOX_DTYPES)].reset_index(drop=True).astype(BOX_DTYPES)


def _kept(boxes: pd.DataFrame, mask: NDArray[np.bool_]) -> pd.DataFrame:
    """Select rows; return the table itself if that is all of them, as copying millions of rows is slow."""
    kept: pd.DataFrame = boxes if mask.all() else boxes.loc[mask].copy()
    return kept


def _report_frames(
    rows: BoxRows, path: str, known: KnownFrames, frame_rows: NDArray[np.intp], log: ProblemLog
) -> NDArray[np.bool_]:
    """Report rows of unknown frames, and boxes in frames marked as without a tool; return which frames have a row."""
    toolless = rows.without_tool.assign(frame_row=known.rows_of_names(rows.without_tool["frame"]))
    named_by = [name for name in ("frame", "file") if name in rows.boxes]
    unknown = pd.concat([rows.boxes.loc[frame_rows < 0, named_by], toolless[toolless["frame_row"] < 0]]).sort_index()
    log.add_rows(box_kinds.BOX_WITHOUT_FRAME, path, unknown)
    toolless = toolless[toolless["frame_row"] >= 0]
    named = np.zeros(len(known.frames), dtype=bool)
    named[frame_rows[frame_rows >= 0]] = True
    both = toolless[named[toolless["frame_row"]]]
    log.add_rows(box_kinds.CONTRADICTING_ROWS, path, both)
    named[toolless["frame_row"]] = True
    return named


def _whole_pixels(boxes: pd.DataFrame, path: str, log: ProblemLog) -> pd.DataFrame:
    """Round corners to whole pixels (int64); leave out boxes with an invalid or a huge coordinate."""
    if all(boxes[name].dtype == np.int64 and _small(boxes[name]) for name in CORNERS):
        return boxes  # the usual case of millions of boxes
    corners = boxes[list(CORNERS)].to_numpy(np.float64)
    bad = ~(np.abs(corners) <= LARGEST_COORDINATE).all(axis=1)  # NaN compares as false
    log.add_rows(box_kinds.BAD_COORDINATES, path, boxes[bad], expected="numbers of pixels")
    whole = np.rint(corners[~bad]).astype(np.int64)
    kept: pd.DataFrame = boxes[~bad]
    return kept.assign(**dict(zip(CORNERS, whole.T, strict=True)))


def _small(corners: pd.Series) -> bool:
    return corners.empty or bool(max(corners.max(), -corners.min()) <= LARGEST_COORDINATE)


def _drop_invalid(boxes: pd.DataFrame, path: str, log: ProblemLog) -> pd.DataFrame:
    """Leave out boxes without area or label, and repeated rows."""
    inverted = (boxes["x2"] <= boxes["x1"]) | (boxes["y2"] <= boxes["y1"])
    log.add_rows(box_kinds.BOX_WITHOUT_AREA, path, boxes[inverted])
    nameless = ~inverted & (boxes["label"] == "")
    log.add_rows(box_kinds.BOX_WITHOUT_LABEL, path, boxes[nameless])
    boxes = _kept(boxes, (~inverted & ~nameless).to_numpy())
    doubled = boxes.assign(label=pd.factorize(boxes["label"])[0]).duplicated(["frame_row", *CORNERS, "label"])
    log.add_rows(box_kinds.DOUBLED_BOX, path, boxes[doubled])
    return _kept(boxes, ~doubled.to_numpy())


def _fit_into_frames(boxes: pd.DataFrame, sizes: NDArray[np.float64], path: str, log: ProblemLog) -> pd.DataFrame:
    """Clip boxes at the edges of their frames (width, height; inf if unknown); drop boxes completely outside."""
    corners = boxes[list(CORNERS)].to_numpy()
    outside = (corners[:, :2] >= sizes).any(axis=1) | (corners[:, 2:] <= 0).any(axis=1)
    clipped = np.clip(corners, 0, np.tile(sizes, 2)).astype(np.int64)
    beyond = ~outside & (clipped != corners).any(axis=1)
    for mask, kind in ((outside, box_kinds.BOX_OUTSIDE_FRAME), (beyond, box_kinds.BOX_PAST_EDGE)):
        found = boxes[mask].assign(size=[_size_text(width, height) for width, height in sizes[mask]])
        log.add_rows(kind, path, found)
    return _kept(boxes.assign(**dict(zip(CORNERS, clipped.T, strict=True))), np.asarray(~outside))


def _size_text(width: float, height: float) -> str:
    return f"{width:.0f}x{height:.0f}" if np.isfinite(width) and np.isfinite(height) else "size unknown"


def _plain_labels(labels: pd.Series, path: str, log: ProblemLog) -> pd.Series:
    """Convert labels to lower case, as in SOCAL, and strip spaces."""
    plain = {label: str(label).strip().lower() for label in labels.unique()}
    changed = sorted(printable(label) for label, lower in plain.items() if lower not in ("", label))
    if changed:
        log.add(box_kinds.LABEL_CASE, path, count=len(changed), labels=printable(", ".join(changed)))
    return labels.map(plain).astype("str")


def _report_labels(labels: pd.Series, path: str, preset: Preset, log: ProblemLog) -> None:
    """Report each label that the published data do not use, and labels that differ in blanks alone."""
    counts = labels.value_counts()
    spellings: dict[str, list[str]] = {}
    for spelled in sorted(map(str, counts.index)):
        spellings.setdefault(_BLANKS.sub("", spelled), []).append(spelled)
    for similar in spellings.values():
        if len(similar) > 1:
            log.add(box_kinds.SIMILAR_LABELS, path, count=len(similar), labels=printable(", ".join(similar)))
    for label, count in counts.items():
        if label not in preset.labels:
            log.add(box_kinds.UNKNOWN_LABEL, path, count=count, label=printable(label), preset=preset.title)
