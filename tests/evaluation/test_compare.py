"""socal_core.evaluation.compare"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score, root_mean_squared_error

from socal_core.evaluation.compare import (
    FEWEST_GROUPS,
    RESAMPLES,
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


def by_hand(
    y: NDArray[np.int64], a: NDArray[np.float64], b: NDArray[np.float64], groups: NDArray[np.int64]
) -> list[float]:
    """Differences in resamples that are put together trial by trial."""
    rng = np.random.default_rng(1)
    names = sorted(set(groups.tolist()))
    found = []
    for _ in range(RESAMPLES):
        rows = [i for name in rng.choice(names, len(names)) for i in range(len(y)) if groups[i] == name]
        if len(set(y[rows])) == 2:
            found.append(by_ranks(y[rows], a[rows]) - by_ranks(y[rows], b[rows]))
    return found


def by_ranks(y: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """The AUROC from the sum of the successes' ranks (Mann and Whitney)."""
    successes = int(y.sum())
    rank_sum = rankdata(scores)[y == 1].sum()
    return float((rank_sum - successes * (successes + 1) / 2) / (successes * (len(y) - successes)))


def test_the_interval_agrees_with_resamples_put_together_by_hand() -> None:
    """Surgeons have one to three trials, and rounded scores tie; random numbers are others, hence the tolerance."""
    y, a, b, groups = draw(3, surgeons=12, first=1.5, second=0.3, sizes=(1, 3))
    a, b = a.round(), b.round()
    found = auroc_difference(y, a, b, groups)
    assert found is not None and found.interval is not None
    assert found.value == pytest.approx(roc_auc_score(y, a) - roc_auc_score(y, b))
    low, high = np.quantile(by_hand(y, a, b, groups), [0.025, 0.975])
    assert found.interval == pytest.approx((low, high), abs=0.03)
    assert high - low > 0.3  # so that the tolerance is small beside it


def test_trials_of_a_surgeon_are_sampled_together() -> None:
    """Each trial four times under its surgeon's name changes nothing; as trials of their own they seem to be more."""
    y, a, b, groups = draw(0, surgeons=15, first=1.5, second=0.5)
    four = [np.tile(values, 4) for values in (y, a, b, groups)]
    once, together = auroc_difference(y, a, b, groups), auroc_difference(*four)
    apart = auroc_difference(*four[:3], np.arange(len(four[0])))
    assert once is not None and together is not None and apart is not None
    assert together.value == pytest.approx(once.value)
    assert together.interval == pytest.approx(once.interval)
    assert np.diff(apart.interval) < 0.7 * np.diff(once.interval)


def test_the_comparison_is_paired() -> None:
    """Two predictors that err on the same trials differ by little, even if their own intervals are wide."""
    y, a, _, groups = draw(1, surgeons=15, first=0.5, second=0)
    noise = np.random.default_rng(0).normal(0, 0.05, len(y))
    found = auroc_difference(y, a + noise, a, groups)
    assert found is not None and found.interval is not None
    assert found.interval[1] - found.interval[0] < 0.1
    assert auroc_difference(y, a, a, groups) == Difference(0.0, (0.0, 0.0))


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    """150 samples of 25 surgeons; the true difference is that of one large sample."""
    y, a, b, _ = draw(0, surgeons=4000, first=1.5, second=0.5)
    truth = roc_auc_score(y, a) - roc_auc_score(y, b)
    intervals = [auroc_difference(*draw(seed, 25, 1.5, 0.5)).interval for seed in range(1, 151)]
    inside = np.mean([low <= truth <= high for low, high in intervals])
    assert 0.88 < inside < 0.99


def test_swapped_predictors_give_the_interval_with_the_other_sign() -> None:
    y, a, b, groups = draw(5, surgeons=10, first=2.5, second=0)
    found, swapped = auroc_difference(y, a, b, groups), auroc_difference(y, b, a, groups)
    assert found is not None and found.interval is not None and swapped is not None
    assert swapped.value == pytest.approx(-found.value)
    assert swapped.interval == pytest.approx((-found.interval[1], -found.interval[0]))
    assert (found.verdict, swapped.verdict) == (Verdict.ABOVE, Verdict.BELOW)


def test_the_seed_alone_decides_and_names_of_groups_do_not() -> None:
    y, a, b, groups = draw(2, surgeons=10, first=1, second=0)
    found = auroc_difference(y, a, b, groups)
    assert auroc_difference(y.tolist(), a.tolist(), b.tolist(), [f"S{100 + i}" for i in groups]) == found
    assert auroc_difference(y, a, b, groups, seed=1) != found


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_class_has_no_difference(outcome: int) -> None:
    assert auroc_difference([outcome] * 4, [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], list("abcd")) is None


