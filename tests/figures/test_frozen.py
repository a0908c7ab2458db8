"""socal_core.figures.frozen"""

import pandas as pd
import pytest

from socal_core.figures.frozen import inner_candidates, inner_folds
from socal_core.runs.events import FOLD_FIELDS

FOLDS = pd.DataFrame([[1, 2, 3, 6, 3, 0.5, 0.75], [2, 2, 3, 5, 0, None, None]], columns=list(FOLD_FIELDS))
TABLE = [
    {"encoders": ["image"], "statistics": ["mean"], "strength": 1.0, "loss": 0.6, "auroc": 0.7},
    {"encoders": ["image", "video"], "statistics": ["mean", "slope"], "strength": 0.01, "loss": 0.4, "auroc": None},
]


def test_a_bar_for_each_inner_fold() -> None:
    (bars,) = inner_folds(FOLDS).data
    assert list(bars.x) == ["Fold 1<br>6 trials", "Fold 2<br>5 trials"]
    assert list(bars.y) == [0.75, pytest.approx(float("nan"), nan_ok=True)]


def test_the_candidate_with_the_lowest_loss_has_the_star() -> None:
    dots, star = inner_candidates(TABLE).data
    assert list(zip(dots.y, dots.x, strict=True)) == [("image: mean", 0.6), ("image + video: mean, slope", 0.4)]
    assert (list(star.y), list(star.x)) == (["image + video: mean, slope"], [0.4])


@pytest.mark.parametrize("figure", [inner_folds(FOLDS[:0]), inner_candidates([])])
def test_a_figure_without_data_says_when_it_comes(figure) -> None:
    assert figure.layout.annotations[0].text
