"""The effect of coaching, with statistical tests computed from their definitions."""

from itertools import product
from math import comb, erfc, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from socal_core.evaluation.coaching import MEASURES, coaching_summary, coaching_table
from tests.figures.made_tables import Pair, make_pairs, make_trials


def mcnemar(improved: int, worsened: int) -> float:
    """Two-sided exact: twice the smaller tail of a fair coin."""
    n = improved + worsened
    tail = sum(comb(n, k) for k in range(min(improved, worsened) + 1)) / 2**n
    return min(1.0, 2 * tail)


def signed_rank_exact(changes: list[float]) -> float:
    """Two-sided: over all ways to give the ranks signs, how often the sum is as far from its mean."""
    ranks = rankdata(np.abs(changes))
    observed = ranks[np.array(changes) > 0].sum()
    middle = ranks.sum() / 2
    sums = [np.dot(signs, ranks) for signs in product((0, 1), repeat=len(changes))]
    return float(np.mean([abs(total - middle) >= abs(observed - middle) - 1e-9 for total in sums]))


def signed_rank_normal(changes: list[float]) -> float:
    """Two-sided by the normal distribution, with the variance lessened for ties."""
    ranks = rankdata(np.abs(changes))
    n = len(changes)
    _, ties = np.unique(ranks, return_counts=True)
    variance = n * (n + 1) * (2 * n + 1) / 24 - (ties**3 - ties).sum() / 48
    z = (ranks[np.array(changes) > 0].sum() - n * (n + 1) / 4) / sqrt(variance)
    return erfc(abs(z) / sqrt(2))


def test_the_table_has_the_surgeons_with_both_trials() -> None:
    trials = make_trials(
        ["S1T1", "S1T2", "S2T1", "S3T2", "S4T2", "S4T1", "S5T3", "S6T1", "S6T2", "S7T1", "S8T1"],
        participant_id=["1", "1", "2", "3", "4", "4", "5", "", "", "4", "1"],
        trial_number=[1, 2, 1, 2, 2, 1, 3, 1, 2, 1, None],
        success=[0, 1, 1, 1, None, 1, 0, 1, 1, 0, 0],
        tth=[300, 120, 1, 2, 80, 90, 3, 4, 5, 6, 7],
    )
    table = coaching_table(trials)
    assert table.index.to_list() == ["1", "4"]
    assert table["tth_before"].to_list() == [300, 90]
    assert table["tth_after"].to_list() == [120, 80]
    assert table["success_before"].to_list() == [0, 1]
    assert (table["success_after"].iloc[0], pd.isna(table["success_after"].iloc[1])) == (1, True)
    assert table["blood_loss_before"].isna().all()


@pytest.mark.parametrize(
    ("both", "improved", "worsened", "neither"),
    [(4, 9, 1, 3), (0, 3, 8, 0), (5, 0, 1, 0), (1, 40, 22, 7), (0, 5, 5, 2)],
)
def test_success_by_the_exact_test(both: int, improved: int, worsened: int, neither: int) -> None:
    pairs: list[Pair] = [(1, 1)] * both + [(0, 1)] * improved + [(1, 0)] * worsened + [(0, 0)] * neither
    trials = make_pairs("success", [*pairs, (None, 1), (0, None)])
    summary = coaching_summary(trials)
    assert summary["surgeons"] == len(pairs) + 2
    result = summary["success"]
    counts = {"pairs": len(pairs), "both": both, "improved": improved, "worsened": worsened, "neither": neither}
    assert {name: result[name] for name in counts} == counts
    assert result["p_value"] == pytest.approx(mcnemar(improved, worsened))


@pytest.mark.parametrize("column", list(MEASURES))
@pytest.mark.parametrize(
    "changes",
    [
        [-5.0, -3, 1, -8, -2, -13, 4.5],
        [1.0],
        [2.0, 3, 4, -1],
        [-1.0, 2, -3, 4, -5, 6, -7],
        [5.0, -5, 5, 2, 2, -2, 9, 9, 1],
    ],
)
def test_a_measure_by_the_exact_test(column: str, changes: list[float]) -> None:
    pairs: list[Pair] = [(100 + 7 * place, 100 + 7 * place + change) for place, change in enumerate(changes)]
    result = coaching_summary(make_pairs(column, [*pairs, (50, 50), (None, 5)]))[column]
    assert result["pairs"] == len(changes) + 1
    assert result["p_value"] == pytest.approx(signed_rank_exact(changes))
    before, after = np.array([*pairs, (50, 50)], dtype=float).T
    assert (result["before"], result["after"]) == (np.median(before), np.median(after))
    assert result["median_change"] == pytest.approx(np.median(after - before))


def test_a_measure_of_many_surgeons_by_the_normal_approximation() -> None:
    chance = np.random.default_rng(5)
    changes = chance.integers(-40, 30, 90).astype(float)
    pairs: list[Pair] = [(300, 300 + change) for change in changes]
    result = coaching_summary(make_pairs("blood_loss", pairs))["blood_loss"]
    assert result["pairs"] == 90
    assert result["p_value"] == pytest.approx(signed_rank_normal(changes[changes != 0].tolist()))


def test_what_is_not_defined_is_none() -> None:
    unchanged = coaching_summary(make_pairs("tth", [(300, 300), (300, 300)]))
    assert (unchanged["tth"]["median_change"], unchanged["tth"]["p_value"]) == (0, None)
    assert coaching_summary(make_pairs("success", [(1, 1), (0, 0)]))["success"]["p_value"] is None
    empty = coaching_summary(make_trials([]))
    assert (empty["surgeons"], empty["success"]["pairs"], empty["success"]["p_value"]) == (0, 0, None)
    assert empty["tth"] == {"pairs": 0, "before": None, "after": None, "median_change": None, "p_value": None}
