"""socal_core.evaluation.confidence"""

import numpy as np
import pytest

from socal_core.evaluation.arrays import Binning
from socal_core.evaluation.confidence import accuracy_by_confidence, confidence_sentence
from socal_core.evaluation.intervals import outcome_estimates

LABELS = [1, 0, 1, 0, 1, 0, 0, 1]
PROBABILITIES = [0.95, 0.1, 0.85, 0.45, 0.55, 0.35, 0.7, 0.2]
PREDICTED = [1, 0, 1, 0, 1, 0, 1, 0]


def test_groups_of_equal_count_by_hand() -> None:
    unsure, sure = accuracy_by_confidence(LABELS, PROBABILITIES, PREDICTED, groups=2)
    # Confidences: .95 .9 .85 .55 .55 .65 .7 .8; the last two are wrong.
    assert (unsure.low, unsure.high, unsure.n, unsure.right) == (0.55, 0.7, 4, 3)
    assert (sure.low, sure.high, sure.n, sure.right) == (0.8, 0.95, 4, 3)
    assert sure.confidence == pytest.approx((0.95 + 0.9 + 0.85 + 0.8) / 4)
    assert sure.interval is None  # four trials are of four surgeons at most
    assert sure.as_dict()["accuracy"] == sure.accuracy == 0.75


def test_groups_of_equal_width_by_hand() -> None:
    found = accuracy_by_confidence(LABELS, PROBABILITIES, PREDICTED, groups=5, binning=Binning.EQUAL_WIDTH)
    assert [(group.n, group.right) for group in found] == [(2, 2), (1, 1), (1, 0), (2, 1), (2, 2)]
    assert [group.low for group in found] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])
    assert found[-1].high == 1


def test_a_failure_predicted_with_certainty_is_as_confident_as_a_success() -> None:
    (group,) = accuracy_by_confidence([0, 1], [0.0, 1.0], [0, 1])
    assert (group.n, group.confidence, group.accuracy) == (2, 1, 1)


def test_the_prediction_of_the_run_counts_not_the_likelier_outcome() -> None:
    (group,) = accuracy_by_confidence([0], [0.6], [0])  # with a threshold above 0.6
    assert group.accuracy == 1


def test_a_model_that_knows_when_it_is_right_rises() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(4000)
    y = (rng.random(4000) < p).astype(int)
    accuracies = [group.accuracy for group in accuracy_by_confidence(y, p, p >= 0.5)]
    assert accuracies == sorted(accuracies)
    assert accuracies[-1] > accuracies[0] + 0.25


def test_few_trials() -> None:
    assert accuracy_by_confidence([], [], []) == ()
    (one,) = accuracy_by_confidence([1], [0.3], [0])
    assert (one.n, one.accuracy, one.low, one.high) == (1, 0, 0.7, 0.7)
    assert len(accuracy_by_confidence([1, 0, 1], [0.4, 0.6, 0.6], [0, 1, 1])) == 1  # ties stay together
    with pytest.raises(ValueError, match="same length"):
        accuracy_by_confidence([1, 0], [0.3, 0.4], [1])


def test_the_sentence_compares_the_most_confident_group_with_the_rest() -> None:
    text = confidence_sentence(accuracy_by_confidence(LABELS, PROBABILITIES, PREDICTED))
    assert text == (
        "Of the test trials with a confidence of 0.90 or more, 2 of 2 were predicted correctly (100%); of the others, "
        "4 of 6 (67%)."
    )
    assert "about the same" in confidence_sentence(accuracy_by_confidence([1], [0.3], [0]))
    assert confidence_sentence(()) == "There are no test trials."


def test_intervals_are_those_over_surgeons() -> None:
    rng = np.random.default_rng(1)
    p, surgeons = rng.random(80), np.repeat(np.arange(40), 2)
    y = np.repeat(rng.integers(0, 2, 40), 2)  # both trials of a surgeon end alike
    (group,) = accuracy_by_confidence(y, p, p >= 0.5, groups=1, surgeons=surgeons)
    assert group.interval == outcome_estimates(y, p, p >= 0.5, surgeons)["accuracy"].interval
    (few,) = accuracy_by_confidence(y[:18], p[:18], p[:18] >= 0.5, groups=1, surgeons=surgeons[:18])
    assert few.interval is None  # nine surgeons
