"""socal_core.figures.thresholds"""

import pytest

from socal_core.evaluation.decision_curve import decision_curve
from socal_core.evaluation.thresholds import threshold_curve
from socal_core.figures.thresholds import SCORES, decision_figure, scores_over_thresholds

LABELS, PROBABILITIES = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.4, 0.6, 0.7, 0.9]


def test_each_score_is_a_step_curve_and_the_threshold_a_line() -> None:
    curve = threshold_curve(LABELS, PROBABILITIES)
    figure = scores_over_thresholds(curve, 0.55, other=0.3)
    assert [trace.name for trace in figure.data] == [name for name, _, _ in SCORES.values()]
    assert list(figure.data[0].x) == list(curve["threshold"])
    assert list(figure.data[0].y) == list(curve["sensitivity"])
    # The scores of a row hold below its threshold, down to that of the row before.
    assert {trace.line.shape for trace in figure.data} == {"vh"}
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == len(SCORES)
    assert [shape.x0 for shape in figure.layout.shapes] == [0.55, 0.3]
    assert figure.layout.annotations[0].text == "chosen: 0.55"


def test_scores_that_are_not_defined_are_left_out() -> None:
    names = [trace.name for trace in scores_over_thresholds(threshold_curve([1, 1], [0.3, 0.6]), 0.5).data]
    assert names == [SCORES["sensitivity"][0], SCORES["f1"][0]]
    assert "no scores" in scores_over_thresholds(threshold_curve([], []), 0.5).layout.annotations[0].text


@pytest.mark.parametrize(("outcome", "name"), [(0, "failure"), (1, "success")])
def test_net_benefit(outcome: int, name: str) -> None:
    curve = decision_curve(LABELS, PROBABILITIES, outcome)
    figure = decision_figure(curve, outcome)
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines["Act on the model"].y) == list(curve["model"])
    assert list(lines["Act in every trial"].y) == list(curve["treat_all"])
    assert set(lines["Never act"].y) == {0}
    assert name in figure.layout.title.text
    low, high = figure.layout.yaxis.range
    assert low == -0.1
    assert high > curve["model"].max()
    assert "no test trials" in decision_figure(decision_curve([], []), outcome).layout.annotations[0].text
