"""Pair the boxes of two annotations within each frame, and tell how the two boxes of a pair differ."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from socal_core.annotations.rows import CORNERS

KINDS = ("exact", "rounding", "shifted", "renamed", "missing", "extra")
"""Equal; within a pixel at each corner; further apart, but overlapping; within a pixel, but with another label; only in
the first annotation; only in the second."""
ROUNDING = 1
"""The difference between the same corners of two boxes that rounding explains, in pixels."""
LEAST_OVERLAP = 0.5
"""The intersection over union from which two boxes with the same label may be one box, shifted."""
MOST_BOXES = 200
"""In a frame with more differing boxes, only equal boxes are paired. SOCAL's frames have about five boxes."""

_PAIRS_AT_ONCE = 1_000_000
_CODES = ["frame_code", "label", *CORNERS]


def pair_boxes(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Pair the boxes of two annotations of the same frames.

    Equal boxes are paired first, then boxes within a pixel, then renamed boxes, then shifted boxes by the largest
    overlap (Hungarian method).

    Args:
        first: Boxes as in `Dataset`.
        second: Boxes as in `Dataset`.

    Returns:
        One row per pair or single box: first, second (int64, the row in each table from 0, -1 if there is none), kind
        (of KINDS), difference (float64, largest distance in pixels between the same corners; NaN for a single box).
    """
    left, right = _coded(first, second)
    found = [_equal(left, right)]
    for some in _candidates(_unpaired(left, "first", found), _unpaired(right, "second", found)):
        found += _by_likeness(some)
    single = [
        pd.DataFrame({"first": _unpaired(left, "first", found).index, "second": -1, "kind": "missing"}),
        pd.DataFrame({"first": -1, "second": _unpaired(right, "second", found).index, "kind": "extra"}),
    ]
    pairs = pd.concat([*found, *single], ignore_index=True)[["first", "second", "kind", "difference"]]
    return pairs.astype({"first": "int64", "second": "int64", "kind": "str", "difference": "float64"})


def crowded_frames(pairs: pd.DataFrame, first: pd.DataFrame, second: pd.DataFrame) -> int:
    """Count the frames with so many differing boxes that only equal boxes were paired."""
    missing, extra = (pairs[pairs["kind"] == kind] for kind in ("missing", "extra"))
    counts = [
        first["frame"].take(missing["first"].to_numpy()).value_counts(),
        second["frame"].take(extra["second"].to_numpy()).value_counts(),
    ]
    return len(set().union(*(count.index[count > MOST_BOXES] for count in counts)))


def _coded(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Encode both tables as numbers: frame_code, label, corners, and `again`, which counts equal boxes from 0."""
    both = pd.concat([first, second], ignore_index=True)
    codes = both[list(CORNERS)].assign(frame_code=pd.factorize(both["frame"])[0], label=pd.factorize(both["label"])[0])
    codes = codes[_CODES].astype("int64")
    tables = codes.iloc[: len(first)], codes.iloc[len(first) :].reset_index(drop=True)
    return tuple(table.assign(again=table.groupby(_CODES).cumcount()) for table in tables)  # type: ignore[return-value]


def _equal(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    on = [*_CODES, "again"]
    pairs = left.rename_axis("first").reset_index().merge(right.rename_axis("second").reset_index(), on=on)
    return pairs[["first", "second"]].assign(kind="exact", difference=0.0)


def _unpaired(boxes: pd.DataFrame, column: str, found: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the boxes of one annotation that are in no pair yet."""
    free = np.ones(len(boxes), dtype=bool)
    for pairs in found:
        free[pairs[column].to_numpy()] = False
    return boxes[free]


def _candidates(left: pd.DataFrame, right: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield all pairs of boxes of the same frame, some frames at a time to limit memory."""
    counts = pd.DataFrame(
        {"left": left["frame_code"].value_counts(), "right": right["frame_code"].value_counts()}
    ).dropna()
    counts = counts[(counts <= MOST_BOXES).all(axis=1)].sort_index()
    part = (counts["left"] * counts["right"]).cumsum() // _PAIRS_AT_ONCE
    for frames in part.groupby(part).groups.values():
        own = [boxes[boxes["frame_code"].isin(frames)] for boxes in (left, right)]
        tables = [boxes.rename_axis(name).reset_index() for boxes, name in zip(own, ("first", "second"), strict=True)]
        yield tables[0].merge(tables[1], on="frame_code", suffixes=("", "_second"))


def _by_likeness(pairs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield those of all pairs that show the same box, kind by kind: first, second, kind, difference."""
    corners = pairs[list(CORNERS)].to_numpy(np.float64)
    others = pairs[[f"{name}_second" for name in CORNERS]].to_numpy(np.float64)
    difference = np.abs(corners - others).max(axis=1)
    near, alike = difference <= ROUNDING, (pairs["label"] == pairs["label_second"]).to_numpy()
    overlap = _overlap(corners, others)
    nearness = 2 + ROUNDING - difference  # prefer nearer pairs, but prefer two pairs to a single nearer one
    pairs = pairs[["first", "second", "frame_code"]].assign(difference=difference)
    free = np.ones(len(pairs), dtype=bool)
    for kind, allowed, gain in (
        ("rounding", near & alike, nearness),
        ("renamed", near & ~alike, nearness),
        ("shifted", alike & (overlap >= LEAST_OVERLAP), overlap),
    ):
        chosen = _assign(pairs.assign(gain=gain)[free & allowed])
        yield chosen[["first", "second", "difference"]].assign(kind=kind)
        free &= ~(pairs["first"].isin(chosen["first"]) | pairs["second"].isin(chosen["second"])).to_numpy()


def _overlap(corners: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the intersection over union of each box with the other of its row; (n, 4) and (n, 4) to (n,)."""
    low, high = np.maximum(corners[:, :2], others[:, :2]), np.minimum(corners[:, 2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (corners, others)]
    overlap: NDArray[np.float64] = shared / (areas[0] + areas[1] - shared)
    return overlap


def _assign(pairs: pd.DataFrame) -> pd.DataFrame:
    """Choose pairs with the largest total `gain` (> 0) so that no box occurs twice."""
    alone = ~pairs.duplicated("first", keep=False) & ~pairs.duplicated("second", keep=False)
    chosen = [pairs[alone]]
    for _, frame in pairs[~alone].groupby("frame_code", sort=False):
        (rows, firsts), (columns, seconds) = pd.factorize(frame["first"]), pd.factorize(frame["second"])
        gains = np.zeros((len(firsts), len(seconds)))
        gains[rows, columns] = frame["gain"]
        taken = np.zeros(gains.shape, dtype=bool)
        taken[linear_sum_assignment(gains, maximize=True)] = True
        chosen.append(frame[taken[rows, columns]])
    return pd.concat(chosen)
