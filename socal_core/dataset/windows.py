"""The observation window: which seconds of a trial a model may see."""

import re
from dataclasses import dataclass

import pandas as pd

from socal_core.errors import ConfigError

WHOLE = "whole"


@dataclass(frozen=True)
class Window:
    """Seconds [start, stop) since the trial's first frame; stop None means to the end of the trial.

    A negative stop counts from the end, as in a Python slice of the trial's seconds: the last -stop seconds are cut
    off, the second of the last frame being one of them.
    """

    start: int
    stop: int | None

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read `whole`, `A:B`, or `A:-N` (all but the last N) in whole seconds; ConfigError for anything else."""
        if text == WHOLE:
            return cls(0, None)
        match = re.fullmatch(r"(\d{1,6}):(-?\d{1,6})", text)
        start, stop = (int(match[1]), int(match[2])) if match else (0, 0)
        if start >= stop >= 0:
            rule = (
                "must be 'whole' or 'A:B' in seconds with A < B, such as '0:60', or 'A:-N' for all but the last N "
                "seconds, such as '0:-10'"
            )
            raise ConfigError("window", rule, text)
        return cls(start, stop)

    @property
    def ends_with_the_trial(self) -> bool:
        """Whether the window is the longer the longer the trial is, so that the length of the trial is in view."""
        return self.stop is None or self.stop < 0

    def describe(self) -> str:
        """The window in words, such as `first 60 s`."""
        if self.stop is None:
            return "whole trial"
        if self.stop < 0:
            left = f"last {-self.stop} s"
            return f"all but the {left}" if self.start == 0 else f"from second {self.start}, without the {left}"
        return f"first {self.stop} s" if self.start == 0 else f"seconds {self.start} to {self.stop}"

    def select(self, frames: pd.DataFrame) -> pd.DataFrame:
        """The rows of `frames` that lie in the window, each trial by its own length; may be empty.

        frames: columns `trial_id` and `second`, all frames of each trial. Of a trial whose last frame is at second L,
        `A:-N` keeps seconds A to L - N: with a frame in every second exactly the last N frames are cut off.
        """
        inside = frames["second"] >= self.start
        if self.stop is not None and self.stop < 0:
            inside &= frames["second"] <= frames.groupby("trial_id")["second"].transform("max") + self.stop
        elif self.stop is not None:
            inside &= frames["second"] < self.stop
        return frames[inside]


def share_ending_inside(frames: pd.DataFrame, window: Window) -> float:
    """The share of trials, 0 to 1, whose last frame lies before the window's end: their outcome is in view.

    frames: columns `trial_id` and `second`, at least one row. No trial ends inside a window that cuts its end off.
    """
    if window.stop is None:
        return 1.0
    if window.stop < 0:
        return 0.0
    last = frames.groupby("trial_id")["second"].max()
    return float((last < window.stop).mean())


def kind_of_task(frames: pd.DataFrame, window: Window) -> str:
    """`recognition` when most trials end inside the window, so that their outcome is in view; else `prediction`."""
    return "recognition" if share_ending_inside(frames, window) > 0.5 else "prediction"
