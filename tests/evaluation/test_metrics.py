"""socal_core.evaluation.metrics, against counting by hand and against scipy"""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from socal_core.evaluation.metrics import (
    auroc_interval,
    choose_threshold,
    length_auroc,
    metrics_of,
    roc_points,
    wilson_interval,
)
from socal_core.evaluation.trial_scores import metrics_of_test_trials

LABELS = [1, 1, 1, 0, 0, 1, 0, 1]
PROBABILITIES = [0.9, 0.8, 0.3, 0.4, 0.1, 0.6, 0.7, 0.6]
PREDICTED = [1, 1, 0, 0, 0, 1, 1, 1]


def test_counted_by_hand() -> None:
    metrics = metrics_of(LABELS, PROBABILITIES, PREDICTED)
    assert metrics["confusion_matrix"] == [[2, 1], [1, 4]]
    assert metrics["n"] == 8
    assert metrics["accuracy"] == 6 / 8
    assert metrics["balanced_accuracy"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert (metrics["precision"], metrics["recall"], metrics["f1"]) == (4 / 5, 4 / 5, 4 / 5)
    assert metrics["brier"] == pytest.approx(np.mean((np.array(LABELS) - PROBABILITIES) ** 2))
    assert metrics["per_class"]["failure"] == {"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3}
    assert metrics["per_class"]["success"]["support"] == 5


@pytest.mark.parametrize("seed", range(5))
def test_auroc_is_the_mann_whitney_statistic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation([0] * 12 + [1] * 20)
    probabilities = rng.random(32).round(1)  # with ties
    u = mannwhitneyu(probabilities[labels == 1], probabilities[labels == 0]).statistic
    assert metrics_of(labels, probabilities, labels)["auroc"] == pytest.approx(u / (12 * 20))


@pytest.mark.parametrize(("label", "undefined"), [(1, "failure"), (0, "success")])
def test_with_one_class_what_is_not_defined_is_none(label: int, undefined: str) -> None:
    metrics = metrics_of([label] * 3, [0.2, 0.5, 0.8], [label] * 3)
    assert metrics["accuracy"] == 1
    assert metrics["auroc"] is None
    assert metrics["balanced_accuracy"] is None
    assert metrics["intervals"]["auroc"] is None
    assert metrics["per_class"][undefined] == {"precision": None, "recall": None, "f1": None, "support": 0}


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="same length"):
        metrics_of([1], [0.5, 0.5], [1])
    with pytest.raises(ValueError, match="not be empty"):
        metrics_of([], [], [])


def test_the_published_wilson_intervals() -> None:
    assert wilson_interval(17, 20) == pytest.approx((0.64, 0.95), abs=0.006)
    assert wilson_interval(14, 20) == pytest.approx((0.48, 0.86), abs=0.006)
    assert wilson_interval(0, 0) is None


def test_an_auroc_interval_holds_its_estimate_and_is_never_a_point() -> None:
    for positives, negatives, shift in product((3, 10, 40), (3, 10), (-5.0, 0.0, 1.0, 50.0)):
        rng = np.random.default_rng(0)
        labels = np.array([1] * positives + [0] * negatives)
        scores = rng.normal(size=len(labels)) + shift * labels
        interval = auroc_interval(labels, scores)
        assert interval is not None
        estimate = mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic / (positives * negatives)
        assert 0 <= interval[0] <= estimate <= interval[1] <= 1
        assert interval[1] - interval[0] > 0.02


@pytest.mark.slow
def test_an_auroc_interval_covers_the_truth_in_about_95_of_100_samples() -> None:
    rng = np.random.default_rng(1)
    truth = 0.8413447  # of two normals two thirds overlapping: Phi(sqrt 2 / sqrt 2)
    covered = 0
    for _ in range(400):
        scores = np.concatenate([rng.normal(np.sqrt(2), 1, 25), rng.normal(0, 1, 15)])
        low, high = auroc_interval([1] * 25 + [0] * 15, scores) or (0, 0)
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.parametrize(
    ("labels", "probabilities", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 0.25),
        ([0, 1], [0.1, 0.9], 0.5),
        ([0, 0, 1], [0.6, 0.7, 0.9], 0.8),
        ([1, 1, 1], [0.1, 0.2, 0.3], 0.5),
        ([0, 0], [0.9, 0.8], 0.5),
    ],
)
def test_the_threshold_separates_the_trials_it_is_chosen_on(
    labels: list[int], probabilities: list[float], expected: float
) -> None:
    assert choose_threshold(labels, probabilities) == pytest.approx(expected)


@pytest.mark.slow
def test_no_threshold_beats_the_chosen_one() -> None:
    rng = np.random.default_rng(3)
    labels, probabilities = rng.permutation([0] * 7 + [1] * 9), rng.random(16)

    def score(threshold: float) -> float:
        balanced = metrics_of(labels, probabilities, probabilities >= threshold)["balanced_accuracy"]
        assert balanced is not None
        return balanced

    chosen = score(choose_threshold(labels, probabilities))
    assert chosen >= max(score(threshold) for threshold in np.linspace(0, 1, 501)) - 1e-12


def test_the_roc_curve_encloses_the_auroc() -> None:
    fpr, tpr = roc_points(LABELS, PROBABILITIES)
    area = float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))
    assert area == pytest.approx(metrics_of(LABELS, PROBABILITIES, PREDICTED)["auroc"])
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)


def test_only_test_trials_count() -> None:
    table = pd.DataFrame(
        {
            "trial_id": ["a", "b", "c"],
            "participant_id": ["01", "02", "03"],
            "split": ["train", "test", "test"],
            "label": [0, 1, 0],
            "prob_success": [0.9, 0.8, 0.6],
            "predicted": [1, 1, 1],
        }
    )
    metrics = metrics_of_test_trials(table)
    # The notebook compared the labels with the labels, which is always right; the prediction for c is wrong.
    assert (metrics["n"], metrics["accuracy"]) == (2, 0.5)
    assert metrics["confusion_matrix"] == [[0, 1], [0, 1]]
    assert [trial["trial_id"] for trial in metrics["trials"]] == ["b", "c"]
    assert metrics["trials"][0] == {
        "trial_id": "b",
        "participant_id": "02",
        "label": 1,
        "prob_success": 0.8,
        "predicted": 1,
    }


@pytest.mark.parametrize(
    ("success", "frames", "auroc"),
    [
        ([1, 1, 0, 0], [10, 20, 30, 40], 1.0),
        ([0, 0, 1, 1], [10, 20, 30, 40], 1.0),
        ([0, 1, 0, 1], [10, 10, 10, 10], 0.5),
        ([0, 1, 1, None, 0], [10, 10, 20, 99, 15], 0.625),
        ([1, 1], [10, 20], None),
        ([], [], None),
    ],
)
def test_length_auroc(success: list[int | None], frames: list[int], auroc: float | None) -> None:
    trials = pd.DataFrame({"success": pd.array(success, dtype="Int64"), "n_frames": frames})
    assert length_auroc(trials) == auroc
