"""Read success from the values of the preset or from words, and find columns that may be coded otherwise."""

from collections.abc import Sequence

import pandas as pd

from socal_core.dataset.problem_kinds import trial_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import is_missing, to_integers
from socal_core.presets import Preset
from socal_core.presets.preset import SUCCESS

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


def read_success(cells: pd.Series, preset: Preset, log: ProblemLog) -> pd.Series:
    """Return 0, 1 or NA (Int64).

    Args:
        cells: The text of the column, indexed by line.
        preset: The data set, with its values of success and failure.
        log: Receives the invalid values, or the evidence for words.
    """
    missing = is_missing(cells)
    in_words = _from_words(cells, missing, preset, log)
    if in_words is not None:
        return in_words
    meaning = {**dict.fromkeys(preset.failures, 0), **dict.fromkeys(preset.successes, 1)}
    numbers = to_integers(cells)
    plain = numbers.astype("str").fillna(cells.str.lower())  # 1.0 is 1
    known = plain.map(meaning).astype("Int64")
    odd = known.isna() & ~missing
    stated = {
        "column": preset.title_of(SUCCESS),
        "expected": ", ".join((preset.failures[0], preset.successes[0])).upper(),
    }
    codes = odd & numbers.notna()
    if codes.any() and known.nunique() < 2:
        values = ", ".join(sorted(set(plain[codes | known.notna()])))
        write = {"success": preset.successes[0].upper(), "failure": preset.failures[0].upper()}
        row = int(cells.index[0]) - 1
        kind, path = trial_kinds.SUCCESS_CODES, preset.outcomes_file
        log.add(kind, path, row=row, count=len(cells), values=values, **stated, **write)
        return known.mask(known.notna())
    log.add_rows(trial_kinds.BAD_SUCCESS, preset.outcomes_file, cells[odd].to_frame("value"), **stated)
    return known


def order_of_words(found: Sequence[str]) -> list[str]:
    """Return two words for failure and success in this order; other words unchanged.

    Args:
        found: Different words in lower case.
    """
    pair = next((words for words in _WORDS if set(found) == set(words)), None)
    return list(found) if pair is None else [pair[1], pair[0]]


def _from_words(cells: pd.Series, missing: pd.Series, preset: Preset, log: ProblemLog) -> pd.Series | None:
    """Return 0, 1 or NA if all values are words of one pair; otherwise None."""
    if "1" not in preset.successes or "0" not in preset.failures:
        return None  # the column states something else than success, such as a leak, which yes affirms
    plain = cells.str.strip().str.lower().mask(missing)
    found = set(plain.dropna())
    pair = next((words for words in _WORDS if found and found <= set(words)), None)
    if pair is None:
        return None
    text = f"In the column {preset.title_of(SUCCESS)}, {pair[0]} means 1 and {pair[1]} means 0."
    basis = f"All {int(plain.notna().sum()):,} values are one of the two."
    log.add_evidence(preset.outcomes_file, text, basis)
    return plain.map({pair[0]: 1, pair[1]: 0}).astype("Int64")
