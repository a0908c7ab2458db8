"""socal_core.evaluation.compare"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm, rankdata, t
from sklearn.metrics import roc_auc_score, root_mean_squared_error

from socal_core.evaluation.compare import (
    Difference,
    Ranking,
    Verdict,
    accuracy_difference,
    auroc_difference,
    groups_needed,
    macro_auroc_difference,
    rmse_difference,
)

Trials = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def draw(seed: int, surgeons: int, first: float, second: float, sizes: tuple[int, int] = (2, 2)) -> Trials:
    """Outcomes, scores of two predictors that are so many standard deviations higher for successes, and surgeons.

    Surgeons differ in skill and in how their trials are scored.
    """
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(surgeons), rng.integers(sizes[0], sizes[1], surgeons, endpoint=True))
    y = (rng.random(len(groups)) < rng.uniform(0.3, 0.8, surgeons)[groups]).astype(int)
    a, b = (
        strength * y + rng.normal(0, 0.4, surgeons)[groups] + rng.normal(size=len(y)) for strength in (first, second)
    )
    return y, a, b, groups


def by_ranks(y: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """The AUROC from the sum of the successes' ranks (Mann and Whitney)."""
    successes = int(y.sum())
    rank_sum = rankdata(scores)[y == 1].sum()
    return float((rank_sum - successes * (successes + 1) / 2) / (successes * (len(y) - successes)))


def without_each(y: NDArray[np.int64], groups: NDArray[np.int64], statistic: Callable[..., float]) -> float:
    """The jackknife's standard error of a statistic of rows, put together surgeon by surgeon."""
    names = np.unique(groups)
    left = np.array([statistic(np.flatnonzero(groups != name)) for name in names])
    return float(np.sqrt((1 - 1 / len(names)) * ((left - left.mean()) ** 2).sum()))


def test_the_interval_is_about_that_of_a_jackknife_put_together_by_hand() -> None:
    """Surgeons have one to three trials, and rounded scores tie. The score intervals differ a little from value ± t."""
    y, a, b, groups = draw(3, surgeons=40, first=1.5, second=0.3, sizes=(1, 3))
    a, b = a.round(), b.round()
    found = auroc_difference(y, a, b, groups)
    assert found is not None and found.interval is not None
    assert found.value == pytest.approx(roc_auc_score(y, a) - roc_auc_score(y, b))
    error = without_each(y, groups, lambda rows: by_ranks(y[rows], a[rows]) - by_ranks(y[rows], b[rows]))
    half = t.ppf(0.975, 39) * error
    assert found.interval == pytest.approx((found.value - half, found.value + half), abs=0.05)
    assert half > 0.1  # so that the tolerance is small beside it


def test_trials_of_a_surgeon_count_together() -> None:
    """Each trial four times under its surgeon's name tells little more; as trials of their own they seem to be more."""
    y, a, b, groups = draw(0, surgeons=30, first=1.5, second=0.5)
    four = [np.tile(values, 4) for values in (y, a, b, groups)]
    once, together = auroc_difference(y, a, b, groups), auroc_difference(*four)
    apart = auroc_difference(*four[:3], np.arange(len(four[0])))
    assert once is not None and together is not None and apart is not None
    assert together.value == pytest.approx(once.value)
    assert np.diff(together.interval) > 0.85 * np.diff(once.interval)
    assert np.diff(apart.interval) < 0.7 * np.diff(once.interval)


def test_the_comparison_is_paired() -> None:
    """Two predictors that err on the same trials differ by little, even if their own intervals are wide."""
    y, a, _, groups = draw(1, surgeons=30, first=0.5, second=0)
    noise = np.random.default_rng(0).normal(0, 0.05, len(y))
    found = auroc_difference(y, a + noise, a, groups)
    assert found is not None and found.interval is not None
    assert found.interval[1] - found.interval[0] < 0.2
    assert auroc_difference(y, a, a, groups) == Difference(0.0, (0.0, 0.0))


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    """150 samples of 25 surgeons; the true difference is that of one large sample."""
    y, a, b, _ = draw(0, surgeons=4000, first=1.5, second=0.5)
    truth = roc_auc_score(y, a) - roc_auc_score(y, b)
    intervals = [auroc_difference(*draw(seed, 25, 1.5, 0.5)).interval for seed in range(1, 151)]
    inside = np.mean([low <= truth <= high for low, high in intervals])
    assert 0.88 < inside < 0.99


