"""A visual check that boxes are on the right frames: the frames to show for an annotation file, and the user's answer.

Each annotation file is checked on its own, since one may be shifted and another not. An annotation file is a CSV, COCO
or CVAT file, or the gt.txt of a trial. YOLO and Pascal VOC have a file for each frame, which an export writes into one
folder, so there the folder that holds them counts as one: `labels`, or `labels/S102T1` if each trial has its own.
`Dataset.frames` has it in the column annotation_file.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from socal_core.annotations.rows import CORNERS
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.problems import printable
from socal_core.json_files import read_json
from socal_core.storage import locked, write_json
from socal_core.workspace import workspace

SHOWN = 8
"""The number of frames to show."""
LAST_TIME = 2.5e11
"""The end of what a date can express, in seconds since 1970."""
_MOST_NAMED = 3
"""The number of shifted files that a warning names."""


@dataclass(frozen=True)
class Answer:
    """The user's answer about an annotation file."""

    fits: bool
    """Whether its boxes are on the right frames."""
    time: float
    """Seconds since 1970."""


def annotation_files(dataset: Dataset) -> list[str]:
    """Return the annotation files that have boxes, in the order of the frames."""
    with_boxes = dataset.frames["frame"].isin(dataset.boxes["frame"].unique())
    return list(dataset.frames.loc[with_boxes, "annotation_file"].dropna().unique())


def boxes_of(dataset: Dataset, file: str) -> pd.DataFrame:
    """Return the boxes of an annotation file."""
    frames = dataset.frames.loc[dataset.frames["annotation_file"] == file, "frame"]
    return dataset.boxes[dataset.boxes["frame"].isin(frames)]


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


def read_answers(dataset: Dataset) -> dict[str, Answer]:
    """Return the user's answers for this version of the data and this box format, by annotation file."""
    try:
        values = read_json(_file(dataset))
        found = {file: Answer(**answer) for file, answer in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # there is no answer, or an earlier version asked about all files together
    return {file: answer for file, answer in found.items() if _is_answer(answer)}


def _is_answer(answer: Answer) -> bool:
    return isinstance(answer.fits, bool) and isinstance(answer.time, (int, float)) and 0 <= answer.time < LAST_TIME


def write_answer(dataset: Dataset, file: str, fits: bool) -> None:
    """Store the user's answer about an annotation file in the workspace, under the fingerprint of the data.

    Raises:
        OSError: The workspace cannot be written to.
    """
    path = _file(dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):  # another tab may answer for another file
        answers = {**read_answers(dataset), file: Answer(fits, time.time())}
        write_json(path, {name: asdict(answer) for name, answer in answers.items()})


def warning_of_shifts(dataset: Dataset) -> str:
    """Return a warning that names the annotation files with boxes on the wrong frames; "" if the user marked none."""
    shifted = [printable(file) for file, answer in read_answers(dataset).items() if not answer.fits]
    if not shifted:
        return ""
    more = f" and {len(shifted) - _MOST_NAMED:,} more" if shifted[_MOST_NAMED:] else ""
    return (
        f"In the check by eye, boxes were marked as shifted against their frames: {', '.join(shifted[:_MOST_NAMED])}"
        f"{more}. Whatever uses these boxes is unreliable. Export them again, or read another format."
    )


def _file(dataset: Dataset) -> Path:
    return workspace() / "alignment" / f"{dataset.fingerprint}-{dataset.box_format}.json"
