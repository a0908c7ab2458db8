"""A simple tracker: find the boxes of a trial that show the same tool over time.

The Hungarian method links boxes of one label from frame to frame by overlap and centre distance. Two refinements were
tried and did not help at one frame per second, where tools jump: a predicted position (constant velocity) ends tracks,
and a cost for a change of size has no effect. The constants were chosen on the demo with seeds 1 to 3;
`benchmarks/tracking.py` evaluates the tracker on other seeds.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

TRACKER_VERSION = 3
"""Increase it whenever the same boxes would get other ids: cached ids depend on it."""
PATIENCE = 3
"""The number of frames that a tool may be hidden and still keep its track, unless it was being withdrawn.

Real tools are hidden for two to five frames; but with more patience, more tools are mistaken for an earlier one.
"""
WITHDRAWN = 0.6
"""A tool was being withdrawn if its last diagonal is less than this fraction of the largest in its track.

A tool that leaves the view gets smaller first, and a tool that enters later gets a new track; a tool that blood or
another tool hides disappears at full size. Without this rule, the patience costs 0.03 of IDF1 on the demo. 0.6 and 0.7
do equally well there, 0.5 loses 0.002.
"""
MAX_DISTANCE = 3.0
"""The largest distance that a centre may move between two boxes of a track, in mean diagonals of the two boxes.

At one frame per second, the boxes of a tool often do not overlap, so overlap alone would end most tracks. Nine moves in
ten are below 0.4 and all are below 2.6; larger limits have no effect.
"""
SMALLEST_DIAGONAL = 1.0
"""The least diagonal in pixels to divide by, so that a box without extent has a scale, too."""

MOST_PAIRS = 250_000
"""The largest number of pairs of boxes of one label in two frames (500 boxes each); with more, none is linked.

