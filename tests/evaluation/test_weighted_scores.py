"""socal_core.evaluation.weighted_scores"""

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn import metrics

from socal_core.evaluation.weighted_scores import (
    LARGE_ML,
    calibration_error,
    class_scores,
    number_scores,
    outcome_scores,
)

RNG = np.random.default_rng(4)
N = 60
Y = RNG.integers(0, 2, N)
P = np.clip(0.3 * Y + 0.7 * RNG.random(N), 0, 1).round(1)  # rounded, so that there are ties, also 0 and 1
D = (P >= 0.5).astype(int)
WEIGHTS = np.vstack([np.ones(N), RNG.integers(0, 4, (5, N))]).astype(float)


def test_scores_of_outcomes_agree_with_scikit_learn() -> None:
    found = outcome_scores(Y, P, D, WEIGHTS)
    flipped = {"y_true": 1 - Y, "y_pred": 1 - D}
    for i, w in enumerate(WEIGHTS):
        expected = {
            "accuracy": metrics.accuracy_score(Y, D, sample_weight=w),
            "balanced_accuracy": metrics.balanced_accuracy_score(Y, D, sample_weight=w),
            "precision": metrics.precision_score(Y, D, sample_weight=w),
            "recall": metrics.recall_score(Y, D, sample_weight=w),
            "specificity": metrics.recall_score(**flipped, sample_weight=w),
            "npv": metrics.precision_score(**flipped, sample_weight=w),
            "f1": metrics.f1_score(Y, D, sample_weight=w),
            "f1_failure": metrics.f1_score(**flipped, sample_weight=w),
            "matthews": metrics.matthews_corrcoef(Y, D, sample_weight=w),
            "auroc": metrics.roc_auc_score(Y, P, sample_weight=w),
            "average_precision": metrics.average_precision_score(Y, P, sample_weight=w),
            "brier": metrics.brier_score_loss(Y, P, sample_weight=w),
            "log_loss": metrics.log_loss(Y, P, sample_weight=w),
        }
        assert {name: found[name][i] for name in expected} == pytest.approx(expected)
        assert found.keys() - expected == {"calibration_error"}


def test_scores_of_classes_agree_with_scikit_learn() -> None:
    y = RNG.integers(0, 3, N)
    p = RNG.dirichlet(np.ones(3), N) + 0.3 * np.eye(3)[y]
    p /= p.sum(axis=1, keepdims=True)
    d = p.argmax(axis=1)
    found = class_scores(y, p, d, WEIGHTS)
    for i, w in enumerate(WEIGHTS):
        expected = {
            "accuracy": metrics.accuracy_score(y, d, sample_weight=w),
            "balanced_accuracy": metrics.balanced_accuracy_score(y, d, sample_weight=w),
            "macro_f1": metrics.f1_score(y, d, average="macro", sample_weight=w),
            "macro_auroc": metrics.roc_auc_score(y, p, multi_class="ovr", average="macro", sample_weight=w),
        }
        assert {name: values[i] for name, values in found.items()} == pytest.approx(expected)


def test_a_class_without_trials_does_not_count() -> None:
    y, p = np.array([0, 0, 2, 2]), np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.3, 0.1, 0.6]])
    found = class_scores(y, p, p.argmax(axis=1), np.ones((1, 4)))
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)  # class 1 is predicted once
    assert found["macro_auroc"] == pytest.approx((0.75 + 1) / 2)


def test_scores_of_numbers_agree_with_trials_that_are_repeated() -> None:
    true = RNG.gamma(1.5, 370, N)
    predicted = 0.5 * true + RNG.normal(250, 150, N)
    found = number_scores(true, predicted, WEIGHTS)
    for i, w in enumerate(WEIGHTS.astype(int)):
        a, b = np.repeat(true, w), np.repeat(predicted, w)
        expected = {
            "rmse": metrics.root_mean_squared_error(a, b),
            "mae": metrics.mean_absolute_error(a, b),
            "mean_error": np.mean(b - a),
            "r2": metrics.r2_score(a, b),
            "correlation": pearsonr(a, b).statistic,
            "large_recall": metrics.recall_score(a > LARGE_ML, b > LARGE_ML),
        }
        assert {name: values[i] for name, values in found.items()} == pytest.approx(expected)


def test_the_calibration_error_is_that_of_ten_bins() -> None:
    for i, error in enumerate(calibration_error(Y == 1, P, WEIGHTS)):
        total = 0.0
        for b in range(10):
            rows = [j for j in range(N) if b / 10 <= P[j] < (b + 1) / 10 or (b == 9 and P[j] == 1)]
            total += abs(sum(WEIGHTS[i, j] * (P[j] - Y[j]) for j in rows))
        assert error == pytest.approx(total / WEIGHTS[i].sum())


def test_what_is_not_defined_is_nan() -> None:
    found = outcome_scores(np.array([1, 1]), np.array([0.2, 0.4]), np.array([0, 0]), np.array([[1.0, 1.0], [0, 0]]))
    assert np.isnan([found[name][0] for name in ("auroc", "specificity", "balanced_accuracy", "precision")]).all()
    assert (found["recall"][0], found["npv"][0], found["average_precision"][0]) == (0, 0, 1)
    assert all(np.isnan(values[1]) for values in found.values())
    constant = number_scores(np.array([1.0, 2.0]), np.array([3.0, 3.0]), np.ones((1, 2)))
    assert np.isnan(constant["correlation"][0])