def test_swapped_predictors_give_the_interval_with_the_other_sign() -> None:
    y, a, b, groups = draw(5, surgeons=20, first=2.5, second=0)
    found, swapped = auroc_difference(y, a, b, groups), auroc_difference(y, b, a, groups)
    assert found is not None and found.interval is not None and swapped is not None
    assert swapped.value == pytest.approx(-found.value)
    assert swapped.interval == pytest.approx((-found.interval[1], -found.interval[0]))
    assert (found.verdict, swapped.verdict) == (Verdict.ABOVE, Verdict.BELOW)


def test_names_of_surgeons_do_not_count() -> None:
    y, a, b, groups = draw(2, surgeons=20, first=1, second=0)
    found = auroc_difference(y, a, b, groups)
    named = auroc_difference(y.tolist(), a.tolist(), b.tolist(), [f"S{100 + i}" for i in groups])
    assert found is not None and named is not None
    assert named.interval == pytest.approx(found.interval)


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_class_has_no_difference(outcome: int) -> None:
    assert auroc_difference([outcome] * 4, [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], list("abcd")) is None


def test_no_trials_have_no_difference() -> None:
    assert auroc_difference([], [], [], []) is None


def test_one_surgeon_gives_a_difference_without_an_interval() -> None:
    found = auroc_difference([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8], [0.5, 0.5, 0.5, 0.5], ["a"] * 4)
    assert found == Difference(0.5, None)
    assert found.verdict is Verdict.NOT_SHOWN


@pytest.mark.parametrize(("surgeons", "has_interval"), [(19, False), (20, True)])
def test_an_interval_needs_twenty_surgeons(surgeons: int, has_interval: bool) -> None:
    y, a, b, groups = draw(0, surgeons=surgeons, first=1, second=0)
    found = auroc_difference(y, a, b, groups)
    assert found is not None
    assert (found.interval is not None) is has_interval


def test_an_interval_needs_two_surgeons_with_each_outcome() -> None:
    """All but one surgeon, or two, succeed twice."""
    for failing, has_interval in ((1, False), (2, True)):
        y = np.array([[1, int(surgeon >= failing)] for surgeon in range(20)]).ravel()
        found = auroc_difference(y, np.arange(40), np.arange(40)[::-1], np.arange(40) // 2)
        assert found is not None
        assert (found.interval is not None) is has_interval


def test_ties_count_half() -> None:
    found = auroc_difference([0, 0, 1, 1], [1, 2, 2, 3], [0, 0, 0, 0], list("abcd"))
    assert found is not None
    assert found.value == 3.5 / 4 - 0.5


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="got lengths 2, 2, 3, 2"):
        auroc_difference([0, 1], [0, 1], [0, 1, 1], ["a", "b"])


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.01, 0.2), "above"),
        ((0.0, 0.2), "not shown to be above"),
        ((-0.2, 0.0), "not shown to be above"),
        ((-0.2, -0.01), "below"),
        (None, "not shown to be above"),
    ],
)
def test_verdicts(interval: tuple[float, float] | None, verdict: str) -> None:
    assert Difference(0.1, interval).verdict == verdict


def test_of_two_classes_the_mean_auroc_is_the_auroc() -> None:
    y, a, b, groups = draw(3, surgeons=30, first=1.5, second=0.3)
    first, second = (np.column_stack([1 - p, p]) for p in (expit(a), expit(b)))
    found = macro_auroc_difference(y, first, second, groups)
    expected = auroc_difference(y, expit(a), expit(b), groups)
    assert found is not None and expected is not None
    assert found.value == pytest.approx(expected.value)
    assert found.interval == pytest.approx(expected.interval, abs=0.02)


