"""Scale boxes that were annotated on frames of another size, if one factor fits all of them."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.rows import CORNERS, BoxRows, KnownFrames
from socal_core.dataset.problem_kinds import annotation_kinds
from socal_core.dataset.problems import ProblemLog

_TOLERANCE = 1
"""Pixels by which a size may be off through rounding, and by which a box may extend past the edge of its frame."""
_SIZES, _TRUE = ["width", "height"], ["trial_width", "trial_height"]


def to_frame_sizes(
    rows: BoxRows, sizes: pd.DataFrame, path: str, known: KnownFrames, log: ProblemLog, annotated: str = ""
) -> BoxRows:
    """Scale boxes to the size of their frames.

    In each trial, one factor per axis must fit all frames and boxes, and the aspect ratio must agree within rounding.
    Otherwise the whole file is not used. Pascal VOC, with one file per frame, is not used for this trial.

    Args:
        rows: The boxes; with a column `file`, each file is checked by itself.
        sizes: The sizes in the files: frame, width, height (float, pixels; NaN or 0 if not given) and, if `rows` has
            it, file; indexed by line.
        path: The file, or the folder of the files.
        known: The frames.
        log: Receives what was scaled and what is not used.
        annotated: What the boxes belong to, if it is not a single frame.

    Returns:
        The rows with scaled boxes, without those of rejected files or trials.
    """
    declared = _with_true_sizes(sizes, known)
    differ = (declared[_SIZES].to_numpy() != declared[_TRUE].to_numpy()).any(axis=1)
    if not differ.any():
        return rows
    one_each = "file" in declared and not declared["file"].duplicated().any()
    unit = "trial_id" if one_each or "file" not in declared else "file"
    rejected: set[str] = set()
    factors = np.ones((len(known.frames), 2))
    frame_rows = known.rows_of_names(rows.boxes["frame"])
    boxes_of = _rows_by_trial(rows.boxes, frame_rows, unit, known)
    for (key, trial), group in declared[declared["trial_id"].isin(declared["trial_id"][differ])].groupby(
        [unit, "trial_id"]
    ):
        own = boxes_of.get((key, trial), np.empty(0, np.intp))
        if not _fits(group, rows.boxes.iloc[own], frame_rows[own]):
            rejected.add(str(key))
            continue
        factors[group["frame_row"]] = group[_TRUE].to_numpy() / group[_SIZES].to_numpy()
        if (group[_SIZES].to_numpy() != group[_TRUE].to_numpy()).any():
            _report_scaled(group.iloc[0], str(trial), path if unit == "trial_id" else str(key), len(own), log)
    _report_rejected(declared[declared[unit].isin(rejected) & differ], path, log, annotated)
    kept = [_kept(table, unit, rejected, known) for table in (rows.boxes, rows.without_tool)]
    boxes = rows.boxes[kept[0]]
    scale = np.tile(factors[np.maximum(frame_rows[kept[0]], 0)], 2)
    scaled = boxes[list(CORNERS)].to_numpy(np.float64) * scale
    return BoxRows(boxes.assign(**dict(zip(CORNERS, scaled.T, strict=True))), rows.without_tool[kept[1]])


def _with_true_sizes(sizes: pd.DataFrame, known: KnownFrames) -> pd.DataFrame:
    """Add frame_row, trial_id, trial_width and trial_height; keep only frames whose true size is known."""
    rows = known.rows_of_names(sizes["frame"])
    usable = (rows >= 0) & (sizes["width"] > 0).to_numpy() & (sizes["height"] > 0).to_numpy()
    declared, rows = sizes[usable], rows[usable]
    true = known.sizes(rows)
    declared = declared.assign(
        frame_row=rows, trial_id=_trial_of(rows, known), trial_width=true[:, 0], trial_height=true[:, 1]
    )
    return declared.take(np.flatnonzero(~np.isnan(true).any(axis=1)))


def _trial_of(frame_rows: NDArray[np.intp], known: KnownFrames) -> NDArray[np.object_]:
    """Return the trial of each row; for -1, the trial of the last frame."""
    trials: NDArray[np.object_] = known.frames["trial_id"].to_numpy(dtype=object)[frame_rows]
    return trials


def _rows_by_trial(
    boxes: pd.DataFrame, frame_rows: NDArray[np.intp], unit: str, known: KnownFrames
) -> dict[Any, NDArray[np.intp]]:
    """Return the row numbers of the boxes of each unit and trial."""
    trials = _trial_of(frame_rows, known)
    keys = pd.DataFrame({"unit": trials if unit == "trial_id" else boxes["file"].to_numpy(), "trial": trials})
    groups = keys[frame_rows >= 0].groupby(["unit", "trial"]).indices
    numbers = np.flatnonzero(frame_rows >= 0)
    return {key: numbers[np.asarray(own, np.intp)] for key, own in groups.items()}


def _fits(group: pd.DataFrame, boxes: pd.DataFrame, frame_rows: NDArray[np.intp]) -> bool:
    """Return whether one factor fits all frames and boxes of a trial."""
    pairs = group[_SIZES + _TRUE].drop_duplicates().to_numpy()
    width, height, true_width, true_height = pairs.T
    ratios = pairs[:, 2:] / pairs[:, :2]
    off = np.minimum(np.abs(ratios[:, 0] * height - true_height), np.abs(ratios[:, 1] * width - true_width))
    one_factor = bool(np.isclose(ratios, ratios[0]).all() and (off <= _TOLERANCE).all())
    if not one_factor or not np.isin(frame_rows, group["frame_row"]).all():
        return False
    declared = group.drop_duplicates("frame_row").set_index("frame_row").loc[frame_rows, _SIZES].to_numpy()
    corners = boxes[list(CORNERS)].to_numpy(np.float64)
    return not (np.nan_to_num(corners[:, 2:]) > declared + _TOLERANCE).any()


def _report_scaled(first: pd.Series, trial: str, path: str, count: int, log: ProblemLog) -> None:
    factors = [f"{first[true] / first[own]:.4g}" for own, true in zip(_SIZES, _TRUE, strict=True)]
    made, size = (f"{first[names[0]]:.0f}x{first[names[1]]:.0f}" for names in (_SIZES, _TRUE))
    log.add(
        annotation_kinds.SCALED_BOXES,
        path,
        count=count,
        trial_id=trial,
        made=made,
        size=size,
        factors=" and ".join(factors),
    )
    meaning = f"The boxes of trial {trial} are scaled by {' and '.join(factors)}, from {made} to {size} pixels."
    log.add_evidence(path, meaning, "The file gives this size for all their frames, and the boxes lie within it.")


def _report_rejected(wrong: pd.DataFrame, path: str, log: ProblemLog, annotated: str) -> None:
    wrong = wrong.assign(annotated=annotated or wrong["frame"])
    log.add_rows(annotation_kinds.OTHER_FRAME_SIZE, path, wrong.drop_duplicates([*_SIZES, *_TRUE, "annotated"]))


def _kept(table: pd.DataFrame, unit: str, rejected: set[str], known: KnownFrames) -> NDArray[np.bool_]:
    """Return a mask of the rows of files, or trials, that are used."""
    if unit == "file":
        return ~table["file"].isin(rejected).to_numpy(bool)
    frame_rows = known.rows_of_names(table["frame"])
    return ~((frame_rows >= 0) & np.isin(_trial_of(frame_rows, known), list(rejected)))
