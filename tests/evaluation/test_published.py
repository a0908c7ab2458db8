"""socal_core.evaluation.published"""

import json

import pytest

from socal_core.evaluation.published import (
    ALWAYS_SUCCESS,
    BLOOD_LOSS,
    EXPERTS,
    PUBLISHED,
    REGRESSION,
    SOCALNET,
    WITH_TOOLS,
    PublishedResult,
    reference_lines,
)
from socal_core.splits import SplitMethod

SOCAL20 = SplitMethod.SOCAL20


def found(target: str, window: str, metric: str) -> dict[str, PublishedResult]:
    lines = reference_lines(SOCAL20, window, target)
    assert lines.reason == ""
    return {result.predictor: result for result in lines.results if result.metric == metric}


def test_accuracies_of_the_first_minute() -> None:
    accuracy = found("success", "0:60", "accuracy")
    assert {name: (result.hits, result.n) for name, result in accuracy.items()} == {
        SOCALNET: (17, 20),
        EXPERTS: (14, 20),
        ALWAYS_SUCCESS: (11, 20),
    }
    assert accuracy[SOCALNET].interval == pytest.approx((0.64, 0.95), abs=0.006)
    assert accuracy[EXPERTS].interval == pytest.approx((0.48, 0.86), abs=0.006)
    assert "Sci Rep 2022;12:8137" in accuracy[EXPERTS].source


def test_counts_give_the_published_percentages() -> None:
    published = {
        SOCALNET: {"sensitivity": 100, "specificity": 66, "ppv": 79, "npv": 100},
        EXPERTS: {"sensitivity": 82, "specificity": 55, "ppv": 69, "npv": 71},
        ALWAYS_SUCCESS: {"sensitivity": 100, "specificity": 0, "ppv": 55},
    }
    for predictor, percentages in published.items():
        for metric, percentage in percentages.items():
            assert abs(100 * found("success", "0:60", metric)[predictor].value - percentage) < 1


def test_the_result_with_tool_labels_belongs_to_the_whole_trial() -> None:
    accuracy = found("success", "whole", "accuracy")
    assert (accuracy[WITH_TOOLS].hits, accuracy[SOCALNET].hits, accuracy[ALWAYS_SUCCESS].hits) == (18, 17, 11)
    assert EXPERTS not in accuracy


def test_blood_loss() -> None:
    first, whole = found(BLOOD_LOSS, "0:60", "rmse"), found(BLOOD_LOSS, "whole", "rmse")
    assert (first[SOCALNET].value, first[EXPERTS].value) == (295, 350)
    assert REGRESSION not in first
    assert (whole[REGRESSION].value, whole[REGRESSION].unit, whole[REGRESSION].interval) == (431, "mL", None)
    assert found(BLOOD_LOSS, "whole", "r2")[REGRESSION].value == 0.35
    errors = found(BLOOD_LOSS, "0:60", "mean_error")
    assert (errors[EXPERTS].value, errors[SOCALNET].value) == (-131, -57)
    large = found(BLOOD_LOSS, "0:60", "sensitivity_500_ml")
    assert (large[EXPERTS].value, large[SOCALNET].value) == (0.475, 0.8)
    assert large[EXPERTS].interval == pytest.approx((0.33, 0.63), abs=0.006)


@pytest.mark.parametrize(
    ("method", "window", "target", "reason"),
    [
        (SplitMethod.SURGEON, "0:60", "success", "tested on others"),
        (SplitMethod.KFOLD, "0:60", "success", "split_method=socal20"),
        (SOCAL20, "0:30", "success", "something else (first 30 s)"),
        (SOCAL20, "0:-10", BLOOD_LOSS, "all but the last 10 s"),
        (SOCAL20, "0:60", "tth", "no published results for the target tth"),
    ],
)
def test_what_is_not_comparable_is_not_returned(method: SplitMethod, window: str, target: str, reason: str) -> None:
    lines = reference_lines(method, window, target)
    assert lines.results == ()
    assert reason in lines.reason


def test_each_result_has_a_source_and_each_proportion_an_interval() -> None:
    for result in PUBLISHED:
        assert result.source
        assert (result.hits is None) == (result.number is not None) == (result.interval is None)
        assert json.loads(json.dumps(result.as_dict()))["value"] == result.value
    keys = [(result.predictor, result.metric, result.target, result.window) for result in PUBLISHED]
    assert len(set(keys)) == len(keys)
