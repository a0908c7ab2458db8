"""CSV for people, who open it in a spreadsheet program."""

import re

import pandas as pd
from pandas.api.types import is_numeric_dtype

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)*|[.]\d+)(e[+-]?\d+)?%?", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_for_people(table: pd.DataFrame, index: bool = False) -> str:
    """Return a table as CSV in which no cell is a formula.

    A text that a spreadsheet program could take for a formula, such as `=cmd|…` as the name of a surgeon, begins with
    an apostrophe, as OWASP advises (CSV injection). Files that the app reads itself are written as they are instead.

    Args:
        table: The table.
        index: Whether its index is written too.
    """
    safe = table.reset_index() if index else table
    columns = {
        as_text(name): column if is_numeric_dtype(column) else column.astype("object").map(as_text)
        for name, column in safe.items()
    }
    return pd.DataFrame(columns).to_csv(index=False)


def as_text(value: object) -> object:
    """Return a cell that no spreadsheet program takes for a formula; all but texts are returned unchanged."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
