"""A plain tracker: which boxes of a trial show the same tool over time.

Boxes of one label are linked from frame to frame by the Hungarian method on overlap and centre distance. What else was
tried did not help at one frame a second, where tools jump: a predicted place (constant velocity) ends tracks, a cost
for a change of size changes nothing. The constants were chosen on the demo of seeds 1 to 3; `benchmarks/tracking.py`
measures the tracker on others.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

TRACKER_VERSION = 3
"""Raised whenever the same boxes would get other ids: whoever keeps ids on disk asks for it."""
PATIENCE = 3
"""Frames that a tool may be out of sight and still be the same one, unless it was being withdrawn.

Real tools are hidden for two to five frames; but the longer the patience, the more tools are taken for the one before.
"""
WITHDRAWN = 0.6
"""A tool whose last box has less than this share of its track's largest diagonal was being withdrawn.

A tool that leaves the view gets smaller before it goes, and what comes back later is taken for another; one that blood
or another tool hides at once vanishes at its size. Without this rule the patience costs 0.03 of IDF1 on the demo. 0.6
and 0.7 do equally well there, 0.5 loses 0.002.
"""
MAX_DISTANCE = 3.0
"""Farthest that a centre may jump between sightings, in mean box diagonals of the two boxes.

At one frame a second a tool easily leaves its old place, so overlap alone would end most tracks. Nine jumps in ten stay
below 0.4 and all below 2.6; larger limits change nothing.
"""
SMALLEST_DIAGONAL = 1.0
"""Pixels that a diagonal counts at least, so that a box without extent has a scale too."""

MOST_PAIRS = 250_000
"""Old times new boxes of one label between two frames, 500 of each, beyond which none is linked.

No operation shows 500 tools of a kind, but a damaged or hostile file may hold 100,000 boxes in a frame: costs take 100
bytes a pair, a terabyte for two such frames, and the time of the Hungarian method grows with the cube. Each box beyond
is then a track of its own.
"""

_CORNERS = ["x1", "y1", "x2", "y2"]


def track_all(boxes: pd.DataFrame) -> pd.DataFrame:
    """The boxes of a whole data set, same rows in the same order, with track_id (Int64) and track_source (str).

    Each trial is tracked alone. Where every box of it has an id of the folder's own, these are kept and track_source is
    "file". Else it is "tracker": boxes of one label are linked from frame to frame, ids count from 1 in the order of
    appearance, and two boxes of a frame never share one.
    """
    has_ids = boxes["track_id"].notna()
    from_file = has_ids.groupby(boxes["trial_id"]).transform("all").to_numpy(dtype=bool)
    loose = boxes[~from_file]
    ids = boxes["track_id"].array.copy()
    ids[~from_file] = _track(loose, pd.factorize(loose["trial_id"])[0])
    source = pd.Series(np.where(from_file, "file", "tracker"), index=boxes.index, dtype="str")
    return boxes.assign(track_id=ids, track_source=source)


def matching_cost(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cost of taking each new box for each old one, from 0 (same place) up; inf where the jump is too far.

    Both (n, 4) corners in pixels; the result is (old, new): (1 - IoU) + centre distance in mean diagonals.
    """
    low = np.maximum(old[:, None, :2], new[None, :, :2])
    high = np.minimum(old[:, None, 2:], new[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(axis=-1)
    old_area, new_area = (old[:, 2:] - old[:, :2]).prod(axis=1), (new[:, 2:] - new[:, :2]).prod(axis=1)
    union = old_area[:, None] + new_area[None, :] - overlap
    (old_centre, old_diagonal), (new_centre, new_diagonal) = _place(old), _place(new)
    gap = old_centre[:, None] - new_centre[None, :]
    distance = 2 * np.hypot(gap[..., 0], gap[..., 1]) / (old_diagonal[:, None] + new_diagonal[None, :])
    cost = 1 - overlap / np.where(union > 0, union, 1) + distance
    return np.where(distance <= MAX_DISTANCE, cost, np.inf)


@dataclass(slots=True)
class _Track:
    """A tool that may still be continued."""

    number: int
    row: int
    """Of its last box."""
    largest: float
    """Its largest diagonal so far, in pixels."""
    until: int
    """The last position at which a box may continue it."""


def _track(boxes: pd.DataFrame, trials: NDArray[np.int64]) -> NDArray[np.int64]:
    """A track id for each box, counted from 1 in each trial in the order of appearance; trials: a number a box."""
    labels, names = pd.factorize(boxes["label"], use_na_sentinel=False)
    groups = trials * max(len(names), 1) + labels
    positions = boxes["position"].to_numpy(np.int64)
    corners = boxes[_CORNERS].to_numpy(np.float64)
    # By corners too: the order of a frame's rows must not decide a tie.
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
    """Track number of each box; rows in the order of groups (a label of a trial each), then of time.

    Most frames have one box that can continue one track: these pass without numpy, which costs most of the time.
    """
    centres, diagonals = _place(corners)
    x, y, size = centres[:, 0].tolist(), centres[:, 1].tolist(), diagonals.tolist()
    starts = np.flatnonzero((np.diff(groups, prepend=-1) != 0) | (np.diff(positions, prepend=-1) != 0)).tolist()
    at, group_of = positions.tolist(), groups.tolist()
    numbers: list[int] = []
    started, group, alive = 0, -1, list[_Track]()
    for start, end in pairwise([*starts, len(corners)]):
        now = at[start]
        alive = [track for track in alive if now <= track.until] if group_of[start] == group else []
        group = group_of[start]
        if len(alive) == 1 and end - start == 1:
            last = alive[0].row
            jump = ((x[last] - x[start]) ** 2 + (y[last] - y[start]) ** 2) ** 0.5
            continued = [0 if 2 * jump <= MAX_DISTANCE * (size[last] + size[start]) else -1]
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


def _place(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (n, 2) and diagonals (n,) of boxes, in pixels."""
    extent = corners[:, 2:] - corners[:, :2]
    return corners[:, :2] + extent / 2, np.maximum(np.hypot(extent[:, 0], extent[:, 1]), SMALLEST_DIAGONAL)


def _assign(old: NDArray[np.float64], new: NDArray[np.float64]) -> list[int]:
    """Which old box each new one continues, -1 for none: as many pairs as can be, at the least total cost."""
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
