"""Divide groups of trials that must stay together, so that sizes and outcomes are as even as the groups allow.

A group is a surgeon, or a single trial. What is drawn depends on groups, outcomes and seed, not on the order of rows.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ORDERS = 1000
"""Random orders of the groups that are tried; the best division among them is kept."""
MOST_PLACES = 1_000_000
"""Places in all orders together: of more than a thousand groups fewer orders are tried, which are as even."""
DEALS = 200
"""Ways to deal groups out to folds that are tried; the best among them is kept."""

_LACKING_CLASS = 1e6  # outweighs any deviation in size: a side with one outcome has no AUROC


def draw_sides(
    groups: pd.Series, success: pd.Series, fractions: Sequence[float], seed: int
) -> tuple[tuple[str, ...], ...]:
    """The trial ids of one side for each fraction, and of a last side for the rest; each has at least one group.

    groups, success (0/1): indexed by trial_id, at least one group more than fractions.
    """
    names, sizes, successes = _count(groups, success)
    tries = _tries(len(names))
    orders = np.random.default_rng(seed).random((tries, len(names))).argsort(axis=1)
    counts = np.stack([sizes[orders], successes[orders]], axis=-1).cumsum(axis=1)  # (orders, groups, 2)
    targets = [int(sizes.sum()) * fraction for fraction in fractions]
    cuts = np.concatenate([_cuts(counts, targets, both_classes) for both_classes in (False, True)])
    ends = np.tile(counts, (2, 1, 1))[np.arange(len(cuts))[:, None], np.c_[cuts, np.full(len(cuts), len(names))] - 1]
    sides = np.diff(ends, axis=1, prepend=0)  # (orders, sides, 2)
    best = int(_cost(sides, np.array([*fractions, 1 - sum(fractions)])).argmin())
    return tuple(_trials_of(groups, names[part]) for part in np.split(orders[best % tries], cuts[best]))


def draw_folds(groups: pd.Series, success: pd.Series, folds: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """The trial ids of each fold. Two folds differ by no more trials than the largest group has.

    groups, success (0/1): indexed by trial_id, at least as many groups as folds. The groups are sorted by size, so
    that each `folds` of them that follow each other are nearly alike, and dealt out, one to each fold.
    """
    names, sizes, successes = _count(groups, success)
    chance = np.random.default_rng(seed)
    shuffled = chance.permutation(len(names))
    order = shuffled[np.lexsort((successes[shuffled], -sizes[shuffled]))]
    values = np.stack([sizes[order], successes[order]], axis=-1)
    deals = _deal(values, folds, chance)
    counts = np.stack([(deals == fold) @ values for fold in range(folds)], axis=1)  # (deals, folds, 2)
    best = deals[int(_cost(counts, np.full(folds, 1 / folds)).argmin())]
    return tuple(_trials_of(groups, names[order[best == fold]]) for fold in range(folds))


def _deal(values: NDArray[np.int64], folds: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """DEALS ways to deal the groups out, as the fold of each; (deals, groups).

    values: trials and successes of each group, in the order in which they are dealt. A group goes to the fold that it
    leaves most even, among those that have none of this round yet; chance decides where that is nearly the same.
    """
    rows = np.arange(DEALS)
    rate = values[:, 1].sum() / values[:, 0].sum()
    # Per fold: trials, and successes above what the common rate gives; both are to be alike in all folds.
    gains = np.stack([values[:, 0], values[:, 1] - rate * values[:, 0]], axis=-1)
    loads = np.zeros((DEALS, folds, 2))
    deals = np.empty((DEALS, len(values)), dtype=np.int64)
    for place, gain in enumerate(gains):
        if place % folds == 0:
            dealt = np.zeros((DEALS, folds), dtype=bool)
        growth = loads @ gain + chance.random((DEALS, folds))
        fold = np.where(dealt, np.inf, growth).argmin(axis=1)
        loads[rows, fold] += gain
        dealt[rows, fold] = True
        deals[:, place] = fold
    return deals


def _tries(n_groups: int) -> int:
    return max(1, min(ORDERS, MOST_PLACES // n_groups))


def _count(groups: pd.Series, success: pd.Series) -> tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64]]:
    """The groups, sorted, with their numbers of trials and of successes."""
    table = success.groupby(groups.to_numpy(), sort=True).agg(["size", "sum"])
    names = table.index.to_numpy(dtype=object)
    return names, table["size"].to_numpy(np.int64), table["sum"].to_numpy(np.int64)


def _trials_of(groups: pd.Series, names: NDArray[np.object_]) -> tuple[str, ...]:
    return tuple(sorted(groups.index[groups.isin(names)]))


def _cuts(counts: NDArray[np.int64], targets: Sequence[float], both_classes: bool) -> NDArray[np.int64]:
    """Where to cut each order of groups, so that a side lies before each cut; (orders, targets).

    counts: trials and successes so far (orders, groups, 2). With both_classes a side goes on until it has both.
    """
    n_orders, n_groups, _ = counts.shape
    places = np.arange(n_groups)
    rows = np.arange(n_orders)
    start = np.zeros((n_orders, 2), dtype=np.int64)
    cuts, before = [], np.zeros(n_orders, dtype=np.int64)
    for drawn, target in enumerate(targets):
        left = len(targets) - drawn  # groups that the later sides need
        so_far = counts - start[:, None, :]
        trials, successes = so_far[..., 0], so_far[..., 1]
        allowed = (places >= before[:, None]) & (places < n_groups - left)
        cost = np.abs(trials - target)
        if both_classes:
            cost = cost + _LACKING_CLASS * ((successes <= 0) | (successes >= trials))
        last = np.where(allowed, cost, np.inf).argmin(axis=1)
        cuts.append(last + 1)
        start, before = counts[rows, last], last + 1
    return np.stack(cuts, axis=1)


def _cost(sides: NDArray[np.int64], fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the sides (orders, sides, 2) are from their sizes and the common success rate, in trials; (orders,)."""
    trials, successes = sides[..., 0], sides[..., 1]
    n_trials, n_successes = sides[0].sum(axis=0)
    size_deviation = np.abs(trials - n_trials * fractions).sum(axis=1)
    class_deviation = np.abs(successes - trials * (n_successes / n_trials)).sum(axis=1)
    lacking = ((successes == 0) | (successes == trials)).sum(axis=1)
    cost: NDArray[np.float64] = size_deviation + class_deviation + _LACKING_CLASS * lacking
    return cost