def test_no_trials_have_no_difference() -> None:
    assert auroc_difference([], [], [], []) is None


def test_one_surgeon_gives_a_difference_without_an_interval() -> None:
    found = auroc_difference([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8], [0.5, 0.5, 0.5, 0.5], ["a"] * 4)
    assert found == Difference(0.5, None)
    assert found.verdict is Verdict.NOT_SHOWN


def test_an_interval_needs_five_surgeons_with_each_outcome() -> None:
    """All but one surgeon succeed twice; those with a failure are counted."""
    for failing, has_interval in ((FEWEST_GROUPS - 1, False), (FEWEST_GROUPS, True)):
        y = np.array([[1, int(surgeon >= failing)] for surgeon in range(12)]).ravel()
        found = auroc_difference(y, np.arange(24), np.arange(24)[::-1], np.arange(24) // 2)
        assert found is not None
        assert (found.interval is not None) is has_interval


def test_ties_count_half() -> None:
    found = auroc_difference([0, 0, 1, 1], [1, 2, 2, 3], [0, 0, 0, 0], list("abcd"))
    assert found is not None
    assert found.value == 3.5 / 4 - 0.5


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="the same length, got lengths 2, 2, 3, 2"):
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
    y, a, b, groups = draw(3, surgeons=12, first=1.5, second=0.3)
    first, second = (np.column_stack([1 - p, p]) for p in (expit(a), expit(b)))
    found = macro_auroc_difference(y, first, second, groups)
    expected = auroc_difference(y, expit(a), expit(b), groups)
    assert found is not None and expected is not None
    assert found.value == pytest.approx(expected.value)
    assert found.interval == pytest.approx(expected.interval)


def test_classes_are_compared_by_the_mean_of_their_aurocs() -> None:
    """The second predictor knows nothing, so the difference is that of the first from chance."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    first = 0.2 * np.eye(3)[y] + 0.8 * rng.dirichlet(np.ones(3), 60)
    found = macro_auroc_difference(y, first, np.full((60, 3), 1 / 3), np.arange(60) // 2)
    assert found is not None and found.interval is not None
    assert found.value == pytest.approx(roc_auc_score(y, first, multi_class="ovr") - 0.5)
    assert found.interval[0] < found.value < found.interval[1] <= 0.5


@pytest.mark.parametrize(("surgeons", "has_interval"), [(FEWEST_GROUPS - 1, False), (FEWEST_GROUPS, True)])
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


def test_numbers_are_compared_by_their_errors_in_resamples_of_surgeons() -> None:
    rng = np.random.default_rng(0)
    y, groups = rng.normal(500, 200, 60), np.repeat(np.arange(20), 3)
    a, b = y + rng.normal(0, 80, 20)[groups], y + rng.normal(0, 120, 60)
    found = rmse_difference(y, a, b, groups)
    assert found.value == pytest.approx(root_mean_squared_error(y, a) - root_mean_squared_error(y, b))
    by_hand = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([np.flatnonzero(groups == group) for group in rng.choice(20, 20)])
        by_hand.append(root_mean_squared_error(y[rows], a[rows]) - root_mean_squared_error(y[rows], b[rows]))
    assert found.interval == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])), abs=5)
    assert found.interval is not None and found.interval[1] - found.interval[0] > 30
    few = groups < FEWEST_GROUPS - 1
    assert rmse_difference(y[few], a[few], b[few], groups[few]).interval is None


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


def test_the_accuracy_interval_agrees_with_resamples_put_together_by_hand() -> None:
    y, a, b, groups = draw(3, surgeons=12, first=1.5, second=0.3, sizes=(1, 3))
    first, second = (a > 0.5).astype(int), (b > 0.5).astype(int)
    found = accuracy_difference(y, first, second, groups)
    assert found is not None and found.interval is not None
    assert found.value == pytest.approx((first == y).mean() - (second == y).mean())
    rng = np.random.default_rng(1)
    differences = []
    for _ in range(RESAMPLES):
        names = rng.choice(np.unique(groups), len(np.unique(groups)))
        rows = np.concatenate([np.flatnonzero(groups == name) for name in names])
        differences.append((first[rows] == y[rows]).mean() - (second[rows] == y[rows]).mean())
    assert found.interval == pytest.approx(np.quantile(differences, [0.025, 0.975]), abs=0.03)


def test_accuracies_of_few_trials() -> None:
    assert accuracy_difference([], [], [], []) is None
    assert accuracy_difference([1], [1], [0], ["a"]) == Difference(1.0, None)
    assert accuracy_difference([1] * 6, [1] * 6, [1] * 6, list("abcdef")) == Difference(0.0, (0.0, 0.0))
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
