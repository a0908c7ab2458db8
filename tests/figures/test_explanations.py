"""Figures of explanations."""

from dataclasses import replace

import pandas as pd

from socal_core.figures.explanations import times_figure, tools_figure
from socal_core.figures.style import GUIDE, SUCCESS
from tests.explanations.test_write import FOUND


def test_tools_that_stand_out_are_blue_and_the_first_is_at_the_top() -> None:
    bars, elsewhere = tools_figure(FOUND).data
    assert list(bars.y) == ["grasper", "suction"]
    assert list(bars.x) == [0.05, 0.3]
    assert list(bars.marker.color) == [GUIDE, SUCCESS]
    assert list(elsewhere.x) == [0.1, 0.0, 0.0, 0.1, -0.2, 0.0]


def test_without_boxes_the_figure_says_so() -> None:
    figure = tools_figure(replace(FOUND, tools=()))
    assert not figure.data
    assert figure.layout.annotations[0].text == "The frames that the model sees have no boxes."


def test_parts_of_the_window_are_named_by_their_seconds() -> None:
    (bars,) = times_figure(FOUND, pd.Series({0: 0, 3: 30, 6: 60})).data
    assert list(bars.x) == ["0–30", "60"]
    assert list(bars.y) == [0.1, -0.1]