def test_classes_are_compared_by_the_mean_of_their_aurocs() -> None:
    """The second predictor knows nothing, so the difference is that of the first from chance."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    first = 0.2 * np.eye(3)[y] + 0.8 * rng.dirichlet(np.ones(3), 60)
    found = macro_auroc_difference(y, first, np.full((60, 3), 1 / 3), np.arange(60) // 2)
    assert found is not None and found.interval is not None
    assert found.value == pytest.approx(roc_auc_score(y, first, multi_class="ovr") - 0.5)
    assert found.interval[0] < found.value < found.interval[1] < 0.6


@pytest.mark.parametrize(("surgeons", "has_interval"), [(1, False), (2, True)])
def test_a_class_of_too_few_surgeons_leaves_no_interval(surgeons: int, has_interval: bool) -> None:
    """Each surgeon has a trial of each class, and twenty more have one of class 0."""
    groups = np.r_[np.repeat(np.arange(surgeons), 3), np.arange(100, 120)]
    y = np.r_[np.tile([0, 1, 2], surgeons), np.zeros(20, dtype=int)]
    p = np.random.default_rng(0).dirichlet(np.ones(3), len(y))
    found = macro_auroc_difference(y, p, p[::-1], groups)
    assert found is not None
    assert (found.interval is not None) is has_interval


def test_trials_of_one_class_are_not_compared() -> None:
    assert macro_auroc_difference([1, 1], np.eye(2), np.eye(2), [0, 1]) is None


def test_numbers_are_compared_by_their_errors_without_each_surgeon() -> None:
    rng = np.random.default_rng(0)
    y, groups = rng.normal(500, 200, 60), np.repeat(np.arange(20), 3)
    a, b = y + rng.normal(0, 80, 20)[groups], y + rng.normal(0, 120, 60)
    found = rmse_difference(y, a, b, groups)
    assert found is not None

    def gap(rows: NDArray[np.int64]) -> float:
        return float(root_mean_squared_error(y[rows], a[rows]) - root_mean_squared_error(y[rows], b[rows]))

    assert found.value == pytest.approx(gap(np.arange(60)))
    half = t.ppf(0.975, 19) * without_each(y, groups, gap)
    assert found.interval == pytest.approx((found.value - half, found.value + half))
    few = groups < 19
    without = rmse_difference(y[few], a[few], b[few], groups[few])
    assert without is not None and without.interval is None
    assert rmse_difference([], [], [], []) is None


@pytest.mark.parametrize(
    ("interval", "lower_is_better", "ranking"),
    [
        ((-2.0, -1.0), True, Ranking.BETTER),
        ((1.0, 2.0), True, Ranking.WORSE),
        ((1.0, 2.0), False, Ranking.BETTER),
        ((-2.0, -1.0), False, Ranking.WORSE),
        ((-1.0, 1.0), True, Ranking.NOT_SHOWN),
        (None, False, Ranking.NOT_SHOWN),
    ],
)
def test_a_lower_error_is_better(interval: tuple[float, float] | None, lower_is_better: bool, ranking: Ranking) -> None:
    assert Difference(0.0, interval).ranking(lower_is_better) is ranking


def test_the_accuracy_interval_is_that_of_a_jackknife_put_together_by_hand() -> None:
    y, a, b, groups = draw(3, surgeons=20, first=1.5, second=0.3, sizes=(1, 3))
    first, second = (a > 0.5).astype(int), (b > 0.5).astype(int)
    found = accuracy_difference(y, first, second, groups)
    assert found is not None and found.interval is not None
    assert found.value == pytest.approx((first == y).mean() - (second == y).mean())
    half = t.ppf(0.975, 19) * without_each(
        y, groups, lambda rows: (first[rows] == y[rows]).mean() - (second[rows] == y[rows]).mean()
    )
    assert found.interval == pytest.approx((found.value - half, found.value + half))


def test_accuracies_of_few_trials() -> None:
    assert accuracy_difference([], [], [], []) is None
    assert accuracy_difference([1], [1], [0], ["a"]) == Difference(1.0, None)
    assert accuracy_difference([1] * 20, [1] * 20, [1] * 20, range(20)) == Difference(0.0, (0.0, 0.0))
    with pytest.raises(ValueError, match="the same length"):
        accuracy_difference([1], [1, 0], [0], ["a"])


def test_the_number_of_groups_that_a_difference_needs() -> None:
    # A standard error of 0.05 with 20 groups: (1.96 + 0.8416)^2 * (0.05 / 0.1)^2 * 20 = 39.2.
    found = Difference(0.1, (0.1 - 1.959964 * 0.05, 0.1 + 1.959964 * 0.05))
    assert groups_needed(found, 20) == 40
    assert groups_needed(Difference(-0.1, found.interval), 20) == 40
    assert groups_needed(Difference(0.05, found.interval), 20) == 157
    assert groups_needed(Difference(0.0, (-0.1, 0.1)), 20) is None
    assert groups_needed(Difference(0.1, None), 20) is None


def test_as_many_groups_as_needed_show_the_difference_four_times_in_five() -> None:
    """The power of a z test with the standard error scaled to that number of groups."""
    found = Difference(0.08, (-0.04, 0.2))
    needed = groups_needed(found, 30)
    assert needed is not None
    error = 0.24 / (2 * norm.ppf(0.975)) * np.sqrt(30 / needed)
    draws = np.random.default_rng(0).normal(0.08, error, 100_000)
    assert (np.abs(draws) > norm.ppf(0.975) * error).mean() == pytest.approx(0.8, abs=0.01)
