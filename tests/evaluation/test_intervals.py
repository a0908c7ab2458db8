"""socal_core.evaluation.intervals, jackknife and score_intervals; benchmarks/coverage.py measures coverage in full"""

from math import isnan

import numpy as np
import pytest
from scipy.stats import t
from sklearn import metrics

from benchmarks.coverage import PARTS, Draw, class_cohort, number_cohort, outcome_cohort, pair_cohort, true_scores
from socal_core.evaluation.differences import number_differences, outcome_differences
from socal_core.evaluation.intervals import (
    FEWEST,
    FEWEST_FOR,
    TOO_FEW,
    Estimate,
    auroc_estimate,
    class_estimates,
    number_estimates,
    outcome_estimates,
)
from socal_core.evaluation.jackknife import Jackknife, Surgeons, score_interval, t_interval
from socal_core.evaluation.metrics import auroc_interval, metrics_of, wilson_interval
from socal_core.evaluation.score_intervals import calibration_error_interval
from socal_core.evaluation.weighted_scores import outcome_scores


def cohort(seed: int, surgeons: int = 25, auroc: float = 0.8) -> tuple[np.ndarray, ...]:
    draw = Draw([seed], surgeons, icc=0.3)
    return *outcome_cohort(draw, auroc), draw.surgeons


def test_the_jackknife_agrees_with_scores_computed_without_each_surgeon() -> None:
    """Surgeons have one to three trials."""
    y, p, d, _ = cohort(1, surgeons=20)
    names = np.repeat([f"S{i}" for i in range(20)], [1, 3, 2, 2] * 5)
    groups = Surgeons(names)
    found = Jackknife(groups, outcome_scores(y, p, d, groups.weights)["auroc"])
    without = np.array([metrics.roc_auc_score(y[names != name], p[names != name]) for name in sorted(set(names))])
    assert found.value == pytest.approx(metrics.roc_auc_score(y, p))
    assert found.values[1:] == pytest.approx(without)
    assert found.variance == pytest.approx(19 / 20 * sum((without - without.mean()) ** 2))
    half = t.ppf(0.975, 19) * np.sqrt(found.variance)
    assert t_interval(found) == pytest.approx((found.value - half, found.value + half))
    assert groups.usual_design_effect == pytest.approx(1 + 0.2 * ((1 + 9 + 4 + 4) * 5 / 40 - 1))


def test_values_are_those_of_the_metrics() -> None:
    y, p, d, surgeons = cohort(2)
    found, expected = outcome_estimates(y, p, d, surgeons), metrics_of(y, p, d)
    for name in ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auroc", "brier"):
        assert found[name].value == pytest.approx(expected[name])


def test_every_score_lies_in_its_interval() -> None:
    for seed in range(30):
        auroc = (0.5, 0.8, 0.95)[seed % 3]
        draw = Draw([seed], 70 if seed % 2 else 10, icc=0.3)
        found = list(outcome_estimates(*outcome_cohort(draw, auroc), draw.surgeons).items())
        found += class_estimates(*class_cohort(draw, auroc), draw.surgeons).items()
        found += number_estimates(*number_cohort(draw, auroc), draw.surgeons).items()
        for name, estimate in found:
            if estimate.interval and name != "calibration_error":
                low, high = estimate.interval
                assert low <= estimate.value <= high, name
                assert low < high


def test_with_one_trial_per_surgeon_the_intervals_are_nearly_those_of_independent_trials() -> None:
    y, p, d, _ = cohort(3, surgeons=100)
    found = outcome_estimates(y, p, d, np.arange(200))
    assert found["accuracy"].interval == pytest.approx(wilson_interval(int((y == d).sum()), 200), abs=0.003)
    assert found["recall"].interval == pytest.approx(wilson_interval(int(d[y == 1].sum()), int(y.sum())), abs=0.003)
    assert found["auroc"].interval == pytest.approx(auroc_interval(y, p), abs=0.01)


