"""The features from which controls learn: lengths, colour, a single frame, and tools."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.windows import Window
from socal_core.evaluation.cues import colour_over_time, presence_in_parts
from socal_core.evaluation.tool_motion import tool_motion

TOOL_PARTS = 3
"""Number of equal parts of the visible frames of a trial; the presence of tools is counted in each part."""
FRAMES, LENGTH, COLOUR, TOOLS = "frames", "length", "colour", "tools"
MOTION, MIDDLE_FRAME = "motion", "middle_frame"

Embed = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Embeds frames, (frames, 3, height, width), RGB, with a frozen image encoder; (frames, dims)."""


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


def cues_of(
    dataset: Dataset,
    trials: pd.Series,
    window: Window,
    clips: Iterable[NDArray[np.uint8]],
    embed: Embed | None = None,
) -> Iterator[Cue]:
    """Yield the features of the controls, whatever is predicted.

    Args:
        dataset: The data of the run.
        trials: The ids of the trials.
        window: The seconds of a trial that the model may see.
        clips: The clips of each trial that the model received, in the order of `trials`, as in `controls`.
        embed: The image encoder; None leaves out the middle frame.
    """
    frames = dataset.frames[dataset.frames["trial_id"].isin(trials)]
    seen = window.select(frames)
    if not window.ends_with_the_trial:
        what = f"the number of frames in the {window.describe()}"
        yield Cue(FRAMES, "Frames in the window", what, _count(seen, trials))
    yield Cue(LENGTH, "Length of the trial", "the number of frames of the whole trial", _count(frames, trials))
    middle: list[NDArray[np.uint8]] = []
    colour = colour_over_time(_keeping_the_middle(clips, middle)).set_axis(trials)
    what = "the mean colour of the frames that the model sees and its slope over the clip"
    yield Cue(COLOUR, "Colour", what, colour)
    if embed is not None:
        what = "one frame from the middle of the window, as a frozen image encoder embeds it"
        features = pd.DataFrame(embed(np.stack(middle))).set_axis(trials)
        yield Cue(MIDDLE_FRAME, "One middle frame", what, features)
    yield _tools(dataset, trials, seen)
    yield _motion(dataset, trials, seen)


def _keeping_the_middle(
    clips: Iterable[NDArray[np.uint8]], middle: list[NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the clips of each trial, and append the middle frame of its middle clip to `middle`.

    Clips are read once, and are too large to keep.
    """
    for trial in clips:
        clip = trial[len(trial) // 2]
        middle.append(clip[len(clip) // 2].copy())
        yield trial


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


def _motion(dataset: Dataset, trials: pd.Series, seen: pd.DataFrame) -> Cue:
    name = "Tool motion"
    what = (
        "the fraction of frames with each tool, its speed and the area of its boxes, the overlap of tools, and the "
        "first second with muscle and with cottonoid, all in what the model may see"
    )
    features = tool_motion(dataset.boxes, _with_sizes(seen, dataset.trials), pd.Index(trials))
    if features.empty:
        why = "the data have no boxes" if dataset.boxes.empty else "no frame in the window has a box"
        return Cue(MOTION, name, what, None, f"The tool motion control was not computed: {why}.")
    return Cue(MOTION, name, what, features)


def _with_sizes(frames: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Return frames with their width and height, for tables without these the usual ones of the trial."""
    of_trial = {edge: frames["trial_id"].map(trials[edge]) for edge in ("width", "height")}
    return frames.assign(**{edge: frames.get(edge, usual) for edge, usual in of_trial.items()})
