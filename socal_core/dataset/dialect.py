"""How a table separates its fields and writes its numbers: spreadsheets save the same table in different ways."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

_DECLARED = re.compile(r'^"?sep=(?P<separator>[,;\t])"?,*\s*$', re.IGNORECASE)
"""A first line that declares to Excel what separates the fields."""
_SAMPLE = 20
_FEWEST_FIELDS = 2
_COMMA_NUMBER = r"[+-]?[0-9]+,[0-9]+"
_POINT_NUMBER = r"[+-]?[0-9]+\.[0-9]+"
_GROUPED = r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}"
"""Possibly a whole number with separated thousands."""
_MIXED = r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"


@dataclass(frozen=True)
class Dialect:
    """The separator of the fields of a table, and in words how it is known."""

    separator: str = ","
    basis: str = ""


def declared(line: str) -> Dialect | None:
    """Return the dialect that a first line such as `sep=;` declares, or None for any other line."""
    match = _DECLARED.match(line)
    return Dialect(match["separator"], "The first line declares it.") if match else None


def detect(texts: Sequence[str]) -> Dialect:
    """Find the separator that divides the first lines, including the header, into the most fields of equal number.

    Args:
        texts: Lines that are not empty.

    Returns:
        The dialect: commas, unless another separator divides the lines better.
    """
    sample = [text for text in texts[:_SAMPLE] if any(mark in text for mark in SEPARATORS)]
    if not any(mark in text for text in sample for mark in SEPARATORS if mark != ","):
        return Dialect()
    found = {separator: _usual_fields(sample, separator) for separator in SEPARATORS}
    best = max(found, key=lambda separator: (found[separator], separator == ","))
    if best == "," or found[best] < _FEWEST_FIELDS:
        return Dialect()
    return Dialect(best, f"They divide the first line, and those after it, into {found[best]} fields.")


def split(line: str, separator: str) -> list[str] | None:
    """Split one line into its fields; return None if a quote in it is not closed."""
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error:
        return None


def point_decimals(cells: pd.DataFrame, separator: str, path: str, log: ProblemLog) -> pd.DataFrame:
    """Write decimal commas as points, in a table whose fields may hold commas.

    A number such as 1,200 or 1.200 may be 1200 or 1.2; the other numbers of the file decide.

    Args:
        cells: The fields, as text.
        separator: The character between the fields.
        path: The file, relative to the data folder.
        log: Receives the evidence and the ambiguous numbers.

    Returns:
        The fields, with a point in each number. An ambiguous number becomes text that no reader takes for a number.
    """
    found: set[str] = {value for _, column in cells.items() for value in _numbers_with_marks(column)}
    commas, points = ({v for v in found if re.fullmatch(kind, v)} for kind in (_COMMA_NUMBER, _POINT_NUMBER))
    mixed = found - commas - points
    certain = points if separator == "," else set()  # points are decimal where commas separate fields
    if not found - certain:
        return cells
    comma_is_decimal = bool(mixed) or not all(re.fullmatch(_GROUPED, value) for value in commas)
    point_is_decimal = bool(certain) or not all(re.fullmatch(_GROUPED, value) for value in points)
    if comma_is_decimal == point_is_decimal:
        unclear = found - certain
        log.add(file_kinds.AMBIGUOUS_NUMBERS, path, count=len(unclear), example=min(unclear))
        new = {value: f"{value} (ambiguous)" for value in unclear}
    elif comma_is_decimal:
        new = {value: value.replace(".", "").replace(",", ".") for value in found}
        example = min(mixed or {value for value in commas if not re.fullmatch(_GROUPED, value)})
        log.add_evidence(path, "Numbers have a decimal comma.", f"Numbers such as {example} cannot be read otherwise.")
    else:
        new = {value: value.replace(",", "") for value in commas}
    return cells.apply(lambda column: _replaced(column, new))


def _numbers_with_marks(column: pd.Series) -> list[str]:
    """Return the distinct numbers of a column that have a comma or a point."""
    values = pd.Series(column.unique(), dtype="str")
    fits = values.str.fullmatch(f"{_COMMA_NUMBER}|{_POINT_NUMBER}|{_MIXED}")
    return values[fits].tolist()


def _replaced(column: pd.Series, new: Mapping[str, str]) -> pd.Series:
    """Replace some of the distinct values of a column."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    replaced = pd.Index([new.get(value, value) for value in values], dtype="str")
    return pd.Series(replaced.take(codes), index=column.index)


def _usual_fields(sample: Sequence[str], separator: str) -> int:
    """Return the number of fields that most lines have, or 0 if the first line has another."""
    counts = [len(split(text, separator) or ()) for text in sample]
    usual, times = Counter(counts).most_common(1)[0]
    return usual if counts[0] == usual and times * 2 > len(counts) else 0
