"""Figures of the effect of coaching."""

import numpy as np
import pandas as pd
import pytest

from socal_core.evaluation.coaching import MEASURES
from socal_core.figures.coaching import coaching_change, coaching_success
from tests.figures.made_tables import Pair, make_pairs, make_trials


def test_the_cells_show_how_many_surgeons_changed() -> None:
    figure = coaching_success(make_pairs("success", [(1, 1)] * 4 + [(0, 1)] * 3 + [(1, 0)] * 2 + [(0, 0)]))
    heat = figure.data[0]
    assert heat.z.tolist() == [[1, 3], [2, 4]]
    assert [[cell.split("<br>")[1] for cell in row] for row in heat.text] == [
        ["failed twice", "improved"],
        ["worsened", "succeeded twice"],
    ]
    assert list(heat.x) == list(heat.y) == ["Failure", "Success"]
    assert "10 surgeons" in figure.layout.title.subtitle.text
    assert "p = 1.00" in figure.layout.title.subtitle.text


def test_each_surgeon_has_a_line_from_before_to_after() -> None:
    figure = coaching_change(make_pairs("tth", [(300, 120), (100, 150), (200, 200), (90, 80), (None, 5)]), "tth")
    lines = {
        trace.name: [tuple(pair) for pair in np.reshape(trace.y, (-1, 3))[:, :2].tolist()] for trace in figure.data[:3]
    }
    assert lines == {"Less: 2": [(300, 120), (90, 80)], "More: 1": [(100, 150)], "The same: 1": [(200, 200)]}
    less = figure.data[0]
    assert list(less.customdata) == ["0"] * 3 + ["3"] * 3
    assert (np.isnan(less.x[2::3]).all(), np.isnan(less.y[2::3]).all()) == (True, True)
    assert (figure.data[-1].name, list(figure.data[-1].y)) == ("Medians", [150, 135])
    assert "4 surgeons' changes -5 s" in figure.layout.title.subtitle.text


@pytest.mark.parametrize(
    ("changes", "text"),
    [([-float(n) for n in range(1, 30)], "p < 0.001"), ([0.0], "no surgeon changed"), ([5.0, -5], "p = 1.00")],
)
def test_p_values_are_written_with_few_digits(changes: list[float], text: str) -> None:
    pairs: list[Pair] = [(500.0, 500 + change) for change in changes]
    assert text in coaching_change(make_pairs("blood_loss", pairs), "blood_loss").layout.title.subtitle.text


@pytest.mark.parametrize("trials", [make_trials([]), make_trials(["S1T1"], participant_id=["1"], trial_number=[1])])
def test_without_pairs_there_is_a_text(trials: pd.DataFrame) -> None:
    assert coaching_success(trials).layout.annotations[0].text.startswith("No surgeon")
    for column in MEASURES:
        assert coaching_change(trials, column).layout.annotations[0].text.startswith("No surgeon")
