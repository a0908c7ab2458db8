"""predictions.csv: the predictions of the best checkpoint for all usable trials.

For success, `label` and `predicted` are 0 or 1, and `prob_success` is the probability of success. For other classes,
`label` and `predicted` are names of classes, and `prob_` with the name of each class is its probability. For a number,
`label` and `predicted` are values in its unit.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.file_handles import handles_explained
from socal_core.splits import SUBSETS
from socal_core.storage import write_text

PREDICTIONS = "predictions.csv"
PREDICTION_COLUMNS = ("trial_id", "participant_id", "split", "label", "prob_success", "predicted")
"""The columns for success. split: train, validation or test."""
FIRST_ROW = 2
"""The row of the first trial as an editor counts it: the names of the columns are in row 1."""
LONGEST_SHOWN = 40
"""Number of characters of a wrong value that a message shows."""
REMEDY = "Delete it and run `evaluate`."


def probability_columns(target: Target) -> list[str]:
    """Return the columns of the probabilities, in the order of the classes; only that of success for success."""
    return ["prob_success"] if target.is_success else [f"prob_{name}" for name in target.classes]


def prediction_columns(target: Target) -> tuple[str, ...]:
    """Return the columns of the table of predictions of a target."""
    return (*PREDICTION_COLUMNS[:4], *probability_columns(target), "predicted")


def write_predictions(path: Path, table: pd.DataFrame, target: Target) -> None:
    """Write the columns `prediction_columns` of a table of predictions, in one step.

    Args:
        path: The file.
        table: The predictions.
        target: What is predicted.
    """
    write_text(path, table.to_csv(columns=list(prediction_columns(target)), index=False))


def read_predictions(path: Path, target: Target, owner: str) -> pd.DataFrame | None:
    """Read a table of predictions; None if there is no file.

    Args:
        path: The file.
        target: What is predicted.
        owner: The run, for messages.

    Raises:
        RunError: The file is damaged, or a value is missing or wrong. The message names the row, as an editor counts
            it, and the field.
        TooManyFilesError: Too many files are open.
    """
    try:
        with handles_explained():
            table = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False).fillna("")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # pandas' parser errors and broken encodings are ValueErrors
        raise RunError(f"{owner}: {PREDICTIONS} is damaged. {REMEDY}") from error
    columns = prediction_columns(target)
    try:
        _check_columns(table, columns)
        _check_texts(table)
        for name in columns[3:]:
            table[name] = _checked(table[name], _rule(name, target))
    except _WrongValueError as wrong:
        raise RunError(f"{owner}: {PREDICTIONS}, row {wrong.row}: {wrong}. {REMEDY}") from None
    return table


class _WrongValueError(Exception):
    """A value that is missing or wrong: what is wrong with it, and its row in the file."""

    def __init__(self, message: str, index: int = -1) -> None:
        super().__init__(message)
        self.row = index + FIRST_ROW


@dataclass(frozen=True)
class _Rule:
    """What a column must contain: one of some texts, or a finite number in a range."""

    text: str
    choices: tuple[str, ...] = ()
    whole: bool = False
    lowest: float = -math.inf
    highest: float = math.inf

    def parse(self, text: str) -> str | float | None:
        """Return the value, or None if it is not allowed."""
        if self.choices:
            return text if text in self.choices else None
        try:
            number = float(text)
        except ValueError:
            return None
        inside = math.isfinite(number) and self.lowest <= number <= self.highest
        return number if inside and not (self.whole and number % 1) else None


def _rule(name: str, target: Target) -> _Rule:
    if name.startswith("prob_"):
        return _Rule("must be between 0 and 1", lowest=0, highest=1)
    if target.is_success:
        return _Rule("must be 0 or 1", whole=True, lowest=0, highest=1)
    if target.is_number:
        return _Rule("must be a number")
    return _Rule(f"must be one of {', '.join(target.classes)}", choices=target.classes)


def _check_columns(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes what is too much for names of the rows
        raise _WrongValueError("it has more cells than row 1", 0)
    missing = [name for name in columns if name not in table]
    if missing:
        raise _WrongValueError(f"the column {missing[0]} is missing")
    if tuple(table.columns) != columns:
        raise _WrongValueError(f"the columns must be {', '.join(columns)}, in this order")


def _check_texts(table: pd.DataFrame) -> None:
    """Check the columns that remain text."""
    first: dict[str, int] = {}
    for index, trial in enumerate(table["trial_id"]):
        if not trial:
            raise _WrongValueError("trial_id is empty", index)
        if trial in first:
            raise _WrongValueError(f"trial_id is {_shown(trial)}, as in row {first[trial] + FIRST_ROW}", index)
        first[trial] = index
    _checked(table["split"], _Rule(f"must be one of {', '.join(SUBSETS)}", choices=SUBSETS))


def _checked(values: pd.Series, rule: _Rule) -> pd.Series:
    """Return the values of a column in their own type."""
    found = [rule.parse(text) for text in values]
    if None in found:
        index = found.index(None)
        text = values.iloc[index]
        raise _WrongValueError(f"{values.name} is {_shown(text) if text else 'empty'}, {rule.text}", index)
    dtype = "str" if rule.choices else "int64" if rule.whole else "float64"
    return pd.Series(found, values.index, dtype)


def _shown(text: str) -> str:
    """Return a value as a message shows it."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
