"""socal_core.figures.frozen"""

import pandas as pd
import pytest

from socal_core.dataset.targets import Target
from socal_core.figures.frozen import inner_candidates, inner_fold_bars
from socal_core.runs.events import FOLD_FIELDS

FOLDS = pd.DataFrame([[1, 2, 3, 6, 3, 0.5, 0.75], [2, 2, 3, 5, 0, None, None]], columns=list(FOLD_FIELDS))
TABLE = [
    {"encoders": ["image"], "statistics": ["mean"], "strength": 1.0, "loss": 0.7, "auroc": 0.5, "member": False},
    {
        "encoders": ["image", "video"],
        "statistics": ["mean", "slope"],
        "strength": 0.01,
        "loss": 0.4,
        "auroc": None,
        "member": True,
    },
]


def test_a_bar_for_each_inner_fold() -> None:
    (bars,) = inner_fold_bars(FOLDS).data
    assert list(bars.x) == ["Fold 1<br>6 trials", "Fold 2<br>5 trials"]
    assert list(bars.y) == [0.75, pytest.approx(float("nan"), nan_ok=True)]


def test_members_of_the_head_and_other_candidates_have_colours_of_their_own() -> None:
    members, others = inner_candidates(TABLE).data
    assert (members.name, list(members.y), list(members.x)) == ("In the head", ["image + video:<br>mean, slope"], [0.4])
    assert (others.name, list(others.y), list(others.x)) == ("Left out", ["image:<br>mean"], [0.7])
    assert members.marker.color != others.marker.color


def test_the_axis_names_the_loss_and_that_of_chance() -> None:
    assert inner_candidates(TABLE).layout.xaxis.title.text == "Log loss (0.69: chance)"
    figure = inner_candidates(TABLE, Target("blood_loss", "Blood loss", "mL"), 1.04)
    assert figure.layout.xaxis.title.text == "Squared error (1.04: the mean)"


@pytest.mark.parametrize("figure", [inner_fold_bars(FOLDS[:0]), inner_candidates([])])
def test_a_figure_without_data_explains_when_the_data_comes(figure) -> None:
    assert figure.layout.annotations[0].text
    assert (figure.layout.xaxis.visible, figure.layout.yaxis.visible) == (False, False)
    assert not figure.layout.shapes


def test_names_of_many_candidates_have_room() -> None:
    many = [{**TABLE[0], "encoders": ["image", "video"], "statistics": [str(number)]} for number in range(20)]
    heights = [inner_candidates(table).layout.height for table in (TABLE, many)]
    assert heights == [360, 136 + 20 * 34]
