"""socal_core.evaluation.decision_curve, against the formula by hand"""

import numpy as np
import pytest

from socal_core.evaluation.decision_curve import DECISION_COLUMNS, THRESHOLDS, decision_curve

# Four failures and six successes; probabilities of success.
LABELS = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
PROBABILITIES = [0.1, 0.3, 0.45, 0.8, 0.2, 0.6, 0.7, 0.75, 0.9, 0.95]


def test_the_net_benefit_of_predicting_failure_by_hand() -> None:
    # Failure is at least 0.5 likely in four trials, three of which failed: TP 3, FP 1.
    curve = decision_curve(LABELS, PROBABILITIES, thresholds=[0.2, 0.5])
    assert tuple(curve.columns) == DECISION_COLUMNS
    low, half = curve.itertuples()
    assert half.model == pytest.approx(3 / 10 - 1 / 10 * 1)
    assert half.treat_all == pytest.approx(4 / 10 - 6 / 10 * 1)
    # Failure is at least 0.2 likely in all trials but two; 1 - 0.8 counts as 0.2, whatever its rounding: TP 4, FP 4.
    assert low.model == pytest.approx(4 / 10 - 4 / 10 * 0.2 / 0.8)
    assert low.treat_all == pytest.approx(4 / 10 - 6 / 10 * 0.2 / 0.8)
    assert low.treat_none == half.treat_none == 0


def test_the_net_benefit_of_predicting_success_by_hand() -> None:
    row = decision_curve(LABELS, PROBABILITIES, outcome=1, thresholds=[0.75]).iloc[0]
    # Success is at least 0.75 likely in three successes and one failure; three false positives weigh as one true one.
    assert row["model"] == pytest.approx(3 / 10 - 1 / 10 * 3)
    assert row["treat_all"] == pytest.approx(6 / 10 - 4 / 10 * 3)


def test_both_outcomes_are_mirror_images() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 40), rng.random(40)
    failure, success = decision_curve(y, p, outcome=0), decision_curve(1 - y, 1 - p, outcome=1)
    np.testing.assert_allclose(failure["model"], success["model"])
    assert failure["threshold"].tolist() == list(THRESHOLDS)


def test_treating_all_is_worth_nothing_at_the_rate_of_the_outcome_and_a_perfect_model_is_never_worse() -> None:
    curve = decision_curve(LABELS, np.array(LABELS, dtype=float), thresholds=[0.1, 0.4, 0.9])
    assert curve["treat_all"].iloc[1] == pytest.approx(0)
    assert curve["model"].tolist() == pytest.approx([0.4] * 3)


@pytest.mark.parametrize(("labels", "model", "treat_all"), [([0], 1, 1), ([1], -1, -1)])
def test_one_trial_of_one_class(labels: list[int], model: float, treat_all: float) -> None:
    row = decision_curve(labels, [0.2], thresholds=[0.5]).iloc[0]
    assert (row["model"], row["treat_all"]) == (model, treat_all)


def test_no_trials_have_no_benefit() -> None:
    assert decision_curve([], [])[["model", "treat_all", "treat_none"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outcome": 2}, "outcome must be 0 or 1"),
        ({"thresholds": [0.0, 0.5]}, "above 0 and below 1"),
        ({"thresholds": [1.0]}, "above 0 and below 1"),
    ],
)
def test_what_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decision_curve(LABELS, PROBABILITIES, **arguments)
