"""socal_core.dataset.windows"""

import pandas as pd
import pytest

from socal_core.dataset.windows import Window
from socal_core.errors import ConfigError

FRAMES = pd.DataFrame({"second": [0, 1, 2, 30, 59, 60, 61, 200]})


@pytest.mark.parametrize(
    ("text", "seconds", "task", "words"),
    [
        ("0:60", [0, 1, 2, 30, 59], "prediction", "first 60 s"),
        ("30:61", [30, 59, 60], "prediction", "seconds 30 to 61"),
        ("whole", [0, 1, 2, 30, 59, 60, 61, 200], "recognition", "whole trial"),
        ("500:600", [], "prediction", "seconds 500 to 600"),
    ],
)
def test_a_window_selects_seconds(text: str, seconds: list[int], task: str, words: str) -> None:
    window = Window.parse(text)
    assert window.select(FRAMES)["second"].tolist() == seconds
    assert (window.task, window.describe()) == (task, words)


@pytest.mark.parametrize(
    "text", ["", "60", "60:", ":60", "60:60", "61:60", "-1:60", "0:1e3", "first 60", "0:60:2", "WHOLE"]
)
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(ConfigError, match="window: must be 'whole' or 'A:B'"):
        Window.parse(text)
