"""The observation window: which seconds of a trial a model may see."""

import re
from dataclasses import dataclass

import pandas as pd

from socal_core.errors import ConfigError

WHOLE = "whole"
ROUND, SHORTEST = 10, 5
"""Of recommended windows, in seconds: the end is a multiple of the first, and the length not below the second."""


@dataclass(frozen=True)
class Window:
    """Seconds [start, stop) since the first frame of the trial; stop None means to the end of the trial.

    A negative stop counts from the end, as in a Python slice of the seconds of the trial: the last -stop seconds are
    cut off, including that of the last frame.
    """

    start: int
    stop: int | None

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read a window from text.

        Args:
            text: `whole`, `A:B`, or `A:-N` for all but the last N, in whole seconds.

        Raises:
            ConfigError: The text is anything else.
        """
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
        """Whether the length of the window depends on that of the trial and so reveals it."""
        return self.stop is None or self.stop < 0

    def describe(self) -> str:
        """Describe the window in words, such as `first 60 s`."""
        if self.stop is None:
            return "whole trial"
        if self.stop < 0:
            left = f"last {-self.stop} s"
            return f"all but the {left}" if self.start == 0 else f"from second {self.start}, without the {left}"
        return f"first {self.stop} s" if self.start == 0 else f"seconds {self.start} to {self.stop}"

    def select(self, frames: pd.DataFrame) -> pd.DataFrame:
        """Select the frames in the window.

        For a trial whose last frame is at second L, `A:-N` keeps seconds A to L - N; with one frame per second, this
        cuts off exactly the last N frames.

        Args:
            frames: All frames of each trial, with columns `trial_id` and `second`.

        Returns:
            The rows in the window, possibly none.
        """
        inside = frames["second"] >= self.start
        if self.stop is not None and self.stop < 0:
            inside &= frames["second"] <= frames.groupby("trial_id")["second"].transform("max") + self.stop
        elif self.stop is not None:
            inside &= frames["second"] < self.stop
        return frames[inside]


def fraction_ending_inside(frames: pd.DataFrame, window: Window) -> float:
    """Compute the fraction of trials that end inside the window, so that their outcome is visible.

    Args:
        frames: All frames of each trial, with columns `trial_id` and `second`; at least one row.
        window: The window. No trial ends inside one that cuts off the end.

    Returns:
        The fraction, from 0 to 1, of trials whose last frame is before the end of the window.
    """
    if window.stop is None:
        return 1.0
    if window.stop < 0:
        return 0.0
    last = frames.groupby("trial_id")["second"].max()
    return float((last < window.stop).mean())


def kind_of_task(frames: pd.DataFrame, window: Window) -> str:
    """Return `recognition` if most trials end inside the window, as in `fraction_ending_inside`, else `prediction`."""
    return "recognition" if fraction_ending_inside(frames, window) > 0.5 else "prediction"


def window_for_prediction(frames: pd.DataFrame, start: int = 0) -> Window | None:
    """Return the longest window from a second on that makes the task prediction, in round numbers.

    Args:
        frames: All frames of each trial, with columns `trial_id` and `second`; at least one row.
        start: The first second of the window.

    Returns:
        The window, its end rounded down to 10 s unless trials are shorter; None if it would be shorter than 5 s.
    """
    last = frames.groupby("trial_id")["second"].max().sort_values()
    stop = int(last.iloc[len(last) // 2])  # at most half of the trials end before this second
    if stop - start >= 2 * ROUND:
        stop -= stop % ROUND
    return Window(start, stop) if stop - start >= SHORTEST else None
