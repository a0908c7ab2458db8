"""socal_core.figures.calibration"""

import numpy as np
import pandas as pd

from socal_core.evaluation.calibration import calibration_report
from socal_core.evaluation.confidence import accuracy_by_confidence
from socal_core.figures.calibration import confidence_figure, reliability_diagram
from socal_core.figures.style import FAILURE, SUCCESS
from tests.evaluation.made_predictions import draw_predictions


def overconfident() -> pd.DataFrame:
    tables = []
    for seed, split in enumerate(("validation", "test")):
        table = draw_predictions(seed, n=40, skill=0.2).assign(split=split)
        p = table["prob_success"]
        tables.append(table.assign(trial_id=split + table["trial_id"], prob_success=p**3 / (p**3 + (1 - p) ** 3)))
    return pd.concat(tables, ignore_index=True)


def test_reliability_before_and_after_with_intervals() -> None:
    report = calibration_report(overconfident())
    diagonal, before, after = reliability_diagram(report).data
    assert list(diagonal.x) == list(diagonal.y) == [0, 1]
    for trace, calibration in ((before, report.before), (after, report.after)):
        assert list(trace.x) == [found.predicted for found in calibration.bins]
        assert list(trace.y) == [found.observed for found in calibration.bins]
        tops = np.array(trace.y) + trace.error_y.array
        assert np.allclose(tops, [(found.interval or (0, found.observed))[1] for found in calibration.bins])
        assert f"{calibration.error:.2f}" in trace.name
        assert [row[2] for row in trace.customdata] == [found.n for found in calibration.bins]
    assert (before.line.color, after.line.color) == (SUCCESS, FAILURE)
    assert before.marker.symbol != after.marker.symbol
    assert f"{report.temperature.value:.2f}" in after.name


def test_without_a_temperature_there_is_one_curve_and_the_reason() -> None:
    report = calibration_report(draw_predictions(0))
    figure = reliability_diagram(report)
    assert len(figure.data) == 2
    assert "too few" in figure.layout.title.subtitle.text


def test_no_test_trials() -> None:
    nothing = draw_predictions(0)[:0]
    assert reliability_diagram(calibration_report(nothing)).layout.annotations[0].text == "There are no test trials."
    assert confidence_figure(()).layout.annotations[0].text == "There are no test trials."


def test_accuracy_by_confidence() -> None:
    table = draw_predictions(3)
    groups = accuracy_by_confidence(table["label"], table["prob_success"], table["predicted"])
    diagonal, points = confidence_figure(groups).data
    assert list(diagonal.x) == [0.5, 1]
    assert list(points.x) == [group.confidence for group in groups]
    assert list(points.y) == [group.accuracy for group in groups]
    bottoms = np.array(points.y) - points.error_y.arrayminus
    assert np.allclose(bottoms, [(group.interval or (group.accuracy, 1))[0] for group in groups])
    assert [tuple(row[2:4]) for row in points.customdata] == [(group.right, group.n) for group in groups]
