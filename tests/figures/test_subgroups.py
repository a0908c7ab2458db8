"""socal_core.figures.subgroups"""

import numpy as np
import pytest

from socal_core.evaluation.subgroups import subgroups
from socal_core.figures.subgroups import forest_plot
from tests.evaluation.made_predictions import draw_predictions, make_predictions
from tests.figures.made_tables import make_trials


@pytest.mark.parametrize("score", ["auroc", "accuracy"])
def test_each_group_has_a_point_with_its_interval(score: str) -> None:
    predictions = draw_predictions(0)
    numbers = [1, 2] * 20
    cohorts = ["USC"] * 32 + ["<b>Emory</b>"] * 8
    trials = make_trials(predictions["trial_id"].tolist(), trial_number=numbers, cohort=cohorts)
    report = subgroups(predictions, trials)
    figure = forest_plot(report, score)
    order = list(figure.layout.yaxis.categoryarray)
    assert order == [
        "All test trials",
        "Trial 1",
        "Trial 2",
        "Cohort: &lt;b&gt;Emory&lt;/b&gt;",
        "Cohort: USC",
        "Length: 0 frames",
    ]
    large, small = figure.data
    assert list(small.y) == ["Cohort: &lt;b&gt;Emory&lt;/b&gt;"]
    assert large.marker.symbol != small.marker.symbol
    for label, value, low, high in zip(large.y, large.x, large.error_x.arrayminus, large.error_x.array, strict=True):
        group = [report.overall, *report.groups][order.index(label)]
        expected = getattr(group, score)
        assert value == expected.value
        assert np.allclose((value - low, value + high), expected.interval)
    assert figure.layout.shapes[0].x0 == getattr(report.overall, score).value


def test_a_score_that_is_not_defined_is_a_text() -> None:
    one_class = make_predictions([1] * 4, [0.2, 0.4, 0.6, 0.8])
    report = subgroups(one_class, make_trials(one_class["trial_id"].tolist()))
    figure = forest_plot(report)
    assert not figure.data
    assert {note.text for note in figure.layout.annotations} == {"not defined"}
    assert len(forest_plot(report, "accuracy").data) == 1


def test_no_test_trials() -> None:
    nothing = draw_predictions(0)[:0]
    assert "no test trials" in forest_plot(subgroups(nothing, make_trials([]))).layout.annotations[0].text
