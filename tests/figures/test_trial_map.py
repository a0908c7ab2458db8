"""socal_core.figures.trial_map"""

import pandas as pd
import pytest

from socal_core.evaluation.similar_trials import TrialMap
from socal_core.figures.trial_map import MOST_IN_LEGEND, trial_map_figure
from tests.evaluation.made_predictions import make_predictions
from tests.figures.made_tables import make_trials

PREDICTIONS = pd.concat(
    [
        make_predictions([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], ["1", "1", "<b>", ""]),
        make_predictions([1], [0.9], ["9"], split="train").assign(trial_id="S9T1"),
    ]
)
TRIALS = make_trials(PREDICTIONS["trial_id"].tolist(), cohort=["USC", "USC", None, "Emory", "Emory"])
POINTS = pd.DataFrame({"x": range(5), "y": range(5)}, PREDICTIONS["trial_id"].tolist(), dtype=float)
MAP = TrialMap(POINTS, (0.5, 0.25))


@pytest.mark.parametrize(
    ("colouring", "groups"),
    [
        ("outcome", {"Failure": [1, 3], "Success": [0, 2, 4]}),
        ("error", {"Right": [0, 2, 3], "Wrong": [1], "Not a test trial": [4]}),
        ("subset", {"Test": [0, 1, 2, 3], "Training": [4]}),
        ("cohort", {"Emory": [3, 4], "USC": [0, 1], "Unknown": [2]}),
        ("surgeon", {"1": [0, 1], "9": [4], "&lt;b&gt;": [2], "Unknown": [3]}),
    ],
)
def test_each_group_has_its_points_and_a_symbol_of_its_own(colouring: str, groups: dict[str, list[int]]) -> None:
    figure = trial_map_figure(MAP, PREDICTIONS, TRIALS, colouring)
    assert {trace.name: list(trace.x) for trace in figure.data} == groups
    looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == len(groups)
    for trace in figure.data:
        assert [row[0] for row in trace.customdata] == [POINTS.index[int(x)] for x in trace.x]
    assert "50% of the variance" in figure.layout.xaxis.title.text


def test_the_chosen_trial_is_marked() -> None:
    *_, ring = trial_map_figure(MAP, PREDICTIONS, TRIALS, marked="S9T1").data
    assert (ring.x, ring.y) == ((4.0,), (4.0,))
    assert len(trial_map_figure(MAP, PREDICTIONS, TRIALS, marked="gone").data) == 2


def test_many_surgeons_have_no_legend() -> None:
    n = MOST_IN_LEGEND + 1
    predictions = make_predictions([1] * n, [0.5] * n, [str(number) for number in range(n)])
    names = predictions["trial_id"].tolist()
    points = pd.DataFrame({"x": range(n), "y": range(n)}, names, dtype=float)
    figure = trial_map_figure(TrialMap(points, (0.5, 0.25)), predictions, make_trials(names), "surgeon")
    assert figure.layout.showlegend is False
    looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == n
