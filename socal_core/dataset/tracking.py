"""A plain tracker: which boxes of a trial show the same tool over time."""

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

PATIENCE = 3
"""Frames that a tool may be out of sight and still be the same one."""
MAX_DISTANCE = 2.0
"""Farthest that a centre may jump between sightings, in mean box diagonals of the two boxes.

At one frame a second a tool easily leaves its old place, so overlap alone would end most tracks.
"""

_CORNERS = ["x1", "y1", "x2", "y2"]


def with_track_ids(boxes: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The boxes of one trial with a track_id (Int64) each, and where the ids come from: "file" or "tracker".

    The folder's own ids are kept when every box has one. Else boxes of one label are linked from frame to frame;
    ids count from 1 in the order of appearance, and two boxes of a frame never share one.
    """
    if len(boxes) and boxes["track_id"].notna().all():
        return boxes.copy(), "file"
    local = np.zeros(len(boxes), dtype=np.int64)
    order = np.argsort(boxes["position"].to_numpy(), kind="stable")
    labels, names = pd.factorize(boxes["label"])
    for label in range(len(names)):
        rows = order[labels[order] == label]
        corners = boxes[_CORNERS].to_numpy(np.float64)[rows]
        local[rows] = _link(corners, boxes["position"].to_numpy()[rows])
    keys = pd.MultiIndex.from_arrays([labels[order], local[order]])
    ids = np.empty(len(boxes), dtype=np.int64)
    ids[order] = pd.factorize(keys)[0] + 1
    return boxes.assign(track_id=pd.array(ids, dtype="Int64")), "tracker"


def matching_cost(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cost of taking each new box for each old one, from 0 (same place) up; inf where the jump is too far.

    Both (n, 4) corners in pixels; the result is (old, new): (1 - IoU) + centre distance in mean diagonals.
    """
    low = np.maximum(old[:, None, :2], new[None, :, :2])
    high = np.minimum(old[:, None, 2:], new[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(axis=-1)
    old_size, new_size = old[:, 2:] - old[:, :2], new[:, 2:] - new[:, :2]
    union = old_size.prod(axis=1)[:, None] + new_size.prod(axis=1)[None, :] - overlap
    centre_distance = np.linalg.norm(
        (old[:, None, :2] + old[:, None, 2:] - new[None, :, :2] - new[None, :, 2:]) / 2, axis=-1
    )
    diagonals = (np.linalg.norm(old_size, axis=1)[:, None] + np.linalg.norm(new_size, axis=1)[None, :]) / 2
    distance = centre_distance / diagonals
    return np.where(distance <= MAX_DISTANCE, 1 - overlap / union + distance, np.inf)


def _link(corners: NDArray[np.float64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Track number of each box of one label; corners (n, 4) and positions (n,) in time order."""
    numbers = np.empty(len(corners), dtype=np.int64)
    last_row: list[int] = []  # of each track: the row of its last box
    starts = [*np.flatnonzero(np.diff(positions, prepend=-1)), len(positions)]
    for start, end in pairwise(starts):
        now = positions[start]
        alive = [track for track, row in enumerate(last_row) if now - positions[row] <= PATIENCE + 1]
        continued = _assign(corners[[last_row[track] for track in alive]], corners[start:end])
        for row, old in enumerate(continued, start=start):
            if old >= 0:
                numbers[row] = alive[old]
                last_row[alive[old]] = row
            else:
                numbers[row] = len(last_row)
                last_row.append(row)
    return numbers


def _assign(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which old box each new one continues, -1 for none: as many pairs as can be, at the least total cost."""
    cost = matching_cost(old, new)
    impossible = 1e6  # the solver needs finite costs
    rows, columns = linear_sum_assignment(np.where(np.isfinite(cost), cost, impossible))
    continued = np.full(len(new), -1, dtype=np.int64)
    continued[columns] = np.where(np.isfinite(cost[rows, columns]), rows, -1)
    return continued
