"""Choosing trials by what is known of them: the part of a data set that a page shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset

UNKNOWN = "Unknown"
"""What a missing value is called where people read it; in filters and choices it is None."""

Size = tuple[int, int]


@dataclass(frozen=True)
class TrialFilter:
    """Which trials to keep: those that pass every field. An empty field lets all pass; None stands for unknown."""

    outcomes: tuple[int | None, ...] = ()
    """`success`: 0, 1."""
    surgeons: tuple[str | None, ...] = ()
    trial_numbers: tuple[int | None, ...] = ()
    cohorts: tuple[str | None, ...] = ()
    training_statuses: tuple[str | None, ...] = ()
    labels: tuple[str, ...] = ()
    """Keeps only boxes of these labels, and only trials that have at least one such box."""
    sizes: tuple[Size | None, ...] = ()
    """(width, height) of the frames in pixels."""
    has_frames: bool | None = None
    """True: only trials with frames; False: only trials without; None: all."""


@dataclass(frozen=True)
class Choices:
    """What each field of TrialFilter can be set to in a data set; None, last, where values are missing."""

    outcomes: tuple[int | None, ...]
    surgeons: tuple[str | None, ...]
    """In the order of the trials."""
    trial_numbers: tuple[int | None, ...]
    cohorts: tuple[str | None, ...]
    training_statuses: tuple[str | None, ...]
    labels: tuple[str, ...]
    """The commonest first."""
    sizes: tuple[Size | None, ...]
    """The smallest first."""
    has_frames: tuple[bool, ...]


def apply(dataset: Dataset, chosen: TrialFilter) -> Dataset:
    """A data set of the chosen trials with their frames and boxes; the same object when nothing is asked for.

    What is said of the folder as a whole, such as its problems, stays as it is.
    """
    if chosen == TrialFilter():
        return dataset
    boxes = dataset.boxes
    keep = _passing(dataset.trials, chosen)
    if chosen.labels:
        boxes = boxes[boxes["label"].isin(chosen.labels)]
        keep &= dataset.trials.index.isin(boxes["trial_id"].unique())
    trials = dataset.trials[keep]
    frames, boxes = _of_trials(dataset.frames, trials), _of_trials(boxes, trials)
    return replace(dataset, trials=trials, frames=frames, boxes=boxes, checked=True)


def choices(dataset: Dataset) -> Choices:
    """What each filter can be set to in this data set."""
    trials = dataset.trials
    surgeons = _surgeons(trials)
    return Choices(
        outcomes=_sorted_values(trials["success"]),
        surgeons=(*surgeons.dropna().unique(), *([None] if surgeons.isna().any() else [])),
        trial_numbers=_sorted_values(trials["trial_number"]),
        cohorts=_sorted_values(trials["cohort"]),
        training_statuses=_sorted_values(trials["training_status"]),
        labels=tuple(dataset.boxes["label"].value_counts().index),
        sizes=tuple(sorted(set(frame_sizes(trials)), key=_smallest_first)),
        has_frames=tuple(flag for flag in (True, False) if ((trials["n_frames"] > 0) == flag).any()),
    )


def frame_sizes(trials: pd.DataFrame) -> list[Size | None]:
    """(width, height) of each trial's frames, None where either is unknown."""
    sides = trials[["width", "height"]].to_numpy(dtype=float, na_value=np.nan)
    return [None if np.isnan(width * height) else (int(width), int(height)) for width, height in sides]


def _passing(trials: pd.DataFrame, chosen: TrialFilter) -> NDArray[np.bool_]:
    """Whether each trial passes all that can be said without its boxes."""
    keep = np.ones(len(trials), dtype=bool)
    known: list[tuple[pd.Series, Sequence[Any]]] = [
        (trials["success"], chosen.outcomes),
        (_surgeons(trials), chosen.surgeons),
        (trials["trial_number"], chosen.trial_numbers),
        (trials["cohort"], chosen.cohorts),
        (trials["training_status"], chosen.training_statuses),
    ]
    for values, wanted in known:
        if wanted:
            passes = values.isin([value for value in wanted if value is not None]).to_numpy(bool)
            keep &= passes | values.isna().to_numpy(bool) if None in wanted else passes
    if chosen.sizes:
        keep &= np.array([size in chosen.sizes for size in frame_sizes(trials)], dtype=bool)
    if chosen.has_frames is not None:
        keep &= (trials["n_frames"] > 0).to_numpy(bool) == chosen.has_frames
    return keep


def _of_trials(table: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """The rows of frames or boxes that belong to these trials, numbered from 0."""
    return table[table["trial_id"].isin(trials.index)].reset_index(drop=True)


def _surgeons(trials: pd.DataFrame) -> pd.Series:
    """participant_id, NA where it is not known."""
    return trials["participant_id"].mask(trials["participant_id"] == "")


def _sorted_values(values: pd.Series) -> tuple[Any, ...]:
    """Each value once, in order, and None at the end where some are missing."""
    known = sorted(values.dropna().unique().tolist())
    return (*known, *([None] if values.isna().any() else []))


def _smallest_first(size: Size | None) -> tuple[float, Size]:
    return (np.inf, (0, 0)) if size is None else (size[0] * size[1], size)
