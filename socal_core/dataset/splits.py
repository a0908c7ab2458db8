"""Which trials train, choose and test: split by surgeon, so that nobody's hand is on two sides."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.errors import ConfigError, DataError

SIDES = ("train", "validation", "test")
ORDERS = 1000
"""Random orders of the surgeons that are tried; the best split among them is kept."""

_LACKING_CLASS = 1e6  # outweighs any deviation in size: a side with one outcome has no AUROC


@dataclass(frozen=True)
class Split:
    """The trial ids of each side, sorted, and the seed that drew them."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    seed: int

    def __post_init__(self) -> None:
        counts = Counter((*self.train, *self.validation, *self.test))
        doubled = sorted(trial for trial, count in counts.items() if count > 1)
        if doubled:
            raise DataError(f"The split holds {', '.join(doubled)} more than once. Make a new split.")

    @property
    def trial_ids(self) -> tuple[str, ...]:
        """All trials: train, then validation, then test."""
        return self.train + self.validation + self.test

    def as_dict(self) -> dict[str, Any]:
        """The split as JSON-ready values."""
        return {name: list(value) if name in SIDES else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Split":
        """The split that as_dict gave; DataError when it is something else."""
        sides = [values.get(side) for side in SIDES]
        seed = values.get("seed")
        if not isinstance(seed, int) or not all(
            isinstance(side, list) and all(isinstance(trial, str) for trial in side) for side in sides
        ):
            raise DataError("The split must have lists of trial ids in train, validation and test, and a whole seed.")
        train, validation, test = (tuple(side or ()) for side in sides)
        return cls(train, validation, test, seed)


def surgeon_split(trials: pd.DataFrame, validation_fraction: float, test_fraction: float, seed: int) -> Split:
    """Split trials (indexed by trial_id; participant_id, success 0/1) by surgeon, stratified by outcome.

    The sides are as near to their fractions as whole surgeons allow, each with at least one surgeon and, where
    possible, with both outcomes. Depends on ids, surgeons, outcomes, fractions and seed alone, not on the order of
    the rows. DataError with fewer than three surgeons, or when all trials end alike.
    """
    _check(trials, validation_fraction, test_fraction)
    surgeons = trials.groupby("participant_id", sort=True)["success"].agg(["size", "sum"])
    sizes = surgeons["size"].to_numpy(np.int64)
    successes = surgeons["sum"].to_numpy(np.int64)
    orders = np.random.default_rng(seed).random((ORDERS, len(surgeons))).argsort(axis=1)
    counts = np.stack([sizes[orders], successes[orders]], axis=-1).cumsum(axis=1)  # (orders, surgeons, 2)
    total = int(sizes.sum())
    cuts = np.concatenate(
        [
            _cuts(counts, total * test_fraction, total * validation_fraction, both_classes)
            for both_classes in (False, True)
        ]
    )
    fractions = np.array([test_fraction, validation_fraction, 1 - test_fraction - validation_fraction])
    best = int(_cost(np.tile(counts, (2, 1, 1)), cuts, fractions).argmin())
    order, (first, second) = orders[best % ORDERS], cuts[best]
    ids = surgeons.index.to_numpy()[order]
    test, validation, train = (
        tuple(sorted(trials.index[trials["participant_id"].isin(side)]))
        for side in (ids[:first], ids[first:second], ids[second:])
    )
    return Split(train, validation, test, seed)


def describe(split: Split, trials: pd.DataFrame) -> pd.DataFrame:
    """Per side: trials, surgeons, successes, failures, success_rate (NaN for an empty side)."""
    sided = _with_sides(split, trials)
    groups = sided.groupby("side", observed=False)
    table = pd.DataFrame(
        {
            "trials": groups.size(),
            "surgeons": groups["participant_id"].nunique(),
            "successes": groups["success"].sum().astype("int64"),
        }
    )
    table["failures"] = table["trials"] - table["successes"]
    table["success_rate"] = table["successes"] / table["trials"]
    return table


def surgeons_in_common(split: Split, trials: pd.DataFrame) -> int:
    """How many surgeons have trials on more than one side; 0 for a sound split."""
    sided = _with_sides(split, trials)
    return int((sided.groupby("participant_id")["side"].nunique() > 1).sum())


def _check(trials: pd.DataFrame, validation_fraction: float, test_fraction: float) -> None:
    """Refuse what cannot be split."""
    for field, value in (("validation_fraction", validation_fraction), ("test_fraction", test_fraction)):
        if not 0 < value < 1:
            raise ConfigError(field, "must lie between 0 and 1", value)
    if validation_fraction + test_fraction >= 1:
        rule = f"must leave trials to train on beside test_fraction {test_fraction}"
        raise ConfigError("validation_fraction", rule, validation_fraction)
    if trials["success"].isna().any():
        raise DataError("Only trials with a known success can be split. Leave the others out.")
    surgeons = trials["participant_id"].nunique()
    if surgeons < len(SIDES):
        raise DataError(
            f"The usable trials are of {surgeons} surgeons; a split by surgeon needs at least {len(SIDES)}. "
            "Add trials of other surgeons."
        )
    if trials["success"].nunique() < 2:
        outcome = "success" if trials["success"].iloc[0] == 1 else "failure"
        raise DataError(f"All usable trials end in {outcome}: there is nothing to learn. Add trials of both outcomes.")


def _cuts(counts: NDArray[np.int64], test_size: float, validation_size: float, both_classes: bool) -> NDArray[np.int64]:
    """Where to cut each order of surgeons: test before the first cut, validation before the second; (orders, 2).

    counts: trials and successes so far (orders, surgeons, 2). With both_classes a side goes on until it has both.
    """
    n_orders, n_surgeons, _ = counts.shape
    places = np.arange(n_surgeons)
    rows = np.arange(n_orders)
    start = np.zeros((n_orders, 2), dtype=np.int64)
    cuts, before = [], np.zeros(n_orders, dtype=np.int64)
    for size, left in ((test_size, 2), (validation_size, 1)):  # `left`: surgeons that the later sides need
        so_far = counts - start[:, None, :]
        trials, successes = so_far[..., 0], so_far[..., 1]
        allowed = (places >= before[:, None]) & (places < n_surgeons - left)
        cost = np.abs(trials - size)
        if both_classes:
            cost = cost + _LACKING_CLASS * ((successes <= 0) | (successes >= trials))
        last = np.where(allowed, cost, np.inf).argmin(axis=1)
        cuts.append(last + 1)
        start, before = counts[rows, last], last + 1
    return np.stack(cuts, axis=1)


def _cost(counts: NDArray[np.int64], cuts: NDArray[np.int64], fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the sides are from their sizes and from the common success rate, in trials; (orders,)."""
    rows = np.arange(len(cuts))
    first, second, total = counts[rows, cuts[:, 0] - 1], counts[rows, cuts[:, 1] - 1], counts[:, -1]
    sides = np.stack([first, second - first, total - second], axis=1)  # (orders, sides, 2)
    trials, successes = sides[..., 0], sides[..., 1]
    n_trials, n_successes = total[0]
    size_deviation = np.abs(trials - n_trials * fractions).sum(axis=1)
    class_deviation = np.abs(successes - trials * (n_successes / n_trials)).sum(axis=1)
    lacking = ((successes == 0) | (successes == trials)).sum(axis=1)
    cost: NDArray[np.float64] = size_deviation + class_deviation + _LACKING_CLASS * lacking
    return cost


def _with_sides(split: Split, trials: pd.DataFrame) -> pd.DataFrame:
    """The rows of the split's trials, with their side; DataError when the data set does not have one of them."""
    sides = {trial: side for side in SIDES for trial in getattr(split, side)}
    lost = sorted(set(sides) - set(trials.index))
    if lost:
        raise DataError(
            f"The data set has no trial {', '.join(lost)}, which the split names. Open the data of the run."
        )
    found = trials.loc[list(sides)]
    return found.assign(side=pd.Categorical(list(sides.values()), categories=SIDES))
