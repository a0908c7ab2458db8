"""Filter the trials of a data set, to show a part of it on a page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset

UNKNOWN = "Unknown"
"""How pages display a missing value; in filters and choices it is None."""

OUTSIDE = "not in the view"
"""Why a trial is not usable that a filter leaves out."""

Size = tuple[int, int]


@dataclass(frozen=True)
class TrialFilter:
    """Which trials to keep: those that pass every field. An empty field passes all trials; None means unknown."""

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
    """The possible values of each field of TrialFilter in a data set; None comes last if values are missing."""

    outcomes: tuple[int | None, ...]
    surgeons: tuple[str | None, ...]
    """The surgeons in the order of the trials."""
    trial_numbers: tuple[int | None, ...]
    cohorts: tuple[str | None, ...]
    training_statuses: tuple[str | None, ...]
    labels: tuple[str, ...]
    """The labels, the most frequent first."""
    sizes: tuple[Size | None, ...]
    """The sizes, the smallest first."""
    has_frames: tuple[bool, ...]


def apply(dataset: Dataset, chosen: TrialFilter) -> Dataset:
    """Return a data set of the chosen trials with their frames and boxes.

    Args:
        dataset: The data set.
        chosen: The filter.

    Returns:
        The filtered data set, or `dataset` itself if the filter is empty. Fields that describe the whole folder, such
        as its problems, are unchanged.
    """
    if chosen == TrialFilter():
        return dataset
    boxes = dataset.boxes
    if chosen.labels:
        boxes = boxes[boxes["label"].isin(chosen.labels)]
    trials = dataset.trials[passing(dataset, chosen)]
    frames, boxes = _of_trials(dataset.frames, trials), _of_trials(boxes, trials)
    return replace(dataset, trials=trials, frames=frames, boxes=boxes, checked=True)


def passing(dataset: Dataset, chosen: TrialFilter) -> NDArray[np.bool_]:
    """Return whether each trial passes a filter, in the order of the trials."""
    keep = _passing(dataset.trials, chosen)
    if chosen.labels:
        with_label = dataset.boxes.loc[dataset.boxes["label"].isin(chosen.labels), "trial_id"].unique()
        keep &= dataset.trials.index.isin(with_label)
    return keep


def only_usable(dataset: Dataset, chosen: TrialFilter) -> Dataset:
    """Return the same trials, frames and boxes, of which only trials that pass a filter are usable."""
    outside = ~passing(dataset, chosen)
    trials = dataset.trials.assign(
        usable=dataset.trials["usable"] & ~outside,
        unusable_because=dataset.trials["unusable_because"].mask(outside, OUTSIDE).astype("str"),
    )
    return replace(dataset, trials=trials, checked=True)


def choices(dataset: Dataset) -> Choices:
    """List the possible values of each filter in this data set."""
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
    """Return (width, height) of the frames of each trial, None if either is unknown."""
    sizes = trials[["width", "height"]].to_numpy(dtype=float, na_value=np.nan)
    return [None if np.isnan(width * height) else (int(width), int(height)) for width, height in sizes]


def _passing(trials: pd.DataFrame, chosen: TrialFilter) -> NDArray[np.bool_]:
    """Return whether each trial passes all filters that do not concern its boxes."""
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
    """Return the rows of frames or boxes that belong to these trials, numbered from 0."""
    return table[table["trial_id"].isin(trials.index)].reset_index(drop=True)


def _surgeons(trials: pd.DataFrame) -> pd.Series:
    """Return participant_id, NA if unknown."""
    return trials["participant_id"].mask(trials["participant_id"] == "")


def _sorted_values(values: pd.Series) -> tuple[Any, ...]:
    """Return each value once, in order, followed by None if some are missing."""
    known = sorted(values.dropna().unique().tolist())
    return (*known, *([None] if values.isna().any() else []))


def _smallest_first(size: Size | None) -> tuple[float, Size]:
    return (np.inf, (0, 0)) if size is None else (size[0] * size[1], size)
