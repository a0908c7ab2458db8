"""How tools move in a trial: simple features of boxes, as in published work on instrument metrics."""

import numpy as np
import pandas as pd

from socal_core.annotations.tracker import track_all

FIRST_SEEN = ("muscle", "cottonoid")
"""The labels whose first second is a feature: what the surgeon uses to stop the bleeding."""


def tool_motion(boxes: pd.DataFrame, frames: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """Compute how tools move in the frames that a model may see.

    Boxes are joined over time by the track ids of the data, or by the tracker where there are none. It sees only the
    boxes in these frames.

    Args:
        boxes: The boxes of a data set; those in other frames are ignored.
        frames: The frames to use, with columns frame, trial_id, second, width and height (pixels, NA if unknown).
        ids: The ids of the trials.

    Returns:
        One row per trial of `ids`, with these columns for each label:

        - `LABEL share`: fraction of the frames with the label.
        - `LABEL speed`: distance that the centres of its boxes move, per second between the boxes of a track. Distances
          are fractions of the width and of the height of the frame.
        - `LABEL area`: mean area of its boxes, as a fraction of the frame.

        Then `muscle first` and `cottonoid first`, the first second of the trial in which they are seen, and `overlap`,
        the mean IoU of the boxes of two labels in a frame, of each label the largest box. NaN for what is not seen, or
        depends on an unknown size. There is no column if no frame has a box.
    """
    seen = boxes.merge(frames[["frame", "second", "width", "height"]], on="frame")
    seen = seen[seen["trial_id"].isin(ids)].reset_index(drop=True)
    if seen.empty:
        return pd.DataFrame(index=ids)
    placed = _placed(track_all(seen))
    by_label = placed.groupby(["trial_id", "label"])
    first = by_label["second"].min().unstack("label")
    parts = {
        "share": _shares(placed, frames),
        "speed": _speeds(placed),
        "area": by_label["area"].mean().unstack("label"),
        "first": first[[label for label in FIRST_SEEN if label in first]],
    }
    named = [table.add_suffix(f" {name}") for name, table in parts.items()]
    overlap = _overlaps(placed).rename("overlap")
    return pd.concat([*named, overlap], axis="columns").reindex(ids).astype("float64")


def _placed(boxes: pd.DataFrame) -> pd.DataFrame:
    """Add edges, the centre (x, y) and the area as fractions of the frame; NaN if its size is unknown."""
    width, height = boxes["width"].astype("float64"), boxes["height"].astype("float64")
    left, right, top, bottom = boxes["x1"] / width, boxes["x2"] / width, boxes["y1"] / height, boxes["y2"] / height
    return boxes.assign(
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        x=(left + right) / 2,
        y=(top + bottom) / 2,
        area=(right - left) * (bottom - top),
    )


def _shares(boxes: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Return the fraction of frames with each label, 0 if a trial never shows it."""
    shown = boxes[["trial_id", "frame", "label"]].drop_duplicates().groupby(["trial_id", "label"]).size()
    per_trial = frames.groupby("trial_id").size()
    return shown.unstack("label").reindex(per_trial.index).fillna(0).div(per_trial, axis="index")


def _speeds(boxes: pd.DataFrame) -> pd.DataFrame:
    """Return the length of the paths of each label, divided by the seconds that they take."""
    ordered = boxes.sort_values(["trial_id", "label", "track_id", "second"], kind="stable")
    steps = ordered.groupby(["trial_id", "label", "track_id"])[["x", "y", "second"]].diff()
    moved = ordered[["trial_id", "label"]].assign(length=np.hypot(steps["x"], steps["y"]), seconds=steps["second"])
    sums = moved.dropna().groupby(["trial_id", "label"])[["length", "seconds"]].sum()
    return (sums["length"] / sums["seconds"].where(sums["seconds"] > 0)).unstack("label")


def _overlaps(boxes: pd.DataFrame) -> pd.Series:
    """Return the mean IoU of the largest boxes of each two labels in a frame, by trial."""
    largest = boxes.sort_values("area", ascending=False, kind="stable").drop_duplicates(["frame", "label"])
    edges = largest[["trial_id", "frame", "label", "left", "right", "top", "bottom", "area"]]
    pairs = edges.merge(edges, on=["trial_id", "frame"], suffixes=("", "_2"))
    pairs = pairs[pairs["label"] < pairs["label_2"]]
    across = pairs[["right", "right_2"]].min(axis=1, skipna=False) - pairs[["left", "left_2"]].max(axis=1, skipna=False)
    down = pairs[["bottom", "bottom_2"]].min(axis=1, skipna=False) - pairs[["top", "top_2"]].max(axis=1, skipna=False)
    common = across.clip(lower=0) * down.clip(lower=0)
    iou = common / (pairs["area"] + pairs["area_2"] - common)
    return iou.groupby(pairs["trial_id"]).mean()
