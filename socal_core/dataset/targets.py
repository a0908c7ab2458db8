"""The target of a run: the column of the outcomes that a model predicts, and its value in each trial."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from socal_core.dataset.layout import MISSING_VALUES
from socal_core.errors import ConfigError, RunError
from socal_core.presets.preset import SUCCESS

LONGEST_NAME = 40
"""Characters of the name of a class that messages and figures show; names come from files and may have any length."""


@dataclass(frozen=True)
class Target:
    """What a model predicts about a trial: one of several classes, or a number."""

    column: str
    """The column of the outcomes, such as `success`."""
    label: str
    """The name to display."""
    unit: str = ""
    """The unit of a number; "" if it has none."""
    classes: tuple[str, ...] = ()
    """The names of the classes, in the order of the logits; empty for a number."""
    mean: float = 0.0
    """The mean of a number over the training trials, in its unit."""
    scale: float = 1.0
    """The standard deviation of a number over the training trials, in its unit."""

    @property
    def is_number(self) -> bool:
        """Whether the model predicts a number (regression) instead of classes."""
        return not self.classes

    @property
    def is_success(self) -> bool:
        """Whether it is the outcome that the preset calls success."""
        return self.column == SUCCESS

    @property
    def outputs(self) -> int:
        """The number of outputs of a model: its logits, or 1 for a number."""
        return len(self.classes) or 1

    @property
    def label_with_unit(self) -> str:
        """The name to display with the unit, such as `Blood loss (mL)`."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def standardized_on(self, values: pd.Series) -> "Target":
        """Return the target with the mean and the standard deviation of the training trials; classes have none.

        Args:
            values: The values of the training trials, from `target_values`.

        Raises:
            ConfigError: All training trials have the same number.
        """
        if not self.is_number:
            return self
        mean, scale = float(values.mean()), float(values.std(ddof=0))
        if not scale > 0:
            rule = f"must differ between the training trials, but all have {mean:g}; choose another target or seed"
            raise ConfigError("target", rule, self.column)
        return replace(self, mean=mean, scale=scale)

    def standardized(self, values: pd.Series) -> pd.Series:
        """Return numbers as a model predicts them, in standard deviations from the mean; classes are unchanged."""
        return (values - self.mean) / self.scale if self.is_number else values

    def check_classes(self, labels: ArrayLike) -> None:
        """Check that each class can be learned; a number always can.

        Args:
            labels: The index of the class of each training trial.

        Raises:
            RunError: No training trial has one of the classes.
        """
        missing = [] if self.is_number else sorted(set(range(self.outputs)) - set(np.asarray(labels).tolist()))
        if missing:
            of = "" if self.is_success else f" ({self.column})"
            raise RunError(
                f"No training trial has the outcome {self.classes[missing[0]]}{of}, so it cannot be learned. Choose "
                "another seed or more data."
            )


SUCCESS_TARGET = Target(SUCCESS, "Outcome", classes=("failure", "success"))


def target_values(trials: pd.DataFrame, target: Target) -> pd.Series:
    """Return the value of each trial: the index of its class (Int64), or a number (Float64); NA if it is unknown.

    Args:
        trials: The trials of a data set, indexed by trial_id.
        target: A target of this data set.
    """
    if target.is_success:
        return trials[SUCCESS]
    values = trials[target.column]
    if target.is_number:
        return numbers_of(values).astype("Float64")
    index = {plain(name): number for number, name in enumerate(target.classes)}
    return texts_of(values).map(plain, na_action="ignore").map(index).astype("Int64")


def strata(values: pd.Series, target: Target) -> pd.Series:
    """Return the stratum of each trial, which a split distributes evenly: its class, or whether it is above the median.

    Args:
        values: The values of usable trials, from `target_values`.
        target: The target.
    """
    if not target.is_number:
        return values.astype("int64")
    above = values > values.median()
    return (above if above.any() else values == values.max()).astype("int64")


def class_numbers(names: pd.Series, target: Target) -> NDArray[np.int64]:
    """Return the index of each class from its name.

    Args:
        names: Names of classes of the target.
        target: The target.
    """
    return pd.Index(target.classes).get_indexer(pd.Index(names)).astype(np.int64)


def texts_of(values: pd.Series) -> pd.Series:
    """Return the values of a column as text, with NA for those that spell a missing value."""
    if values.dtype != "str":
        return values.dropna().map(lambda value: f"{value:g}").reindex(values.index).astype("str")
    return values.mask(values.str.lower().isin(MISSING_VALUES))


def numbers_of(values: pd.Series) -> pd.Series:
    """Return the values of a column as numbers, with NA for those that are none."""
    numbers = pd.to_numeric(values, errors="coerce").astype("Float64")
    return numbers.mask(~np.isfinite(numbers.to_numpy("float64", na_value=np.nan)))


def short_name(name: str, longest: int = LONGEST_NAME) -> str:
    """Shorten the name of a class where there is little room for it."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def in_sentence(column: str, label: str) -> str:
    """Return the name of a target within a sentence: that of a measure begins in lower case, a column keeps its own.

    Args:
        column: The column of the target.
        label: Its name to display.
    """
    return short_name(column) if label == column else label[:1].lower() + label[1:]


def amount(value: float, unit: str = "") -> str:
    """Format a number with about three digits and its unit, such as `1,250 mL` or `0.37`."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 or not size else 2 - math.floor(math.log10(size))
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}" if unit else text


def plain(name: str) -> str:
    """Return the text by which the names of classes are compared: in lower case; `1.0` is `1`."""
    number = pd.to_numeric(name, errors="coerce")
    return name.strip().casefold() if pd.isna(number) else f"{number:g}"
