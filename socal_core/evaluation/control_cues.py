"""The features from which controls learn: lengths, colour and tools."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.windows import Window
from socal_core.evaluation.cues import colour_over_time, presence_in_parts

TOOL_PARTS = 3
"""Number of equal parts of the visible frames of a trial; the presence of tools is counted in each part."""
FRAMES, LENGTH, COLOUR, TOOLS = "frames", "length", "colour", "tools"


@dataclass(frozen=True)
class Cue:
    """What a control learns from."""

    key: str
    name: str
    what: str
    """The features in words, after *regression on*."""
    features: pd.DataFrame | None
    """The features, indexed by trial; None if the data set lacks what they need."""
    lacking: str = ""
    """Why there are no features, for the user."""


def cues_of(dataset: Dataset, trials: pd.Series, window: Window, clips: Iterable[NDArray[np.uint8]]) -> Iterator[Cue]:
    """Yield the features of the controls, whatever is predicted.

    Args:
        dataset: The data of the run.
        trials: The ids of the trials.
        window: The seconds of a trial that the model may see.
        clips: The clips of each trial that the model received, in the order of `trials`, as in `controls`.
    """
    frames = dataset.frames[dataset.frames["trial_id"].isin(trials)]
    seen = window.select(frames)
    if not window.ends_with_the_trial:
        what = f"the number of frames in the {window.describe()}"
        yield Cue(FRAMES, "Frames in the window", what, _count(seen, trials))
    yield Cue(LENGTH, "Length of the trial", "the number of frames of the whole trial", _count(frames, trials))
    what = "the mean colour of the frames that the model sees and its slope over the clip"
    yield Cue(COLOUR, "Colour", what, colour_over_time(clips).set_axis(trials))
    yield _tools(dataset, trials, seen)


def _count(frames: pd.DataFrame, trials: pd.Series) -> pd.DataFrame:
    """Count the frames of each trial, in one column."""
    return frames.groupby("trial_id").size().reindex(trials, fill_value=0).to_frame()


def _tools(dataset: Dataset, trials: pd.Series, seen: pd.DataFrame) -> Cue:
    name = "Tools over time"
    what = "the fraction of frames that show each tool, in each third of what the model may see"
    if dataset.boxes.empty:
        return Cue(TOOLS, name, what, None, "The tools control was not computed: the data have no boxes.")
    # Divide the existing frames, not the window, so that the parts do not reveal whether a trial ends inside it.
    position = seen.groupby("trial_id").cumcount()
    part = position * TOOL_PARTS // seen.groupby("trial_id")["frame"].transform("size")
    presence = presence_in_parts(dataset.boxes, seen.assign(part=part), pd.Index(trials))
    if presence.empty:
        lacking = "The tools control was not computed: no frame in the window has a box."
        return Cue(TOOLS, name, what, None, lacking)
    return Cue(TOOLS, name, what, presence)
