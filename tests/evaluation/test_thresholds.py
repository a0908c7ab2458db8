"""socal_core.evaluation.thresholds, against metrics.py and against trying every threshold"""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from socal_core.errors import ConfigError
from socal_core.evaluation.metrics import choose_threshold, metrics_of
from socal_core.evaluation.thresholds import (
    CURVE_COLUMNS,
    ThresholdRule,
    choose_by_rule,
    scores_at,
    threshold_curve,
    threshold_of_validation,
)

SENSITIVITY, F1 = ThresholdRule.SENSITIVITY, ThresholdRule.F1
Trials = tuple[NDArray[np.int64], NDArray[np.float64]]


def draw(seed: int, n: int = 18, digits: int = 1) -> Trials:
    """Trials of both outcomes, with ties."""
    rng = np.random.default_rng(seed)
    y = rng.permutation([0] * (n // 3) + [1] * (n - n // 3))
    return y, np.clip(0.2 * y + rng.random(n), 0, 1).round(digits)


@pytest.mark.parametrize("seed", range(8))
def test_balanced_accuracy_is_the_rule_of_the_metrics(seed: int) -> None:
    y, p = draw(seed)
    found = choose_by_rule(y, p)
    assert found.value == choose_threshold(y, p)
    assert (found.rule, found.validation_trials, found.note) == (ThresholdRule.BALANCED_ACCURACY, 18, "")
    # Youden's J = sensitivity + specificity - 1 is highest there too.
    curve = threshold_curve(y, p)
    youden = scores_at(y, p, found.value)
    highest = (curve["sensitivity"] + curve["specificity"] - 1).max()
    assert youden.sensitivity + youden.specificity - 1 == pytest.approx(highest)


@pytest.mark.parametrize("seed", range(8))
def test_no_threshold_has_a_higher_f1(seed: int) -> None:
    y, p = draw(seed)
    found = scores_at(y, p, choose_by_rule(y, p, F1).value)
    assert found.f1 == pytest.approx(max(scores_at(y, p, threshold).f1 for threshold in np.linspace(0, 1, 501)))


@pytest.mark.parametrize("sensitivity", [0.01, 0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_no_threshold_with_the_stated_sensitivity_has_a_higher_specificity(seed: int, sensitivity: float) -> None:
    y, p = draw(seed)
    found = scores_at(y, p, choose_by_rule(y, p, SENSITIVITY, sensitivity).value)
    every = [scores_at(y, p, threshold) for threshold in np.linspace(0, 1, 501)]
    allowed = [scores.specificity for scores in every if scores.sensitivity >= sensitivity]
    assert found.sensitivity >= sensitivity
    assert found.specificity == pytest.approx(max(allowed))


def test_a_sensitivity_that_is_exactly_reached_counts() -> None:
    y, p = [1] * 10 + [0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.35]
    assert choose_by_rule(y, p, SENSITIVITY, 0.7).value == pytest.approx(0.375)  # above the failure, seven successes


@pytest.mark.parametrize("rule", [ThresholdRule.BALANCED_ACCURACY, F1])
@pytest.mark.parametrize(
    ("y", "note"), [([], "no validation trials"), ([1], "same outcome"), ([0, 0, 0], "same outcome")]
)
def test_without_both_outcomes_it_is_one_half(y: list[int], note: str, rule: ThresholdRule) -> None:
    found = choose_by_rule(y, [0.9] * len(y), rule)
    assert found.value == 0.5
    assert note in found.note


def test_ties_everywhere() -> None:
    y, p = [0, 1, 1, 0], [0.4] * 4
    assert choose_by_rule(y, p).value == 0.5
    assert choose_by_rule(y, p, F1).value == 0  # calling all a success has F1 2/3, none has 0
    assert choose_by_rule(y, p, SENSITIVITY, 0.5).value == 0


@pytest.mark.parametrize(
    ("rule", "sensitivity"), [(F1, 0.5), (SENSITIVITY, None), (SENSITIVITY, 0.0), (SENSITIVITY, 1.01)]
)
def test_a_sensitivity_that_is_not_allowed(rule: ThresholdRule, sensitivity: float | None) -> None:
    with pytest.raises(ConfigError, match="sensitivity"):
        choose_by_rule([0, 1], [0.2, 0.7], rule, sensitivity)


@pytest.mark.parametrize("rule", [ThresholdRule.BALANCED_ACCURACY, F1])
def test_test_trials_have_no_influence(rule: ThresholdRule) -> None:
    (y, p), (other, q) = draw(1), draw(2)
    table = pd.DataFrame(
        {"split": ["validation"] * 18 + ["test"] * 18, "label": [*y, *other], "prob_success": [*p, *q]}
    )
    found = threshold_of_validation(table, rule)
    assert found == choose_by_rule(y, p, rule)
    table.loc[table["split"] == "test", ["label", "prob_success"]] = [1, 0.01]
    assert threshold_of_validation(table, rule) == found


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.55, 1.0])
def test_scores_at_a_threshold_are_those_of_the_metrics(threshold: float) -> None:
    y, p = draw(4, 31)
    found, expected = scores_at(y, p, threshold), metrics_of(y, p, p >= threshold)
    assert [[found.tn, found.fp], [found.fn, found.tp]] == expected["confusion_matrix"]
    assert (found.accuracy, found.precision, found.f1) == (expected["accuracy"], expected["precision"], expected["f1"])
    assert found.sensitivity == expected["recall"]
    assert found.balanced_accuracy == pytest.approx(expected["balanced_accuracy"])


def test_scores_that_are_not_defined_are_none() -> None:
    one = scores_at([1], [0.4], 0.5)
    assert (one.accuracy, one.sensitivity, one.specificity, one.balanced_accuracy, one.precision) == (
        0,
        0,
        None,
        None,
        None,
    )
    nothing = scores_at([], [], 0.5)
    assert set(nothing.as_dict().values()) == {0.5, 0, None}


def test_the_curve_has_the_scores_of_every_threshold() -> None:
    y, p = draw(6, 25, digits=2)
    curve = threshold_curve(y, p)
    assert tuple(curve.columns) == CURVE_COLUMNS
    assert (curve["threshold"].iloc[0], curve["threshold"].iloc[-1]) == (0, 1)
    for threshold in np.linspace(0, 1, 41):
        row = curve.iloc[int(np.searchsorted(curve["threshold"], threshold))]
        for name in CURVE_COLUMNS[1:]:
            expected = getattr(scores_at(y, p, threshold), name)
            assert row[name] == pytest.approx(np.nan if expected is None else expected, nan_ok=True)


@pytest.mark.parametrize(("y", "p"), [([], []), ([0], [0.3]), ([1, 1], [0.0, 1.0])])
def test_the_curve_of_few_trials(y: list[int], p: list[float]) -> None:
    curve = threshold_curve(y, p)
    assert curve["threshold"].is_monotonic_increasing
    assert curve["balanced_accuracy"].isna().all()
