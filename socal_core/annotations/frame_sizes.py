"""Boxes that were drawn on frames of another size than those of the data folder: scaled where one factor fits."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.rows import CORNERS, BoxRows, KnownFrames
from socal_core.dataset.problem_kinds import annotation_kinds
from socal_core.dataset.problems import ProblemLog

_SLACK = 1
"""Pixels by which a size may be off from rounding, and a box past the edge of its frame."""
_SIZES, _TRUE = ["width", "height"], ["trial_width", "trial_height"]


def to_frame_sizes(
    rows: BoxRows, sizes: pd.DataFrame, path: str, known: KnownFrames, log: ProblemLog, annotated: str = ""
) -> BoxRows:
    """Scale boxes to the size of their frames.

    In each trial one factor for each axis has to fit all frames and boxes, and the aspect ratio has to agree within
    rounding. A file with a trial where that is not so is not used; Pascal VOC, with a file for each frame, is not used
    for this trial.

    Args:
        rows: The boxes; with a column `file`, each file is judged by itself.
        sizes: The sizes in the files: frame, width, height (float, NaN or 0 where the file does not say) and, as in
            `rows`, file; indexed by line.
        path: The file, or the folder of them.
        known: The frames.
        log: Takes what was scaled and what is not used.
        annotated: What the boxes belong to, where that is more than the frame.

    Returns:
        The rows with scaled boxes, without those of files that are not used.
    """
    said = _with_true_sizes(sizes, known)
    differ = (said[_SIZES].to_numpy() != said[_TRUE].to_numpy()).any(axis=1)
    if not differ.any():
        return rows
    one_each = "file" in said and not said["file"].duplicated().any()
    unit = "trial_id" if one_each or "file" not in said else "file"
    refused: set[str] = set()
    factors = np.ones((len(known.frames), 2))
    places = known.places(rows.boxes["frame"])
    boxes_of = _rows_by_trial(rows.boxes, places, unit, known)
    for (key, trial), group in said[said["trial_id"].isin(said["trial_id"][differ])].groupby([unit, "trial_id"]):
        own = boxes_of.get((key, trial), np.empty(0, np.intp))
        if not _fits(group, rows.boxes.iloc[own], places[own]):
            refused.add(str(key))
            continue
        factors[group["place"]] = group[_TRUE].to_numpy() / group[_SIZES].to_numpy()
        if (group[_SIZES].to_numpy() != group[_TRUE].to_numpy()).any():
            _report_scaled(group.iloc[0], str(trial), path if unit == "trial_id" else str(key), len(own), log)
    _report_refused(said[said[unit].isin(refused) & differ], path, log, annotated)
    kept = [_kept(table, unit, refused, known) for table in (rows.boxes, rows.without_tool)]
    boxes = rows.boxes[kept[0]]
    scale = np.tile(factors[np.maximum(places[kept[0]], 0)], 2)
    scaled = boxes[list(CORNERS)].to_numpy(np.float64) * scale
    return BoxRows(boxes.assign(**dict(zip(CORNERS, scaled.T, strict=True))), rows.without_tool[kept[1]])


def _with_true_sizes(sizes: pd.DataFrame, known: KnownFrames) -> pd.DataFrame:
    """The sizes of frames whose own size is known: with place, trial_id, trial_width and trial_height."""
    places = known.places(sizes["frame"])
    usable = (places >= 0) & (sizes["width"] > 0).to_numpy() & (sizes["height"] > 0).to_numpy()
    said, places = sizes[usable], places[usable]
    true = known.sizes(places)
    said = said.assign(place=places, trial_id=_of_trial(places, known), trial_width=true[:, 0], trial_height=true[:, 1])
    return said.take(np.flatnonzero(~np.isnan(true).any(axis=1)))


def _of_trial(places: NDArray[np.intp], known: KnownFrames) -> NDArray[np.object_]:
    """The trial of each place, that of the last frame for -1."""
    trials: NDArray[np.object_] = known.frames["trial_id"].to_numpy(dtype=object)[places]
    return trials


def _rows_by_trial(
    boxes: pd.DataFrame, places: NDArray[np.intp], unit: str, known: KnownFrames
) -> dict[Any, NDArray[np.intp]]:
    """The row numbers of the boxes of each unit and trial."""
    trials = _of_trial(places, known)
    keys = pd.DataFrame({"unit": trials if unit == "trial_id" else boxes["file"].to_numpy(), "trial": trials})
    groups = keys[places >= 0].groupby(["unit", "trial"]).indices
    numbers = np.flatnonzero(places >= 0)
    return {key: numbers[np.asarray(own, np.intp)] for key, own in groups.items()}


def _fits(group: pd.DataFrame, boxes: pd.DataFrame, places: NDArray[np.intp]) -> bool:
    """Whether the frames of one trial have one factor, which fits all their boxes."""
    pairs = group[_SIZES + _TRUE].drop_duplicates().to_numpy()
    width, height, true_width, true_height = pairs.T
    ratios = pairs[:, 2:] / pairs[:, :2]
    off = np.minimum(np.abs(ratios[:, 0] * height - true_height), np.abs(ratios[:, 1] * width - true_width))
    one_factor = bool(np.isclose(ratios, ratios[0]).all() and (off <= _SLACK).all())
    if not one_factor or not np.isin(places, group["place"]).all():
        return False
    declared = group.drop_duplicates("place").set_index("place").loc[places, _SIZES].to_numpy()
    corners = boxes[list(CORNERS)].to_numpy(np.float64)
    return not (np.nan_to_num(corners[:, 2:]) > declared + _SLACK).any()


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


def _report_refused(wrong: pd.DataFrame, path: str, log: ProblemLog, annotated: str) -> None:
    wrong = wrong.assign(annotated=annotated or wrong["frame"])
    log.add_rows(annotation_kinds.OTHER_FRAME_SIZE, path, wrong.drop_duplicates([*_SIZES, *_TRUE, "annotated"]))


def _kept(table: pd.DataFrame, unit: str, refused: set[str], known: KnownFrames) -> NDArray[np.bool_]:
    """Which rows are of files, or trials, that are used."""
    if unit == "file":
        return ~table["file"].isin(refused).to_numpy(bool)
    places = known.places(table["frame"])
    return ~((places >= 0) & np.isin(_of_trial(places, known), list(refused)))
