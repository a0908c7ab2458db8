"""Read whether a trial was successful from 0 and 1 or from words, and find columns that may be coded otherwise."""

import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.problem_kinds import trial_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import is_missing, to_integers

_FILE = layout.OUTCOMES_FILE
_WORDS = (
    ("yes", "no"),
    ("y", "n"),
    ("true", "false"),
    ("success", "failure"),
    ("success", "fail"),
    ("successful", "unsuccessful"),
    ("succeeded", "failed"),
    ("ja", "nein"),
    ("j", "n"),
    ("wahr", "falsch"),
    ("oui", "non"),
    ("vrai", "faux"),
    ("sí", "no"),
    ("si", "no"),
)
"""Words for success and failure. Spreadsheets write TRUE and FALSE in their own language."""


def read_success(cells: pd.Series, log: ProblemLog) -> pd.Series:
    """Return 0, 1 or NA (Int64).

    Args:
        cells: The text of the column, indexed by line.
        log: Receives the invalid values, or the evidence for words.
    """
    missing = is_missing(cells)
    in_words = _from_words(cells, missing, log)
    if in_words is not None:
        return in_words
    numbers = to_integers(cells)
    known = numbers.where(numbers.isin([0, 1]))
    odd = known.isna() & ~missing
    codes = sorted(numbers[odd].dropna().unique().tolist())
    if codes and known.nunique() < 2:
        values = ", ".join(map(str, sorted({*codes, *known.dropna().unique().tolist()})))
        log.add(trial_kinds.SUCCESS_CODES, _FILE, row=int(cells.index[0]) - 1, count=len(cells), values=values)
        return known.mask(known.notna())
    log.add_rows(trial_kinds.BAD_SUCCESS, _FILE, cells[odd].to_frame("value"))
    return known


def _from_words(cells: pd.Series, missing: pd.Series, log: ProblemLog) -> pd.Series | None:
    """Return 0, 1 or NA if all values are words of one pair; otherwise None."""
    plain = cells.str.strip().str.lower().mask(missing)
    found = set(plain.dropna())
    pair = next((words for words in _WORDS if found and found <= set(words)), None)
    if pair is None:
        return None
    basis = f"All {int(plain.notna().sum()):,} values are one of the two."
    log.add_evidence(_FILE, f"In the column success, {pair[0]} means 1 and {pair[1]} means 0.", basis)
    return plain.map({pair[0]: 1, pair[1]: 0}).astype("Int64")
