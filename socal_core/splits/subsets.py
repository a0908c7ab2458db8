"""A split, its summary by subset, and the check that no surgeon is in two subsets."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from socal_core.dataset.targets import SUCCESS_TARGET, Target, target_values
from socal_core.errors import DataError
from socal_core.settings.split import SplitMethod

SUBSETS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """The trial ids of each subset, sorted, with the seed and the method that produced them."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    seed: int
    method: SplitMethod = SplitMethod.SURGEON

    def __post_init__(self) -> None:
        counts = Counter((*self.train, *self.validation, *self.test))
        doubled = sorted(trial for trial, count in counts.items() if count > 1)
        if doubled:
            raise DataError(f"The split contains {', '.join(doubled)} more than once. Make a new split.")

    @property
    def trial_ids(self) -> tuple[str, ...]:
        """All trials: train, then validation, then test."""
        return self.train + self.validation + self.test

    def as_dict(self) -> dict[str, Any]:
        """Return the split as values that JSON can hold."""
        values = {name: list(value) if name in SUBSETS else value for name, value in asdict(self).items()}
        return {**values, "method": self.method.value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Split":
        """Return the split that `as_dict` converted; the method is `surgeon` if the values do not name one.

        Raises:
            DataError: A field is missing or wrong.
        """
        subsets = [values.get(subset) for subset in SUBSETS]
        seed = values.get("seed")
        if not isinstance(seed, int) or not all(
            isinstance(subset, list) and all(isinstance(trial, str) for trial in subset) for subset in subsets
        ):
            raise DataError("The split must have lists of trial ids in train, validation and test, and a whole seed.")
        method = values.get("method", SplitMethod.SURGEON)
        if method not in list(SplitMethod):
            raise DataError(f"The split's method must be one of {', '.join(SplitMethod)}, got {method!r}.")
        train, validation, test = (tuple(subset or ()) for subset in subsets)
        return cls(train, validation, test, seed, SplitMethod(method))


def describe(split: Split, trials: pd.DataFrame, target: Target = SUCCESS_TARGET) -> pd.DataFrame:
    """Summarize the subsets of a split.

    Args:
        split: The split.
        trials: The usable trials of a data set.
        target: Its target.

    Returns:
        One row per subset, with the columns trials, surgeons and, for success, successes, failures and success_rate
        (NaN for an empty subset); for other classes, classes (a dictionary with the number of trials of each class);
        for a number, mean, median, lowest and highest (NaN for an empty subset).

    Raises:
        DataError: The data set lacks a trial of the split.
    """
    found = _with_subset(split, trials)
    groups = found.groupby("subset", observed=False)
    table = pd.DataFrame({"trials": groups.size(), "surgeons": groups["participant_id"].nunique()})
    if target.is_success:
        return _with_rates(table, groups["success"].sum().astype("int64"))
    values = target_values(found, target)
    by_subset = values.groupby(found["subset"], observed=False)
    if target.is_number:
        numbers = {
            "mean": by_subset.mean(),
            "median": by_subset.median(),
            "lowest": by_subset.min(),
            "highest": by_subset.max(),
        }
        return table.assign(**{name: column.astype("float64") for name, column in numbers.items()})
    counts = [values[found["subset"] == subset].value_counts() for subset in SUBSETS]
    names = dict(enumerate(target.classes))
    rows = [{name: int(row.get(index, 0)) for index, name in names.items()} for row in counts]
    return table.assign(classes=pd.Series(rows, index=table.index, dtype=object))


def _with_rates(table: pd.DataFrame, successes: pd.Series) -> pd.DataFrame:
    table["successes"] = successes
    table["failures"] = table["trials"] - table["successes"]
    table["success_rate"] = table["successes"] / table["trials"]
    return table


def surgeons_in_common(split: Split, trials: pd.DataFrame) -> int:
    """Count the surgeons with trials in more than one subset; 0 for a split by surgeon.

    Raises:
        DataError: The data set lacks a trial of the split.
    """
    found = _with_subset(split, trials)
    return int((found.groupby("participant_id")["subset"].nunique() > 1).sum())


def left_out(split: Split, trials: pd.DataFrame) -> tuple[str, ...]:
    """Return the trials that are in no subset, sorted."""
    return tuple(sorted(set(trials.index) - set(split.trial_ids)))


def split_warning(split: Split, trials: pd.DataFrame) -> str | None:
    """Return the warning to show with every result of a split; None if no surgeon is in two subsets."""
    common = surgeons_in_common(split, trials)
    if not common:
        return warning_of(split.method)
    surgeons = trials.loc[list(split.trial_ids), "participant_id"].nunique()
    return (
        f"The score is too good: {common} of {surgeons} surgeons have trials in more than one subset, so the "
        "model is tested on surgeons that it was trained on. Split by surgeon before you report a number."
    )


def warning_of(method: SplitMethod) -> str | None:
    """Return the warning for a split method, for use without the trials, such as in a table of runs."""
    if method is not SplitMethod.RANDOM:
        return None
    return (
        "Split at random by trial: a surgeon can have trials in several subsets, and a model that is tested on "
        "surgeons that it was trained on scores too well. Split by surgeon before you report a number."
    )


def _with_subset(split: Split, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the split's trials, with their subset."""
    subsets = {trial: subset for subset in SUBSETS for trial in getattr(split, subset)}
    lost = sorted(set(subsets) - set(trials.index))
    if lost:
        raise DataError(
            f"The data set has no trial {', '.join(lost)}, which the split names. Open the data of the run."
        )
    found = trials.loc[list(subsets)]
    return found.assign(subset=pd.Categorical(list(subsets.values()), categories=SUBSETS))
