"""A visual check that the boxes are on the right frames: the frames to show, and the user's answer."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from socal_core.annotations.rows import CORNERS
from socal_core.dataset.dataset import Dataset
from socal_core.storage import write_json
from socal_core.workspace import workspace

SHOWN = 8
"""The number of frames to show."""


@dataclass(frozen=True)
class Answer:
    """The user's answer."""

    fits: bool
    """Whether the boxes are on the right frames."""
    time: float
    """Seconds since 1970."""


def frames_to_check(boxes: pd.DataFrame, count: int = SHOWN) -> list[str]:
    """Choose the frames on which an offset of one frame is easiest to see.

    If a frame and the previous one have exactly one box of a label each, the tool has moved by the distance between the
    two centres. Frames with the largest movement, in diagonals of the box, come first, from as many trials as possible.

    Args:
        boxes: Boxes as in `Dataset`.
        count: The largest number of frames.

    Returns:
        The names of the frames, ordered by trial and time. If too few tools move, other frames with boxes fill up.
    """
    alone = boxes.drop_duplicates(["frame", "label"], keep=False)
    x1, y1, x2, y2 = (alone[corner].astype("float64") for corner in CORNERS)
    moved = alone[["frame", "trial_id", "label", "position"]].assign(
        x=(x1 + x2) / 2, y=(y1 + y2) / 2, size=np.hypot(x2 - x1, y2 - y1)
    )
    moved = moved.sort_values(["trial_id", "label", "position"], kind="stable")
    step = moved.groupby(["trial_id", "label"], sort=False)[["position", "x", "y"]].diff()
    moved["movement"] = (np.hypot(step["x"], step["y"]) / moved["size"]).where(step["position"] == 1, 0.0)
    best = moved.groupby("frame", sort=False)["movement"].max()
    frames = boxes[["frame", "trial_id"]].drop_duplicates("frame")
    frames = frames.assign(movement=frames["frame"].map(best).fillna(0.0))
    ranked = frames.sort_values("movement", ascending=False, kind="stable")
    ranked["turn"] = ranked.groupby("trial_id").cumcount()
    chosen = set(ranked.sort_values("turn", kind="stable")["frame"].head(count))
    return [frame for frame in frames["frame"] if frame in chosen]


def read_answer(dataset: Dataset) -> Answer | None:
    """Return the user's answer for this version of the data and this box format; None if there is none."""
    try:
        values = json.loads(_file(dataset).read_text(encoding="utf-8"))
        return Answer(bool(values["fits"]), float(values["time"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_answer(dataset: Dataset, fits: bool) -> None:
    """Store the user's answer in the workspace, under the fingerprint of the data.

    Raises:
        OSError: The workspace cannot be written to.
    """
    file = _file(dataset)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, {"fits": fits, "time": time.time()})


def _file(dataset: Dataset) -> Path:
    return workspace() / "alignment" / f"{dataset.fingerprint}-{dataset.box_format}.json"
