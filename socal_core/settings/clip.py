"""Settings of the observation window and of how clips are sampled from it."""

from enum import StrEnum
from typing import ClassVar

from pydantic import model_validator

from socal_core.dataset.windows import Window
from socal_core.settings.declaration import SettingsGroup, setting, when
from socal_core.settings.recipes import TRAINED


class SamplingMethod(StrEnum):
    """How the frames of a training clip are sampled from the window (clips/sampling.py)."""

    UNIFORM = "uniform"
    """Evenly spaced, the same in every epoch."""
    SEGMENTS = "segments"
    """One random frame from each of `num_frames` equal parts of the window, new in every epoch."""
    DENSE = "dense"
    """Every `stride`-th frame from a random start, new in every epoch."""

    @property
    def is_random(self) -> bool:
        """Whether training clips are sampled at random, so that they can contain any frame of the window."""
        return self is not SamplingMethod.UNIFORM


class Control(StrEnum):
    """What a run leaves out, so that it is a control for the same run without it."""

    NONE = "none"
    """Nothing: the run is no control."""
    SHUFFLED_FRAMES = "shuffled-frames"
    """The order of the frames of each clip (clips/plan.py)."""
    SHUFFLED_OUTCOMES = "shuffled-outcomes"
    """Which training and validation trial has which outcome (training/run_split.py)."""


class ClipSettings(SettingsGroup):
    """The observation window, and the clips that are sampled from it."""

    heading: ClassVar[str] = "Clip"

    window: str = setting(
        "0:60",
        "The observation window, in seconds of the trial: `0:60` predicts from the first minute (the published task); "
        "`0:-10` ends ten seconds before the trial does; `whole` also shows the end of the trial, which makes the task "
        "recognition, not prediction.",
    )
    num_frames: int = setting(
        16,
        "Frames in a clip, a multiple of the model's tubelet size (2 for VideoMAE). 8 takes under half the time of "
        "VideoMAE's 16.",
        2,
        128,
        step=2,
    )
    sampling: SamplingMethod = setting(
        SamplingMethod.UNIFORM,
        "How the frames of a training clip are sampled: `uniform`, evenly spaced; `segments`, one random frame from "
        "each of `num_frames` equal parts of the window, new in every epoch (against overfitting); `dense`, close "
        "together from a random start.",
    )
    stride: int = setting(
        4,
        "Distance from one frame of a dense clip to the next, in frames; 2 to 4.",
        1,
        64,
        applies=when(sampling=SamplingMethod.DENSE),
    )
    test_clips: int = setting(
        1,
        "Clips per trial in validation and test, whose probabilities are averaged; VideoMAE's own tests use 5.",
        1,
        20,
    )
    test_crops: int = setting(
        1,
        "Crops of each test clip, evenly spaced along the longer edge of its frames, whose probabilities are averaged. "
        "With 1, only the middle is seen; VideoMAE's own tests use 3.",
        1,
        5,
        applies=TRAINED,
    )
    control: Control = setting(
        Control.NONE,
        "Trains a control for the same run without it: `shuffled-frames` puts the frames of each clip into a random "
        "order, fixed for each trial and seed, in all subsets; `shuffled-outcomes` exchanges the outcomes of the "
        "training trials, and those of the validation trials, among each other. The Evaluation page starts both.",
        heading="Control",
    )

    @model_validator(mode="after")
    def _check(self) -> "ClipSettings":
        _ = self.observation  # raises for an invalid window
        return self

    @property
    def observation(self) -> Window:
        """The observation window, parsed."""
        return Window.parse(self.window)
