"""Tables of trials, frames and boxes as dataset.py documents them, from the few columns that a test is about."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from socal_core.dataset.dataset import Dataset

TEXT = ("cohort", "specialty", "training_status")
WHOLE = ("trial_number", "success", "width", "height")
MEASURED = ("cottonoid", "cottonoid_success", "muscle", "muscle_success", "tth", "blood_loss")


def make_trials(trial_ids: Sequence[str], **columns: Sequence[Any]) -> pd.DataFrame:
    """Trials with these columns; all else is missing, and there are no frames."""
    index = pd.Index(list(trial_ids), name="trial_id", dtype="str")
    trials = pd.DataFrame(index=index)
    trials["participant_id"] = pd.array(columns.get("participant_id", [""] * len(index)), dtype="str")
    for names, dtype in ((WHOLE, "Int64"), (MEASURED, "Float64"), (TEXT, "str")):
        for name in names:
            trials[name] = pd.array(columns.get(name, [None] * len(index)), dtype=dtype)
    trials["n_frames"] = pd.array(columns.get("n_frames", [0] * len(index)), dtype="int64").to_numpy()
    trials["usable"] = (trials["n_frames"] > 0) & trials["success"].notna()
    return trials.assign(unusable_because="")


def make_frames(trials: pd.DataFrame) -> pd.DataFrame:
    """`n_frames` frames of each trial, one a second."""
    rows = [(f"{trial}_{n:03d}", trial, n, n) for trial, count in trials["n_frames"].items() for n in range(count)]
    frames = pd.DataFrame(rows, columns=["frame", "trial_id", "position", "second"])
    return frames.astype({"frame": "str", "trial_id": "str", "position": "int64", "second": "int64"})


def make_boxes(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Boxes of (trial_id, position, label), with corners x1, y1, x2, y2 after them where the test is about these."""
    cells = [(f"{r[0]}_{r[1]:03d}", r[0], r[1], *(r[3:] or (1, 2, 3, 4)), r[2]) for r in rows]
    boxes = pd.DataFrame(cells, columns=["frame", "trial_id", "position", "x1", "y1", "x2", "y2", "label"])
    whole = dict.fromkeys(["position", "x1", "y1", "x2", "y2"], "int64")
    boxes = boxes.astype({"frame": "str", "trial_id": "str", "label": "str", **whole})
    return boxes.assign(track_id=pd.array([pd.NA] * len(boxes), dtype="Int64"))


def make_dataset(trials: pd.DataFrame, boxes: pd.DataFrame) -> Dataset:
    return Dataset(
        root=Path("nowhere"),
        trials=trials,
        frames=make_frames(trials),
        boxes=boxes,
        outcome_rows=len(trials),
        problems=(),
    )


Pair = tuple[float | None, float | None]


def make_pairs(column: str, pairs: list[Pair]) -> pd.DataFrame:
    """Two trials a surgeon, with the values of one column before and after."""
    ids = [(surgeon, number) for surgeon in range(len(pairs)) for number in (1, 2)]
    return make_trials(
        [f"S{surgeon}T{number}" for surgeon, number in ids],
        participant_id=[str(surgeon) for surgeon, _ in ids],
        trial_number=[number for _, number in ids],
        **{column: [pairs[surgeon][number - 1] for surgeon, number in ids]},
    )
