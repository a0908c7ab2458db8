"""The observation window: which seconds of a trial a model may see."""

import re
from dataclasses import dataclass

import pandas as pd

from socal_core.errors import ConfigError

WHOLE = "whole"


@dataclass(frozen=True)
class Window:
    """Seconds [start, stop) since the trial's first frame; stop None means to the end of the trial."""

    start: int
    stop: int | None

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read `whole` or `A:B` in whole seconds; ConfigError for anything else."""
        if text == WHOLE:
            return cls(0, None)
        match = re.fullmatch(r"(\d{1,6}):(\d{1,6})", text)
        if match is None or int(match[1]) >= int(match[2]):
            raise ConfigError("window", "must be 'whole' or 'A:B' in seconds with A < B, such as '0:60'", text)
        return cls(int(match[1]), int(match[2]))

    @property
    def sees_the_end(self) -> bool:
        """Whether the window has no end of its own."""
        return self.stop is None

    def describe(self) -> str:
        """The window in words, such as `first 60 s`."""
        if self.stop is None:
            return "whole trial"
        return f"first {self.stop} s" if self.start == 0 else f"seconds {self.start} to {self.stop}"

    def select(self, frames: pd.DataFrame) -> pd.DataFrame:
        """The rows of one trial's frames (column `second`) that lie in the window; may be empty."""
        inside = frames["second"] >= self.start
        if self.stop is not None:
            inside &= frames["second"] < self.stop
        return frames[inside]


def share_ending_inside(frames: pd.DataFrame, window: Window) -> float:
    """The share of trials, 0 to 1, whose last frame lies before the window's end: their outcome is in view.

    frames: columns `trial_id` and `second`, at least one row.
    """
    if window.stop is None:
        return 1.0
    last = frames.groupby("trial_id")["second"].max()
    return float((last < window.stop).mean())


def task_of(frames: pd.DataFrame, window: Window) -> str:
    """`recognition` when most trials end inside the window, so that their outcome is in view; else `prediction`."""
    return "recognition" if share_ending_inside(frames, window) > 0.5 else "prediction"
