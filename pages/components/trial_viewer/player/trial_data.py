"""What the player receives of a trial, once: names, times and sizes of its frames, all boxes, and what is marked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.clips.plan import ClipPlan
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.figures.frames import track_colours
from socal_core.runs.folder import RunFolder

TIME_TO_HAEMOSTASIS = "tth"
MARKED_LABELS = ("muscle", "cottonoid")
"""Tools whose first appearance is marked on the timeline."""


def trial_data(dataset: Dataset, trial_id: str, boxes: pd.DataFrame, run: RunFolder | None) -> dict[str, Any]:
    """Describe a trial for the player.

    Args:
        dataset: The data set.
        trial_id: A trial that has a frame.
        boxes: Its boxes, from `boxes_with_tracks`.
        run: The run whose observation window and frames are marked.

    Returns:
        JSON-ready values. Boxes are columns of numbers, so that a trial of 9,000 frames stays below a megabyte.

    Raises:
        DataError: The trial has no frame.
    """
    frames = dataset.frames_of(trial_id)
    seconds = frames["second"].to_list()
    seen, window = _seen_by(dataset, trial_id, run)
    return {
        "trial": trial_id,
        "names": frames["frame"].to_list(),
        "seconds": seconds,
        **_sizes(dataset, trial_id, frames),
        **_boxes(boxes),
        "start": int(boxes["position"].min()) if len(boxes) else 0,
        "source": str(boxes["track_source"].iloc[0]) if len(boxes) else "",
        "marks": _marks(dataset, trial_id, boxes, seconds),
        "seen": seen,
        "window": window,
    }


def boxes_table(dataset: Dataset, trial_id: str, boxes: pd.DataFrame) -> pd.DataFrame:
    """Return the boxes of a trial as a table: time, track, label, corners and area of each."""
    frames = dataset.frames_of(trial_id)
    at = boxes["position"].to_numpy()
    area = ((boxes["x2"] - boxes["x1"]) * (boxes["y2"] - boxes["y1"])).to_numpy()
    pixels = _size_of_each(dataset, trial_id, frames).prod(axis=1)[at].astype(float)
    pixels[pixels == 0] = np.nan
    return pd.DataFrame(
        {
            "trial_id": trial_id,
            "frame": boxes["frame"],
            "second": frames["second"].to_numpy()[at],
            "tracking_id": boxes["track_id"].astype("Int64"),
            "label": boxes["label"],
            **{name: boxes[name] for name in ("x1", "y1", "x2", "y2")},
            "area_px": area,
            "area_percent": (100 * area / pixels).round(4),
            "id_source": boxes["track_source"],
        }
    )


def _size_of_each(dataset: Dataset, trial_id: str, frames: pd.DataFrame) -> NDArray[np.int64]:
    """Return the width and height of each frame in pixels, 0 where they are unknown; (frames, 2)."""
    if not {"width", "height"} <= set(frames.columns):
        frames = dataset.trials.loc[[trial_id] * len(frames)]
    return frames[["width", "height"]].fillna(0).to_numpy(np.int64)


def _sizes(dataset: Dataset, trial_id: str, frames: pd.DataFrame) -> dict[str, Any]:
    """Return the different sizes of frames, and the index of each frame's unless all are alike."""
    each = _size_of_each(dataset, trial_id, frames)
    sizes, size_of = np.unique(each, axis=0, return_inverse=True)
    return {"sizes": sizes.tolist(), "size_of": size_of.ravel().tolist() if len(sizes) > 1 else []}


def _boxes(boxes: pd.DataFrame) -> dict[str, Any]:
    """Return the tracks, and the boxes as columns that refer to them."""
    keys = pd.MultiIndex.from_arrays([boxes["label"], boxes["track_id"]])
    codes, names = pd.factorize(keys, sort=True)
    tracks = [(str(label), int(track)) for label, track in names]
    colours = track_colours([label for label, _ in tracks])
    return {
        "tracks": [
            {"label": label, "id": track, "colour": colour}
            for (label, track), colour in zip(tracks, colours, strict=True)
        ],
        "boxes": {
            "position": boxes["position"].to_list(),
            "track": codes.tolist(),
            **{name: boxes[name].to_list() for name in ("x1", "y1", "x2", "y2")},
        },
    }


def _marks(dataset: Dataset, trial_id: str, boxes: pd.DataFrame, seconds: Sequence[int]) -> list[dict[str, Any]]:
    """Return the events of a trial, each with its second and a text, in the order of time."""
    marks = []
    for label in MARKED_LABELS:
        shown = boxes.loc[boxes["label"] == label, "position"]
        if len(shown):
            marks.append({"second": float(seconds[int(shown.min())]), "text": f"First {label}"})
    if TIME_TO_HAEMOSTASIS in dataset.trials:
        time = dataset.trials[TIME_TO_HAEMOSTASIS][trial_id]
        # A failed trial has the longest time there is, which is no event.
        if not pd.isna(time) and dataset.trials["success"].eq(1).fillna(False)[trial_id]:
            marks.append({"second": float(time), "text": "Haemostasis"})
    return sorted(marks, key=lambda mark: float(mark["second"]))


def _seen_by(dataset: Dataset, trial_id: str, run: RunFolder | None) -> tuple[list[int], list[int] | None]:
    """Return the positions of the frames that the model of a run sees in a test clip, and the first and last second."""
    if run is None:
        return [], None
    try:
        config = run.read_config()
        plan = ClipPlan(dataset, config.clip, config.split.seed)
        clips = [plan.indices_of(clip) for clip in plan.evaluation_clips(trial_id)]
        inside = plan.visible(trial_id).indices
    except SocalError:
        return [], None  # no frame in the window, or settings that the page reports elsewhere
    seconds = dataset.frames_of(trial_id)["second"].to_numpy()[[inside[0], inside[-1]]]
    return sorted({index for clip in clips for index in clip}), seconds.tolist()
