"""socal_core.dataset.windows"""

import pandas as pd
import pytest

from socal_core.dataset.windows import Window, share_ending_inside, task_of
from socal_core.errors import ConfigError

FRAMES = pd.DataFrame({"second": [0, 1, 2, 30, 59, 60, 61, 200]})


@pytest.mark.parametrize(
    ("text", "seconds", "words"),
    [
        ("0:60", [0, 1, 2, 30, 59], "first 60 s"),
        ("30:61", [30, 59, 60], "seconds 30 to 61"),
        ("whole", [0, 1, 2, 30, 59, 60, 61, 200], "whole trial"),
        ("500:600", [], "seconds 500 to 600"),
    ],
)
def test_a_window_selects_seconds(text: str, seconds: list[int], words: str) -> None:
    window = Window.parse(text)
    assert window.select(FRAMES)["second"].tolist() == seconds
    assert window.describe() == words


@pytest.mark.parametrize(
    ("text", "share", "task"),
    [
        ("whole", 1.0, "recognition"),
        ("0:60", 0.25, "prediction"),
        ("0:101", 0.5, "prediction"),
        ("0:102", 0.75, "recognition"),
        ("50:1000", 1.0, "recognition"),
    ],
)
def test_a_window_that_most_trials_end_in_is_recognition(text: str, share: float, task: str) -> None:
    """Not the name of a window counts, but whether the end is in view: 0:1000 shows it as `whole` does."""
    lengths = {"a": 59, "b": 100, "c": 101, "d": 299}
    frames = pd.DataFrame(
        [(trial, second) for trial, last in lengths.items() for second in range(last + 1)],
        columns=["trial_id", "second"],
    )
    assert share_ending_inside(frames, Window.parse(text)) == share
    assert task_of(frames, Window.parse(text)) == task


@pytest.mark.parametrize(
    "text", ["", "60", "60:", ":60", "60:60", "61:60", "-1:60", "0:1e3", "first 60", "0:60:2", "WHOLE"]
)
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(ConfigError, match="window: must be 'whole' or 'A:B'"):
        Window.parse(text)
