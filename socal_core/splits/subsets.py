"""The split as a value, and its proof: how many trials and surgeons each side has, and whom the sides share."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from socal_core.errors import DataError
from socal_core.settings.split import SplitMethod

SIDES = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """The trial ids of each side, sorted, the seed that drew them, and the way they were drawn."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    seed: int
    method: SplitMethod = SplitMethod.SURGEON

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
        values = {name: list(value) if name in SIDES else value for name, value in asdict(self).items()}
        return {**values, "method": self.method.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Split":
        """The split that as_dict gave, by surgeon where it names no method; DataError when it is something else."""
        sides = [values.get(side) for side in SIDES]
        seed = values.get("seed")
        if not isinstance(seed, int) or not all(
            isinstance(side, list) and all(isinstance(trial, str) for trial in side) for side in sides
        ):
            raise DataError("The split must have lists of trial ids in train, validation and test, and a whole seed.")
        method = values.get("method", SplitMethod.SURGEON)
        if method not in list(SplitMethod):
            raise DataError(f"The split's method must be one of {', '.join(SplitMethod)}, got {method!r}.")
        train, validation, test = (tuple(side or ()) for side in sides)
        return cls(train, validation, test, seed, SplitMethod(method))


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


def left_out(split: Split, trials: pd.DataFrame) -> tuple[str, ...]:
    """The trials that are on no side, sorted: those that would blur what the split proves."""
    return tuple(sorted(set(trials.index) - set(split.trial_ids)))


def split_warning(split: Split, trials: pd.DataFrame) -> str | None:
    """What to say wherever a result of this split is shown; None for a split that keeps surgeons apart."""
    common = surgeons_in_common(split, trials)
    if not common:
        return warning_of(split.method)
    surgeons = trials.loc[list(split.trial_ids), "participant_id"].nunique()
    return (
        f"The score is too good: {common} of {surgeons} surgeons have trials in more than one subset, so the "
        "model is tested on surgeons that it was trained on. Split by surgeon before you report a number."
    )


def warning_of(method: SplitMethod) -> str | None:
    """The warning that goes with a method where the trials are not at hand, such as in a table of runs."""
    if method is not SplitMethod.RANDOM:
        return None
    return (
        "Split at random by trial: a surgeon can have trials in several subsets, and a model that is tested on "
        "surgeons that it was trained on scores too well. Split by surgeon before you report a number."
    )


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
