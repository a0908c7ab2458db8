"""Divide groups of trials that must stay together, so that sizes and outcomes are as even as the groups allow.

A group is a surgeon or a single trial; a stratum is an outcome, or a range of a number. The result depends on groups,
strata and seed, not on the order of the rows.
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

_LACKING_STRATUM = 1e6  # outweighs any deviation in size: a subset with one outcome has no AUROC


def make_subsets(
    groups: pd.Series, strata: pd.Series, fractions: Sequence[float], seed: int
) -> tuple[tuple[str, ...], ...]:
    """Divide the trials into one subset per fraction and a last one with the rest.

    Args:
        groups: The group of each trial, indexed by trial_id. There are more groups than fractions.
        strata: The stratum of each trial, such as its outcome: 0, 1, …, with the same index.
        fractions: The size of each subset but the last, as a fraction of all trials.
        seed: The seed of the random orders.

    Returns:
        The trial ids of each subset, sorted. Each subset has at least one group.
    """
    names, values = _count(groups, strata)
    n_orders = max(1, min(ORDERS, MOST_POSITIONS // len(names)))
    orders = np.random.default_rng(seed).random((n_orders, len(names))).argsort(axis=1)
    counts = values[orders].cumsum(axis=1)  # (orders, groups, strata)
    targets = [int(values[:, 0].sum()) * fraction for fraction in fractions]
    cuts = np.concatenate([_cuts(counts, targets, all_strata) for all_strata in (False, True)])
    ends = np.tile(counts, (2, 1, 1))[np.arange(len(cuts))[:, None], np.c_[cuts, np.full(len(cuts), len(names))] - 1]
    subsets = np.diff(ends, axis=1, prepend=0)  # (orders, subsets, strata)
    best = int(_cost(subsets, np.array([*fractions, 1 - sum(fractions)])).argmin())
    return tuple(_trials_of(groups, names[part]) for part in np.split(orders[best % n_orders], cuts[best]))


def make_folds(groups: pd.Series, strata: pd.Series, folds: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """Divide the trials into folds whose sizes differ by at most the size of the largest group.

    The groups are sorted by size. Each sequence of `folds` groups, which are of similar size, is distributed
    over the folds, one group per fold.

    Args:
        groups: The group of each trial, indexed by trial_id. There are at least as many groups as folds.
        strata: The stratum of each trial, such as its outcome: 0, 1, …, with the same index.
        folds: The number of folds.
        seed: The seed of the random order.

    Returns:
        The trial ids of each fold, sorted.
    """
    names, values = _count(groups, strata)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(names))
    order = shuffled[np.lexsort((*values[shuffled, 1:].T, -values[shuffled, 0]))]
    values = values[order]
    assigned = _assign(values, folds, rng)
    counts = np.stack([(assigned == fold) @ values for fold in range(folds)], axis=1)  # (assignments, folds, strata)
    best = assigned[int(_cost(counts, np.full(folds, 1 / folds)).argmin())]
    return tuple(_trials_of(groups, names[order[best == fold]]) for fold in range(folds))


def _assign(values: NDArray[np.int64], folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ASSIGNMENTS random assignments of groups to folds, as the fold of each group; (assignments, groups).

    values: the counts of each group, as from `_count`, in the order in which groups are assigned. In each round,
    every fold receives one group. A group goes to the fold where it reduces the imbalance most; near ties are broken at
    random.
    """
    rows = np.arange(ASSIGNMENTS)
    rates = values[:, 1:].sum(axis=0) / values[:, 0].sum()
    # Per group: its trials, and those of each stratum minus those expected at the overall rate. Folds balance all sums.
    gains = np.column_stack([values[:, :1], values[:, 1:] - rates * values[:, :1]])
    loads = np.zeros((ASSIGNMENTS, folds, values.shape[1]))
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


def _count(groups: pd.Series, strata: pd.Series) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the groups, sorted, and their counts, (groups, strata): of trials, and of those in each stratum but 0."""
    numbers, names = pd.factorize(groups.to_numpy(dtype=object), sort=True)
    known, found = numbers >= 0, strata.to_numpy(np.int64)
    counts = np.zeros((len(names), max(2, int(strata.max()) + 1)), np.int64)
    np.add.at(counts, (numbers[known], found[known]), 1)
    return np.asarray(names, dtype=object), np.column_stack([counts.sum(axis=1), counts[:, 1:]])


def _lacking(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the strata of which subsets have no trial; counts: (…, strata), as from `_count`."""
    first = counts[..., 0] - counts[..., 1:].sum(axis=-1)
    lacking: NDArray[np.int64] = (counts[..., 1:] == 0).sum(axis=-1) + (first == 0)
    return lacking


def _trials_of(groups: pd.Series, names: NDArray[np.object_]) -> tuple[str, ...]:
    return tuple(sorted(groups.index[groups.isin(names)]))


def _cuts(counts: NDArray[np.int64], targets: Sequence[float], all_strata: bool) -> NDArray[np.int64]:
    """Return where each order of groups is cut into subsets; (orders, targets).

    counts: cumulative counts, (orders, groups, strata). targets: the number of trials of each subset but the last. With
    all_strata, a subset grows until it has trials of all strata.
    """
    n_orders, n_groups, n_strata = counts.shape
    positions = np.arange(n_groups)
    rows = np.arange(n_orders)
    start = np.zeros((n_orders, n_strata), dtype=np.int64)
    cuts, before = [], np.zeros(n_orders, dtype=np.int64)
    for index, target in enumerate(targets):
        left = len(targets) - index  # groups that the later subsets need
        so_far = counts - start[:, None, :]
        allowed = (positions >= before[:, None]) & (positions < n_groups - left)
        cost = np.abs(so_far[..., 0] - target)
        if all_strata:
            cost = cost + _LACKING_STRATUM * _lacking(so_far)
        last = np.where(allowed, cost, np.inf).argmin(axis=1)
        cuts.append(last + 1)
        start, before = counts[rows, last], last + 1
    return np.stack(cuts, axis=1)


def _cost(subsets: NDArray[np.int64], fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far subsets are from their target sizes and the overall rates of the strata, in trials; (orders,).

    subsets: the counts of each subset, (orders, subsets, strata).
    """
    trials, others = subsets[..., 0], subsets[..., 1:]
    n_trials, *n_others = subsets[0].sum(axis=0)
    size_deviation = np.abs(trials - n_trials * fractions).sum(axis=1)
    rates = np.array(n_others) / n_trials
    strata_deviation = np.abs(others - trials[..., None] * rates).sum(axis=(1, 2))
    lacking = _lacking(subsets).sum(axis=1)
    cost: NDArray[np.float64] = size_deviation + strata_deviation + _LACKING_STRATUM * lacking
    return cost
