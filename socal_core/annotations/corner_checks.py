"""Check that the numbers of boxes mean what their format says: corners or sizes, pixels of these frames or of others.

A box alone never tells. If the boxes of a file do not fit their frames as the format defines them, and all of them fit
in another way, both ways are possible, and none is used.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.rows import CORNERS, BoxRows, KnownFrames
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds
from socal_core.dataset.problems import ProblemLog

STORED_CORNERS, STORED_SIZES, STORED_CENTRES = "x1, y1, x2, y2", "x, y, width, height", "centre and size"
"""What formats store of a box."""
_FEWEST = 0.1
"""The fraction of boxes that must not fit; a few may be mistakes."""
_PIXELS = 2
"""How far a box may extend beyond its frame, as some tools allow."""

Boxes = NDArray[np.float64]


def with_certain_numbers(
    rows: BoxRows, stored: str, path: str, known: KnownFrames, log: ProblemLog, sized: pd.Series | None = None
) -> BoxRows:
    """Leave out boxes whose numbers may mean something else than the format says, or scale them.

    Args:
        rows: The boxes of a file, or of a folder of files, with exact names of frames.
        stored: What the format stores of a box.
        path: The file or folder, for problems.
        known: The frames, and the sizes that the outcomes file states.
        log: Receives the problems and the evidence.
        sized: The frames whose size the file gives, so that it is certain.
    """
    measured = _measure(rows, known)
    if not len(measured.corners):
        return rows
    if not _means_what_is_stored(measured, stored, path, len(rows.boxes), log):
        return BoxRows(rows.boxes[:0], rows.without_tool)
    if stored == STORED_CENTRES or (sized is not None and rows.boxes["frame"].isin(sized).all()):
        return rows
    return _of_certain_size(rows, measured, path, known, log, sized)


class _Measured(NamedTuple):
    """The boxes in frames of known size."""

    corners: Boxes
    sizes: Boxes
    at: NDArray[np.intp]
    """Their positions among all boxes."""
    frame_rows: NDArray[np.intp]
    """The rows of their frames."""


def _means_what_is_stored(measured: _Measured, stored: str, path: str, count: int, log: ProblemLog) -> bool:
    """Return whether the numbers have no other meaning; if they may, report a problem."""
    corners, sizes = measured.corners, measured.sizes
    if stored != STORED_CENTRES and _are_fractions(corners):
        log.add(box_kinds.RELATIVE_CORNERS, path, count=count)
        return False
    wrong = _inverted(corners) if stored == STORED_CORNERS else _beyond(corners, sizes)
    least = 2 if stored == STORED_CORNERS else 1  # an inverted box is left out anyway
    if wrong.sum() < max(least, _FEWEST * len(wrong)):
        return True
    other = next((name for name, read in _others(stored, corners).items() if _fit(read, sizes)), "")
    if not other:
        return True
    kind = box_kinds.OTHER_NUMBERS
    log.add(kind, path, count=count, stored=stored, wrong=int(wrong.sum()), boxes=len(wrong), other=other)
    return False


def _of_certain_size(
    rows: BoxRows, measured: _Measured, path: str, known: KnownFrames, log: ProblemLog, sized: pd.Series | None
) -> BoxRows:
    """Leave out the boxes of trials that may have been annotated on frames of another size, or scale them."""
    corners, sizes, at, frame_rows = measured
    if sized is not None:
        open_ = ~rows.boxes["frame"].iloc[at].isin(sized).to_numpy(bool)
        corners, sizes, at, frame_rows = corners[open_], sizes[open_], at[open_], frame_rows[open_]
    trials, found = pd.factorize(known.frames["trial_id"].take(frame_rows))
    names = list(map(str, found))
    beyond = _beyond(corners, sizes)
    doubtful = np.bincount(trials, beyond, len(names)) > 0
    doubtful |= np.array([known.states_other_size(name) for name in names], bool)
    if not doubtful.any():
        return rows
    factors, used = np.ones((len(rows.boxes), 2)), np.ones(len(rows.boxes), bool)
    for code in np.flatnonzero(doubtful).tolist():
        own = np.flatnonzero(trials == code)
        factor = _factor(names[code], corners[own], sizes[own], beyond[own], path, known, log)
        if factor is None:
            used[at[own]] = False
        else:
            factors[at[own]] = factor
    if used.all() and (factors == 1).all():
        return rows
    scaled = rows.boxes[list(CORNERS)].to_numpy(np.float64) * np.tile(factors, 2)
    boxes = rows.boxes.assign(**dict(zip(CORNERS, scaled.T, strict=True)))
    return BoxRows(boxes[used], rows.without_tool)


def _factor(
    trial: str, corners: Boxes, sizes: Boxes, beyond: NDArray[np.bool_], path: str, known: KnownFrames, log: ProblemLog
) -> NDArray[np.float64] | None:
    """Return the factors across and down by which the boxes of a trial are scaled; None if they must not be used."""
    many = beyond.sum() >= max(2, _FEWEST * len(beyond))
    stated, one_size = known.stated_size(trial), len(np.unique(sizes, axis=0)) == 1
    own = sizes[0]
    if not one_size or np.isnan(stated).any() or (np.abs(stated - own) <= 1).all():
        if many:
            kind, past = annotation_kinds.BOXES_OF_LARGER_FRAMES, int(beyond.sum())
            log.add(kind, path, count=len(corners), trial_id=trial, size=_text(own), beyond=past, boxes=len(beyond))
        return None if many else np.ones(2)
    if not _fit(corners, np.broadcast_to(stated, sizes.shape)):
        return np.ones(2)  # only the frames here are as large, so the size in the outcomes file is wrong
    factor: NDArray[np.float64] = own / stated
    if not beyond.any() or not np.abs(factor[::-1] * stated - own).max() <= 1:
        kind = annotation_kinds.BOXES_OF_TWO_SIZES
        log.add(kind, path, count=len(corners), trial_id=trial, size=_text(own), stated=_text(stated))
        return None
    how = " and ".join(f"{value:.4g}" for value in factor)
    kind, made = annotation_kinds.SCALED_BOXES, _text(stated)
    log.add(kind, path, count=len(corners), trial_id=trial, made=made, size=_text(own), factors=how)
    basis = f"The outcomes state {_text(stated)} pixels; all boxes fit these and some do not fit the frames here."
    log.add_evidence(path, f"The boxes of trial {trial} are scaled by {how} to {_text(own)} pixels.", basis)
    return factor


def _measure(rows: BoxRows, known: KnownFrames) -> _Measured:
    frame_rows = known.rows_of_names(rows.boxes["frame"])
    corners = rows.boxes[list(CORNERS)].to_numpy(np.float64)
    at = np.flatnonzero((frame_rows >= 0) & np.isfinite(corners).all(axis=1))
    sizes = known.sizes(frame_rows[at])
    certain = ~np.isnan(sizes).any(axis=1)
    at = at[certain]
    return _Measured(corners[at], sizes[certain], at, frame_rows[at])


def _are_fractions(corners: Boxes) -> bool:
    within = ((corners >= -0.1) & (corners <= 1.1)).all()  # some tools let a box extend a little beyond its frame
    return bool(within and (corners % 1 != 0).any())


def _inverted(corners: Boxes) -> NDArray[np.bool_]:
    return np.asarray((corners[:, 2:] < corners[:, :2]).any(axis=1))


def _beyond(corners: Boxes, sizes: Boxes) -> NDArray[np.bool_]:
    past = (corners[:, 2:] > sizes + _PIXELS).any(axis=1) | (corners[:, :2] < -_PIXELS).any(axis=1)
    return np.asarray(past)


def _fit(corners: Boxes, sizes: Boxes) -> bool:
    """Return whether all corners are those of boxes inside their frames."""
    inside = (corners[:, :2] >= -1) & (corners[:, 2:] <= sizes + 1) & (corners[:, 2:] > corners[:, :2])
    return bool(inside.all())


def _others(stored: str, corners: Boxes) -> dict[str, Boxes]:
    """Return the corners of the boxes if their numbers have another meaning, by that meaning."""
    start, end = corners[:, :2], corners[:, 2:]
    if stored == STORED_CORNERS:
        return {STORED_SIZES: np.concatenate([start, start + end], axis=1)}
    first, extent = (start, end - start) if stored == STORED_SIZES else ((start + end) / 2, end - start)
    others = {STORED_CORNERS: np.concatenate([first, extent], axis=1)}
    if stored == STORED_CENTRES:
        others[STORED_SIZES] = np.concatenate([first, first + extent], axis=1)
    return others


def _text(size: NDArray[np.float64]) -> str:
    return "unknown" if np.isnan(size).any() else f"{size[0]:.0f}x{size[1]:.0f}"
