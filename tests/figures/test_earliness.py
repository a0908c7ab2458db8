"""socal_core.figures.earliness"""

import pytest

from socal_core.evaluation.published import EXPERTS, experts_after_a_minute
from socal_core.figures.earliness import earliness_figure
from socal_core.runs.files.earliness_record import Earliness, EarlinessPoint
from socal_core.settings.split import SplitMethod

POINTS = (
    EarlinessPoint(10, "prediction", 20, 0.6, (0.4, 0.8), 0.55, (0.3, 0.7)),
    EarlinessPoint(60, "prediction", 20, None, None, 0.7, None),
    EarlinessPoint(None, "recognition", 20, 0.9, (0.8, 0.95), 0.85, (0.7, 0.9)),
)


def test_points_have_intervals_and_those_of_recognition_are_hollow() -> None:
    figure = earliness_figure(Earliness("whole", 1, 0.5, POINTS))
    auroc, accuracy = figure.data
    assert (list(auroc.x), list(auroc.y)) == (["10 s", "all"], [0.6, 0.9])
    assert list(auroc.error_y.array) == pytest.approx([0.2, 0.05])
    assert list(auroc.marker.symbol) == ["circle", "circle-open"]
    assert list(accuracy.x) == ["10 s", "60 s", "all"]
    assert list(accuracy.error_y.array) == pytest.approx([0.15, 0, 0.05])


def test_experts_stand_at_a_minute() -> None:
    experts = experts_after_a_minute(SplitMethod.SOCAL20, "0:60")
    assert experts is not None
    figure = earliness_figure(Earliness("0:60", 1, 0.5, POINTS[2:]), experts)
    shown = figure.data[-1]
    assert (list(shown.x), list(shown.y)) == (["60 s"], [experts.value])
    assert shown.name.startswith(EXPERTS)
    assert list(figure.data[0].x) == ["60 s"]


@pytest.mark.parametrize(
    ("method", "window", "comparable"),
    [
        (SplitMethod.SOCAL20, "0:60", True),
        (SplitMethod.SOCAL20, "whole", True),
        (SplitMethod.SOCAL20, "0:-10", True),
        (SplitMethod.SOCAL20, "0:90", True),
        (SplitMethod.SOCAL20, "0:50", False),
        (SplitMethod.SOCAL20, "10:90", False),
        (SplitMethod.SURGEON, "0:60", False),
    ],
)
def test_experts_are_compared_only_with_the_same_trials_and_seconds(
    method: SplitMethod, window: str, comparable: bool
) -> None:
    assert (experts_after_a_minute(method, window) is not None) is comparable