def test_trials_of_a_surgeon_count_together() -> None:
    """Each trial twice under its surgeon's name shows nothing new; as trials of their own they seem to be more."""
    y, p, d, surgeons = (np.tile(values, 2) for values in cohort(4, surgeons=60))
    once, together = outcome_estimates(*cohort(4, surgeons=60)), outcome_estimates(y, p, d, surgeons)
    apart = outcome_estimates(y, p, d, np.arange(len(y)))
    for name in ("accuracy", "auroc", "f1", "matthews", "brier", "average_precision"):
        widths = [np.diff(found[name].interval)[0] for found in (once, together, apart)]
        assert widths[1] == pytest.approx(widths[0], rel=0.1), name
        assert widths[2] < 0.85 * widths[0], name


def test_a_perfect_prediction_has_an_interval() -> None:
    y, _, _, surgeons = cohort(5, surgeons=10)
    found = outcome_estimates(y, 0.1 + 0.8 * y, y, surgeons)
    for name in ("accuracy", "balanced_accuracy", "recall", "specificity", "f1", "matthews", "auroc"):
        estimate = found[name]
        assert estimate.value == 1
        assert estimate.interval is not None
        assert 0.4 < estimate.interval[0] < 0.95
        assert estimate.interval[1] == 1
    assert found["accuracy"].interval[0] < wilson_interval(20, 20)[0]  # twenty trials of ten surgeons are not twenty


def test_few_surgeons_have_values_and_no_interval() -> None:
    y, p, d, surgeons = cohort(6, surgeons=FEWEST - 1)
    found = outcome_estimates(y, p, d, surgeons)
    assert {estimate.reason for estimate in found.values()} == {TOO_FEW}
    assert found["accuracy"].value == np.mean(y == d)
    assert outcome_differences(y, (p, d), (1 - p, d), surgeons)["auroc"].reason == TOO_FEW


def test_one_surgeon_has_values_and_no_interval() -> None:
    y, p, d, surgeons = cohort(6, surgeons=1)
    found = outcome_estimates(y, p, d, surgeons) | number_estimates(p, 1 - p, surgeons)
    assert {estimate.reason for estimate in found.values() if estimate.value is not None} == {TOO_FEW}
    assert found["accuracy"].value == np.mean(y == d)


@pytest.mark.parametrize("name", list(FEWEST_FOR))
def test_some_scores_need_more_surgeons(name: str) -> None:
    for count, has_interval in ((FEWEST_FOR[name] - 1, False), (FEWEST_FOR[name], True)):
        draw = Draw([7], count, icc=0.3)
        found = outcome_estimates(*outcome_cohort(draw, 0.8), draw.surgeons)
        found |= number_estimates(*number_cohort(draw, 0.8), draw.surgeons)
        assert (found[name].interval is not None) is has_interval
        assert found["recall"].interval is not None


def test_some_differences_need_more_surgeons() -> None:
    for count in (19, 20):
        draw = Draw([7], count, icc=0.3)
        y, p, d, q, e = pair_cohort(draw, (0.8, 0.7))
        found = outcome_differences(y, (p, d), (q, e), draw.surgeons)
        without = {name for name, estimate in found.items() if estimate.reason == TOO_FEW}
        assert without == ({"auroc", "accuracy", "balanced_accuracy"} if count < 20 else set())
        gaps = number_differences(p, q, 1 - q, draw.surgeons)
        assert gaps["squared_error"].reason == TOO_FEW
        assert gaps["absolute_error"].interval is not None