No operation shows 500 tools of a kind, but a damaged or malicious file may have 100,000 boxes in a frame. The costs
take 100 bytes per pair, a terabyte for two such frames, and the time of the Hungarian method grows with the cube.
Beyond the limit, each box starts a new track.
"""

_CORNERS = ["x1", "y1", "x2", "y2"]


def track_all(boxes: pd.DataFrame) -> pd.DataFrame:
    """Give each box of a data set a track id.

    Each trial is tracked separately. If all its boxes have an id from the data folder, these are kept. Otherwise, boxes
    of one label are linked from frame to frame, ids count from 1 in the order of appearance, and two boxes of a frame
    never share an id.

    Args:
        boxes: Boxes as in `Dataset`.

    Returns:
        The same rows in the same order, with track_id (Int64) and track_source (str, "file" or "tracker").
    """
    has_ids = boxes["track_id"].notna()
    from_file = has_ids.groupby(boxes["trial_id"]).transform("all").to_numpy(dtype=bool)
    loose = boxes[~from_file]
    ids = boxes["track_id"].array.copy()
    ids[~from_file] = _track(loose, pd.factorize(loose["trial_id"])[0])
    source = pd.Series(np.where(from_file, "file", "tracker"), index=boxes.index, dtype="str")
    return boxes.assign(track_id=ids, track_source=source)


def matching_cost(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the cost of linking each old box to each new box.

    Args:
        old: Corners in pixels; (old, 4).
        new: Corners in pixels; (new, 4).

    Returns:
        (1 - IoU) + centre distance in mean diagonals, 0 for equal boxes, inf if they are too far apart; (old, new).
    """
    low = np.maximum(old[:, None, :2], new[None, :, :2])
    high = np.minimum(old[:, None, 2:], new[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(axis=-1)
    old_area, new_area = (old[:, 2:] - old[:, :2]).prod(axis=1), (new[:, 2:] - new[:, :2]).prod(axis=1)
    union = old_area[:, None] + new_area[None, :] - overlap
    (old_centre, old_diagonal), (new_centre, new_diagonal) = _centres_and_diagonals(old), _centres_and_diagonals(new)
    gap = old_centre[:, None] - new_centre[None, :]
    distance = 2 * np.hypot(gap[..., 0], gap[..., 1]) / (old_diagonal[:, None] + new_diagonal[None, :])
    cost = 1 - overlap / np.where(union > 0, union, 1) + distance
    return np.where(distance <= MAX_DISTANCE, cost, np.inf)


@dataclass(slots=True)
class _Track:
    """A track that later boxes may continue."""

    number: int
    row: int
    """The row of its last box."""
    largest: float
    """Its largest diagonal so far, in pixels."""
    until: int
    """The last position at which a box may continue it."""


def _track(boxes: pd.DataFrame, trials: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a track id for each box, counted from 1 in each trial by appearance; `trials` has a number per box."""
    labels, names = pd.factorize(boxes["label"], use_na_sentinel=False)
    groups = trials * max(len(names), 1) + labels
    positions = boxes["position"].to_numpy(np.int64)
    corners = boxes[_CORNERS].to_numpy(np.float64)
    # Sort by corners, too, so that the order of the rows of a frame does not decide a tie.
    order = np.lexsort([*corners.T, positions, groups])
    tracks = np.empty(len(boxes), dtype=np.int64)
    tracks[order] = _link(corners[order], positions[order], groups[order])
    by_time = np.lexsort([positions, trials])
    appeared = pd.factorize(tracks[by_time])[0]
    _, first, trial = np.unique(trials[by_time], return_index=True, return_inverse=True)
    ids = np.empty(len(boxes), dtype=np.int64)
    ids[by_time] = appeared - appeared[first][trial] + 1
    return ids


def _link(corners: NDArray[np.float64], positions: NDArray[np.int64], groups: NDArray[np.int64]) -> list[int]:
    """Return the track number of each box; rows are sorted by group (one per label and trial), then by time.

    Most frames have one box that can continue one track. They are handled without numpy calls, which would take most of
    the time.
    """
    centres, diagonals = _centres_and_diagonals(corners)
    x, y, size = centres[:, 0].tolist(), centres[:, 1].tolist(), diagonals.tolist()
    starts = np.flatnonzero((np.diff(groups, prepend=-1) != 0) | (np.diff(positions, prepend=-1) != 0)).tolist()
    time_of, group_of = positions.tolist(), groups.tolist()
    numbers: list[int] = []
    started, group, alive = 0, -1, list[_Track]()
    for start, end in pairwise([*starts, len(corners)]):
        now = time_of[start]
        alive = [track for track in alive if now <= track.until] if group_of[start] == group else []
        group = group_of[start]
        if len(alive) == 1 and end - start == 1:
            last = alive[0].row
            distance = ((x[last] - x[start]) ** 2 + (y[last] - y[start]) ** 2) ** 0.5
            continued = [0 if 2 * distance <= MAX_DISTANCE * (size[last] + size[start]) else -1]
        else:
            continued = _assign(corners[[track.row for track in alive]], corners[start:end])
        known = alive.copy()
        for row, old in enumerate(continued, start=start):
            if old < 0:
                track = _Track(started, row, 0.0, now)
                started += 1
                alive.append(track)
            else:
                track = known[old]
            track.row, track.largest = row, max(track.largest, size[row])
            track.until = now + 1 + (PATIENCE if size[row] >= WITHDRAWN * track.largest else 0)
            numbers.append(track.number)
    return numbers


def _centres_and_diagonals(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centres (n, 2) and diagonals (n,) of boxes, in pixels."""
    extent = corners[:, 2:] - corners[:, :2]
    return corners[:, :2] + extent / 2, np.maximum(np.hypot(extent[:, 0], extent[:, 1]), SMALLEST_DIAGONAL)


def _assign(old: NDArray[np.float64], new: NDArray[np.float64]) -> list[int]:
    """Return the old box that each new box continues, -1 for none: as many pairs as possible, at the least cost."""
    continued = [-1] * len(new)
    if not 0 < len(old) * len(new) <= MOST_PAIRS:
        return continued
    cost = matching_cost(old, new)
    impossible = 1e6  # the solver needs finite costs
    finite = np.where(np.isfinite(cost), cost, impossible)
    for row, column in zip(*linear_sum_assignment(finite), strict=True):
        if finite[row, column] < impossible:
            continued[column] = int(row)
    return continued
