"""Divide groups of trials that must stay together, so that sizes and outcomes are as even as the groups allow.

A group is a surgeon or a single trial. The result depends on groups, outcomes and seed, not on the order of the rows.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ORDERS = 1000
"""Number of random orders of the groups that are tried; the best one is used."""
MOST_POSITIONS = 1_000_000
"""Limit of orders times groups. With more than a thousand groups, fewer orders give subsets that are as even."""
ASSIGNMENTS = 200
"""Number of assignments of groups to folds that are tried; the best one is used."""

_LACKING_CLASS = 1e6  # outweighs any deviation in size: a subset with one outcome has no AUROC


def make_subsets(
    groups: pd.Series, success: pd.Series, fractions: Sequence[float], seed: int
) -> tuple[tuple[str, ...], ...]:
    """Divide the trials into one subset per fraction and a last one with the rest.

    Args:
        groups: The group of each trial, indexed by trial_id. There are more groups than fractions.
        success: The outcome of each trial, 0 or 1, with the same index.
        fractions: The size of each subset but the last, as a fraction of all trials.
        seed: The seed of the random orders.

    Returns:
        The trial ids of each subset, sorted. Each subset has at least one group.
    """
    names, sizes, successes = _count(groups, success)
    n_orders = max(1, min(ORDERS, MOST_POSITIONS // len(names)))
    orders = np.random.default_rng(seed).random((n_orders, len(names))).argsort(axis=1)
    counts = np.stack([sizes[orders], successes[orders]], axis=-1).cumsum(axis=1)  # (orders, groups, 2)
    targets = [int(sizes.sum()) * fraction for fraction in fractions]
    cuts = np.concatenate([_cuts(counts, targets, both_classes) for both_classes in (False, True)])
    ends = np.tile(counts, (2, 1, 1))[np.arange(len(cuts))[:, None], np.c_[cuts, np.full(len(cuts), len(names))] - 1]
    subsets = np.diff(ends, axis=1, prepend=0)  # (orders, subsets, 2)
    best = int(_cost(subsets, np.array([*fractions, 1 - sum(fractions)])).argmin())
    return tuple(_trials_of(groups, names[part]) for part in np.split(orders[best % n_orders], cuts[best]))


def make_folds(groups: pd.Series, success: pd.Series, folds: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """Divide the trials into folds whose sizes differ by at most the size of the largest group.

    The groups are sorted by size. Each sequence of `folds` groups, which are of similar size, is distributed
    over the folds, one group per fold.

    Args:
        groups: The group of each trial, indexed by trial_id. There are at least as many groups as folds.
        success: The outcome of each trial, 0 or 1, with the same index.
        folds: The number of folds.
        seed: The seed of the random order.

    Returns:
        The trial ids of each fold, sorted.
    """
    names, sizes, successes = _count(groups, success)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(names))
    order = shuffled[np.lexsort((successes[shuffled], -sizes[shuffled]))]
    values = np.stack([sizes[order], successes[order]], axis=-1)
    assigned = _assign(values, folds, rng)
    counts = np.stack([(assigned == fold) @ values for fold in range(folds)], axis=1)  # (assignments, folds, 2)
    best = assigned[int(_cost(counts, np.full(folds, 1 / folds)).argmin())]
    return tuple(_trials_of(groups, names[order[best == fold]]) for fold in range(folds))


def _assign(values: NDArray[np.int64], folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ASSIGNMENTS random assignments of groups to folds, as the fold of each group; (assignments, groups).

    values: trials and successes of each group, in the order in which groups are assigned. In each round every fold
    receives one group. A group goes to the fold where it reduces the imbalance most; near ties are broken at random.
    """
    rows = np.arange(ASSIGNMENTS)
    rate = values[:, 1].sum() / values[:, 0].sum()
    # Per group: its trials, and its successes minus those expected at the overall rate. Folds balance both sums.
    gains = np.stack([values[:, 0], values[:, 1] - rate * values[:, 0]], axis=-1)
    loads = np.zeros((ASSIGNMENTS, folds, 2))
    assigned = np.empty((ASSIGNMENTS, len(values)), dtype=np.int64)
    for index, gain in enumerate(gains):
        if index % folds == 0:
            full = np.zeros((ASSIGNMENTS, folds), dtype=bool)
        growth = loads @ gain + rng.random((ASSIGNMENTS, folds))
        fold = np.where(full, np.inf, growth).argmin(axis=1)
        loads[rows, fold] += gain
        full[rows, fold] = True
        assigned[:, index] = fold
    return assigned


def _count(groups: pd.Series, success: pd.Series) -> tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64]]:
    """Return the groups, sorted, with their numbers of trials and of successes."""
    table = success.groupby(groups.to_numpy(), sort=True).agg(["size", "sum"])
    names = table.index.to_numpy(dtype=object)
    return names, table["size"].to_numpy(np.int64), table["sum"].to_numpy(np.int64)


def _trials_of(groups: pd.Series, names: NDArray[np.object_]) -> tuple[str, ...]:
    return tuple(sorted(groups.index[groups.isin(names)]))


def _cuts(counts: NDArray[np.int64], targets: Sequence[float], both_classes: bool) -> NDArray[np.int64]:
    """Return where each order of groups is cut into subsets; (orders, targets).

    counts: cumulative trials and successes, (orders, groups, 2). targets: the number of trials of each subset but the
    last. With both_classes, a subset grows until it has both outcomes.
    """
    n_orders, n_groups, _ = counts.shape
    positions = np.arange(n_groups)
    rows = np.arange(n_orders)
    start = np.zeros((n_orders, 2), dtype=np.int64)
    cuts, before = [], np.zeros(n_orders, dtype=np.int64)
    for index, target in enumerate(targets):
        left = len(targets) - index  # groups that the later subsets need
        so_far = counts - start[:, None, :]
        trials, successes = so_far[..., 0], so_far[..., 1]
        allowed = (positions >= before[:, None]) & (positions < n_groups - left)
        cost = np.abs(trials - target)
        if both_classes:
            cost = cost + _LACKING_CLASS * ((successes <= 0) | (successes >= trials))
        last = np.where(allowed, cost, np.inf).argmin(axis=1)
        cuts.append(last + 1)
        start, before = counts[rows, last], last + 1
    return np.stack(cuts, axis=1)


def _cost(subsets: NDArray[np.int64], fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far subsets are from their target sizes and the overall success rate, in trials; (orders,).

    subsets: trials and successes of each subset, (orders, subsets, 2).
    """
    trials, successes = subsets[..., 0], subsets[..., 1]
    n_trials, n_successes = subsets[0].sum(axis=0)
    size_deviation = np.abs(trials - n_trials * fractions).sum(axis=1)
    class_deviation = np.abs(successes - trials * (n_successes / n_trials)).sum(axis=1)
    lacking = ((successes == 0) | (successes == trials)).sum(axis=1)
    cost: NDArray[np.float64] = size_deviation + class_deviation + _LACKING_CLASS * lacking
    return cost
