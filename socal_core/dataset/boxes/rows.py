"""What every box format is read into, and the checks that all formats share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset import layout
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.types import Severity

CORNERS = ("x1", "y1", "x2", "y2")
BOX_DTYPES = {
    "frame": "str",
    "trial_id": "str",
    "position": "int64",
    **dict.fromkeys(CORNERS, "int64"),
    "label": "str",
    "track_id": "Int64",
}
"""The columns of Dataset.boxes."""


@dataclass(frozen=True)
class BoxRows:
    """The rows of an annotation file, indexed by line number (`row`), before they are held against the frames.

    boxes: frame, x1, y1, x2, y2 (int64, pixels), label (str, "" when missing), track_id (Int64).
    without_tool: the frames (column frame) that the file says hold no tool.
    """

    boxes: pd.DataFrame
    without_tool: pd.DataFrame


@dataclass(frozen=True)
class Format:
    """One annotation format."""

    name: str
    path: str
    """The file or folder, relative to the data folder, that problems name."""
    is_in: Callable[[Path], bool]
    """Whether a data folder has boxes in this format."""
    read: Callable[[Path, ProblemLog], BoxRows]


def empty_rows() -> BoxRows:
    """No boxes at all."""
    index = pd.Index([], name="row", dtype="int64")
    dtypes = {name: dtype for name, dtype in BOX_DTYPES.items() if name not in ("trial_id", "position")}
    boxes = pd.DataFrame({name: pd.Series(index=index, dtype=dtype) for name, dtype in dtypes.items()})
    return BoxRows(boxes, boxes[["frame"]])


def validate(rows: BoxRows, path: str, frames: pd.DataFrame, trials: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """The boxes that hold, in frame order, clipped to their frames; everything else becomes a problem of `path`.

    frames and trials are those of Dataset: frame, trial_id and position; width and height (NA when unknown).
    """
    known = pd.Index(frames["frame"])
    place = known.get_indexer(pd.Index(rows.boxes["frame"]))
    _report_frames(rows, path, known, place, log)
    boxes = rows.boxes.assign(place=place)[place >= 0]
    boxes = _drop_invalid(boxes, path, log)
    of_box = frames.take(boxes["place"].to_numpy())
    sizes = trials[["width", "height"]].astype("float64").fillna(np.inf).reindex(of_box["trial_id"]).to_numpy()
    boxes = boxes.assign(trial_id=of_box["trial_id"].to_numpy(), position=of_box["position"].to_numpy())
    boxes = _fit_into_frames(boxes, sizes, path, log)
    _report_labels(boxes["label"], path, log)
    boxes = boxes.sort_values("place", kind="stable", ignore_index=True)
    return boxes[list(BOX_DTYPES)].astype(BOX_DTYPES)


def _report_frames(rows: BoxRows, path: str, known: pd.Index, place: NDArray[np.intp], log: ProblemLog) -> None:
    """Rows for frames that do not exist, frames said to be empty that are not, frames that no row mentions."""
    toolless = rows.without_tool.assign(place=known.get_indexer(pd.Index(rows.without_tool["frame"])))
    unknown = pd.concat([rows.boxes.loc[place < 0, ["frame"]], toolless[toolless["place"] < 0]]).sort_index()
    text = f"Frame {{frame}} is not among the frames of a trial in {layout.IMAGES_DIR}; the row is not used."
    log.add_rows("box-without-frame", Severity.ERROR, path, unknown, text)
    toolless = toolless[toolless["place"] >= 0]
    named = np.zeros(len(known), dtype=bool)
    named[place[place >= 0]] = True
    both = toolless[named[toolless["place"]]]
    text = "Frame {frame} is said to be without a tool here and has boxes in other rows; the boxes are used."
    log.add_rows("contradicting-rows", Severity.WARNING, path, both, text)
    named[toolless["place"]] = True
    silent = int((~named).sum())
    if silent:
        text = f"{silent:,} frames have no row in {path}; they count as frames without boxes."
        log.add("frame-without-row", Severity.INFO, path, text, count=silent)


def _drop_invalid(boxes: pd.DataFrame, path: str, log: ProblemLog) -> pd.DataFrame:
    """Leave out boxes without area or label, and rows that repeat another."""
    corners = "{x1}, {y1}, {x2}, {y2}"
    inverted = (boxes["x2"] <= boxes["x1"]) | (boxes["y2"] <= boxes["y1"])
    text = f"The box {corners} has no area: x2 must be greater than x1 and y2 greater than y1. It is left out."
    log.add_rows("box-without-area", Severity.ERROR, path, boxes[inverted], text)
    nameless = ~inverted & (boxes["label"] == "")
    text = f"The box {corners} has no label; it is left out."
    log.add_rows("box-without-label", Severity.ERROR, path, boxes[nameless], text)
    boxes = boxes[~inverted & ~nameless]
    doubled = boxes.assign(label=pd.factorize(boxes["label"])[0]).duplicated(["place", *CORNERS, "label"])
    text = f"The {{label}} box {corners} of frame {{frame}} stands further up already; it is used once."
    log.add_rows("doubled-box", Severity.WARNING, path, boxes[doubled], text)
    return boxes[~doubled]


def _fit_into_frames(boxes: pd.DataFrame, sizes: NDArray[np.float64], path: str, log: ProblemLog) -> pd.DataFrame:
    """Clip boxes at the edges of their frames (width, height; inf when unknown); drop those wholly outside."""
    corners = boxes[list(CORNERS)].to_numpy()
    outside = (corners[:, :2] >= sizes).any(axis=1) | (corners[:, 2:] <= 0).any(axis=1)
    clipped = np.clip(corners, 0, np.tile(sizes, 2)).astype(np.int64)
    beyond = ~outside & (clipped != corners).any(axis=1)
    for mask, code, severity, done in (
        (outside, "box-outside-frame", Severity.ERROR, "lies outside its frame ({size}); it is left out."),
        (beyond, "box-past-edge", Severity.WARNING, "runs past the edge of its frame ({size}); it is cut there."),
    ):
        found = boxes[mask].assign(size=[_size_text(width, height) for width, height in sizes[mask]])
        log.add_rows(code, severity, path, found, "The box {x1}, {y1}, {x2}, {y2} " + done)
    return boxes.assign(**dict(zip(CORNERS, clipped.T, strict=True))).take(np.flatnonzero(~outside))


def _size_text(width: float, height: float) -> str:
    return f"{width:.0f}x{height:.0f}" if np.isfinite(width) and np.isfinite(height) else "size unknown"


def _report_labels(labels: pd.Series, path: str, log: ProblemLog) -> None:
    """One problem for each label that SOCAL does not use."""
    for label, count in labels.value_counts().items():
        if label not in layout.LABELS:
            text = f"{count:,} boxes have the label {printable(label)}, which SOCAL does not use; they are kept."
            log.add("unknown-label", Severity.INFO, path, text, count=count)