def test_a_class_of_one_surgeon_gives_no_interval() -> None:
    y = np.ones(40, dtype=int)
    y[:2] = 0
    found = outcome_estimates(y, np.linspace(0, 1, 40), (np.arange(40) > 3).astype(int), np.arange(40) // 2)
    for name in ("auroc", "specificity", "balanced_accuracy"):
        assert found[name].value is not None
        assert found[name].reason == TOO_FEW
    assert found["accuracy"].interval is not None
    assert found["recall"].interval is not None


def test_what_is_not_defined_has_neither_value_nor_reason() -> None:
    surgeons = np.arange(40) // 2
    found = outcome_estimates(np.ones(40), np.linspace(0, 1, 40), np.ones(40), surgeons)
    assert found["auroc"] == found["specificity"] == found["npv"] == found["matthews"] == Estimate(None, None)
    assert found["auroc"].reason is None
    assert found["recall"].value == 1
    constant = number_estimates(np.arange(40.0), np.full(40, 7.0), surgeons)
    assert constant["correlation"] == constant["large_recall"] == Estimate(None, None)
    assert class_estimates(np.ones(40), np.full((40, 3), 1 / 3), np.ones(40), surgeons)["macro_auroc"].value is None


def test_numbers_predicted_exactly() -> None:
    true = np.random.default_rng(0).gamma(1.5, 300, 40)
    found = number_estimates(true, true, np.arange(40) // 2)
    assert (found["r2"].value, found["r2"].interval) == (1, (1, 1))
    assert (found["mean_error"].value, found["mean_error"].interval) == (0, (0, 0))
    assert (found["mae"].value, found["mae"].reason) == (0, TOO_FEW)


def test_names_and_order_of_trials_do_not_matter() -> None:
    y, p, d, surgeons = cohort(8)
    order = np.random.default_rng(0).permutation(len(y))
    named = outcome_estimates(y[order], p[order], d[order], [f"S{900 - i}" for i in surgeons[order]])
    for name, estimate in outcome_estimates(y, p, d, surgeons).items():
        assert named[name].interval == pytest.approx(estimate.interval), name


def test_two_classes_have_the_same_intervals_in_both_ways() -> None:
    y, p, d, surgeons = cohort(9)
    two, several = outcome_estimates(y, p, d, surgeons), class_estimates(y, np.stack([1 - p, p], axis=1), d, surgeons)
    for name in ("accuracy", "balanced_accuracy"):
        assert several[name] == two[name]
    assert several["macro_auroc"].value == pytest.approx(two["auroc"].value)
    assert several["macro_auroc"].interval == pytest.approx(two["auroc"].interval, abs=0.01)


def test_the_ends_of_the_calibration_error_fit_what_was_found() -> None:
    """With the distances of either end, and one trial per surgeon, 2.5 % of samples are further away."""
    rng = np.random.default_rng(1)
    n = 400
    p, bins = np.repeat((np.arange(10) + 0.5) / 10, n // 10), np.repeat(np.arange(10), n // 10)
    y = rng.random(n) < np.clip(p + 0.2 * (-1) ** bins, 0, 1)
    in_bin = bins[:, None] == np.arange(10)
    low, high = calibration_error_interval(y, p, Surgeons(np.arange(n).astype(str)))
    distances, spread = (p - y)[:, None] * in_bin / n, (p * (1 - p)) @ in_bin / n**2
    error = np.abs(distances.sum(axis=0)).sum()
    assert 0 < low < error < high
    shown = n * distances.var(axis=0, ddof=1).sum() / spread.sum()  # the sum of n draws, against the binomial variance
    deviation = np.sqrt(spread * ((n - 1) * shown + 15) / (n - 1 + 15))
    for end, beyond in ((low, lambda e: e >= error), (high, lambda e: e <= error)):
        samples = np.abs(end / 10 + deviation * rng.normal(size=(40_000, 10))).sum(axis=1)
        assert np.mean(beyond(samples)) == pytest.approx(0.025, abs=0.006)


def test_right_probabilities_have_a_calibration_error_of_0_in_the_interval() -> None:
    lows = [outcome_estimates(*cohort(seed, surgeons=60))["calibration_error"].interval[0] for seed in range(40)]
    assert np.mean(np.array(lows) == 0) > 0.9


def test_swapped_predictors_give_differences_with_the_other_sign() -> None:
    draw = Draw([10], 20, icc=0.3)
    y, p, d, q, e = pair_cohort(draw, (0.8, 0.6))
    found = outcome_differences(y, (p, d), (q, e), draw.surgeons)
    swapped = outcome_differences(y, (q, e), (p, d), draw.surgeons)
    assert found.keys() == {"auroc", "accuracy", "balanced_accuracy", "brier", "log_loss"}
    for name, estimate in found.items():
        low, high = swapped[name].interval
        assert estimate.value == pytest.approx(-swapped[name].value)
        assert estimate.interval == pytest.approx((-high, -low))
    assert found["auroc"].value == pytest.approx(metrics.roc_auc_score(y, p) - metrics.roc_auc_score(y, q))


def test_a_predictor_differs_from_itself_by_exactly_0() -> None:
    y, p, d, surgeons = cohort(11)
    found = outcome_differences(y, (p, d), (p, d), surgeons)
    assert set(found.values()) == {Estimate(0.0, (0.0, 0.0))}


def test_comparisons_are_paired() -> None:
    """Two predictors that err on the same trials differ by less than their own intervals suggest."""
    y, p, d, surgeons = cohort(12)
    close = np.clip(p + np.random.default_rng(0).normal(0, 0.02, len(p)), 0, 1)
    difference = outcome_differences(y, (p, d), (close, d), surgeons)["auroc"].interval
    own = outcome_estimates(y, p, d, surgeons)["auroc"].interval
    assert np.diff(difference) < 0.8 * np.diff(own)
    true, first, second = np.random.default_rng(1).gamma(2, 200, (3, 40))
    gaps = number_differences(true, first, second, np.arange(40) // 2)
    assert gaps["absolute_error"].value == pytest.approx(np.mean(abs(first - true) - abs(second - true)))
    assert gaps["squared_error"].value == pytest.approx(np.mean((first - true) ** 2 - (second - true) ** 2))


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="not be empty, got lengths 2, 2, 2, 3"):
        outcome_estimates([0, 1], [0, 1], [0, 1], ["a", "b", "c"])
    with pytest.raises(ValueError, match="not be empty, got lengths 0, 0, 0"):
        number_estimates([], [], [])


def test_a_score_without_one_of_the_surgeons_is_not_known() -> None:
    groups = Surgeons(np.array(["a", "a", "b"]))
    scores = Jackknife(groups, np.array([0.5, 0.4, np.nan]))
    assert isnan(scores.variance)
    assert score_interval(scores, 3) is None
    assert t_interval(scores) is None


@pytest.mark.slow
@pytest.mark.parametrize(("surgeons", "icc", "auroc"), [(10, 0.6, 0.95), (20, 0.3, 0.8)])
def test_intervals_hold_the_truth(surgeons: int, icc: float, auroc: float) -> None:
    """In 300 cohorts of two cells; the standard error of a coverage is 1.3 %."""
    truth = true_scores("outcomes", auroc, trials=200_000)
    make, estimates, _, _ = PARTS["outcomes"]
    draw = Draw([13], surgeons, icc)
    found = [estimates(*make(draw, auroc), draw.surgeons) for _ in range(300)]
    for name, true in truth.items():
        intervals = [cohort[name].interval for cohort in found if cohort[name].interval]
        if surgeons < FEWEST_FOR.get(name, 0):
            assert not intervals
        else:
            assert np.mean([low <= true <= high for low, high in intervals]) > 0.88, name


@pytest.mark.parametrize("trials", [8, 12, 20, 24])
def test_a_model_that_always_says_the_same_has_intervals(trials: int) -> None:
    """The variance of equal scores is 0, and by rounding just below."""
    labels, surgeons = np.arange(trials) % 2, np.arange(trials) // 2
    for p in np.linspace(0.05, 0.95, 37):
        found = outcome_estimates(labels, np.full(trials, p), np.full(trials, p >= 0.5), surgeons)
        assert found["auroc"].value == 0.5
        assert found["log_loss"].value > 0


def test_the_auroc_alone_has_the_interval_that_it_has_among_all_scores() -> None:
    rng = np.random.default_rng(0)
    labels, p, surgeons = rng.integers(0, 2, 40), rng.random(40), np.arange(40) // 2
    assert auroc_estimate(labels, p, surgeons) == outcome_estimates(labels, p, p >= 0.5, surgeons)["auroc"]
