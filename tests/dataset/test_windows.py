"""socal_core.dataset.windows"""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.dataset.windows import Window, fraction_ending_inside, kind_of_task, window_for_prediction
from socal_core.errors import ConfigError


def frames_of(seconds_of: dict[str, list[int]]) -> pd.DataFrame:
    """A row a frame, from the seconds of each trial."""
    rows = [(trial, second) for trial, seconds in seconds_of.items() for second in seconds]
    return pd.DataFrame(rows, columns=["trial_id", "second"])


FRAMES = frames_of({"S1T1": [0, 1, 2, 30, 59, 60, 61, 200]})


@pytest.mark.parametrize(
    ("text", "window", "seconds", "words"),
    [
        ("0:60", Window(0, 60), [0, 1, 2, 30, 59], "first 60 s"),
        ("30:61", Window(30, 61), [30, 59, 60], "seconds 30 to 61"),
        ("whole", Window(0, None), [0, 1, 2, 30, 59, 60, 61, 200], "whole trial"),
        ("500:600", Window(500, 600), [], "seconds 500 to 600"),
        ("0:-1", Window(0, -1), [0, 1, 2, 30, 59, 60, 61], "all but the last 1 s"),
        ("0:-139", Window(0, -139), [0, 1, 2, 30, 59, 60, 61], "all but the last 139 s"),
        ("0:-140", Window(0, -140), [0, 1, 2, 30, 59, 60], "all but the last 140 s"),
        ("30:-141", Window(30, -141), [30, 59], "from second 30, without the last 141 s"),
        ("30:-200", Window(30, -200), [], "from second 30, without the last 200 s"),
        ("0:-200", Window(0, -200), [0], "all but the last 200 s"),
        ("0:-201", Window(0, -201), [], "all but the last 201 s"),
    ],
)
def test_a_window_selects_seconds(text: str, window: Window, seconds: list[int], words: str) -> None:
    assert Window.parse(text) == window
    assert window.select(FRAMES)["second"].tolist() == seconds
    assert window.describe() == words


@settings(deadline=None)
@given(length=st.integers(1, 400), start=st.integers(0, 400), cut=st.integers(1, 400))
def test_the_end_is_cut_off_as_a_slice_does(length: int, start: int, cut: int) -> None:
    """With a frame a second, seconds are places in a list: exactly the last N frames go."""
    seconds = list(range(length))
    selected = Window.parse(f"{start}:-{cut}").select(frames_of({"S1T1": seconds}))
    assert selected["second"].tolist() == seconds[start:-cut]


@pytest.mark.parametrize("order", [1, -1])
def test_each_trial_loses_its_own_end(order: int) -> None:
    frames = frames_of({"a": [0, 1, 2, 3], "b": list(range(8)), "c": [0], "d": [0, 1, 9]})[::order]
    selected = Window(1, -2).select(frames)
    assert selected.groupby("trial_id")["second"].agg(set).to_dict() == {"a": {1}, "b": {1, 2, 3, 4, 5}, "d": {1}}
    pd.testing.assert_frame_equal(selected, frames.loc[selected.index])


@pytest.mark.parametrize("text", ["whole", "0:60", "0:-10"])
def test_no_frames_stay_no_frames(text: str) -> None:
    assert Window.parse(text).select(FRAMES[:0]).empty


@pytest.mark.parametrize(
    ("text", "fraction", "task"),
    [
        ("whole", 1.0, "recognition"),
        ("0:60", 0.25, "prediction"),
        ("0:101", 0.5, "prediction"),
        ("0:102", 0.75, "recognition"),
        ("50:1000", 1.0, "recognition"),
        ("0:-1", 0.0, "prediction"),
        ("30:-999", 0.0, "prediction"),
    ],
)
def test_a_window_that_most_trials_end_in_is_recognition(text: str, fraction: float, task: str) -> None:
    """Not the name of a window counts, but whether the end is in view: 0:1000 shows it as `whole` does."""
    lengths = {"a": 59, "b": 100, "c": 101, "d": 299}
    frames = frames_of({trial: list(range(last + 1)) for trial, last in lengths.items()})
    assert fraction_ending_inside(frames, Window.parse(text)) == fraction
    assert kind_of_task(frames, Window.parse(text)) == task


@pytest.mark.parametrize(
    "text",
    [
        *("", "60", "60:", ":60", "60:60", "61:60", "-1:60", "0:1e3", "first 60", "0:60:2", "WHOLE", "0:60\n"),
        *("0:-0", "0:-", ":-10", "0:--10", "0:- 10", "-20:-10", "0:-10:2", "0:-1.5", "0:+60", "0:-1000000"),
    ],
)
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(ConfigError, match=r"window: must be 'whole' or 'A:B' .* or 'A:-N'"):
        Window.parse(text)


@pytest.mark.parametrize(
    ("lasts", "start", "window"),
    [
        ([38, 38, 38], 0, Window(0, 30)),
        ([12, 38, 61, 90], 0, Window(0, 60)),
        ([12, 12], 0, Window(0, 12)),
        ([12, 12], 8, None),
        ([3], 0, None),
    ],
)
def test_a_window_for_prediction_ends_before_most_trials_do(
    lasts: list[int], start: int, window: Window | None
) -> None:
    frames = frames_of({f"S{number}T1": [0, last] for number, last in enumerate(lasts)})
    assert window_for_prediction(frames, start) == window
    if window is not None:
        assert kind_of_task(frames, window) == "prediction"
