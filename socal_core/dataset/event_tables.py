"""Events of trials as CSV: written for people, and read back with a message for each bad row."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.text_decoding import decode_text
from socal_core.dataset.trial_events import TrialEvent, typed_event
from socal_core.errors import DataError
from socal_core.spreadsheets import as_text, csv_for_people

COLUMNS = ("trial_id", "second", "end_second", "event", "tags", "note")
NEEDED = ("trial_id", "second", "event")
LARGEST = 10_000_000
"""The largest file that is read, in bytes."""
LONGEST_SHOWN = 40


@dataclass(frozen=True)
class ReadEvents:
    """What a CSV file holds."""

    events: tuple[TrialEvent, ...]
    problems: tuple[str, ...]
    """One text for each row that cannot be used, which names the row as an editor counts it."""


def event_table(events: Sequence[TrialEvent]) -> pd.DataFrame:
    """Return events as a table with COLUMNS."""
    rows = [
        (event.trial_id, event.second, event.end_second, event.event, ", ".join(event.tags), event.note)
        for event in events
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"second": "float64", "end_second": "float64"})


def events_as_csv(events: Sequence[TrialEvent]) -> str:
    """Return events as CSV in which no cell is a formula; `events_from_csv` reads the same events."""
    table = event_table(events)
    texts = {name: table[name].map(_guarded) for name in ("trial_id", "event", "tags", "note")}
    return csv_for_people(table.assign(**texts))


def events_from_csv(data: bytes, last_seconds: Mapping[str, float]) -> ReadEvents:
    """Read events from CSV.

    Args:
        data: The file.
        last_seconds: The second at which each trial of the data set ends.

    Raises:
        DataError: The file is no table of events: it is too large, no text, or lacks a column.
    """
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) / 1e6:,.0f} MB; at most {LARGEST / 1e6:.0f} MB are read. Divide it.")
    try:
        text = decode_text(data, "events", ProblemLog())
    except DataError as error:
        raise DataError(f"The file cannot be read: {error}.") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"The file has no column {missing[0]}. Its first row must name {', '.join(COLUMNS)}.")
    events, problems = [], []
    try:
        for row in reader:
            try:
                events.append(_event(row, last_seconds))
            except DataError as error:
                problems.append(f"Row {reader.line_num}: {error}")
    except csv.Error as error:
        problems.append(f"Row {reader.line_num}: {error}. The rows after it were not read.")
    return ReadEvents(tuple(events), tuple(problems))


def _event(row: Mapping[str | None, object], last_seconds: Mapping[str, float]) -> TrialEvent:
    if None in row:
        raise DataError("it has more cells than the first row.")
    cells = {str(name): _plain(value) for name, value in row.items()}
    trial = cells["trial_id"].strip()
    if trial not in last_seconds:
        raise DataError(f"trial_id {_shown(trial)} is no trial of this data set with frames.")
    second, end = _number(cells, "second"), _number(cells, "end_second")
    if second is None:
        raise DataError("second is empty.")
    for name, value in (("second", second), ("end_second", end)):
        if value is not None and value > last_seconds[trial]:
            raise DataError(f"{name} {value:g} lies after the trial, which ends at second {last_seconds[trial]:g}.")
    event = typed_event(trial, second, cells["event"], cells.get("tags", ""), cells.get("note", ""))
    return replace(event, end_second=end)


def _number(cells: Mapping[str, str], name: str) -> float | None:
    text = cells.get(name, "").strip()
    if not text:
        return None
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        raise DataError(f"{name} must be a number of seconds, got {_shown(text)}.") from None


def _guarded(text: str) -> str:
    """Put an apostrophe before what a spreadsheet program could take for a formula, also if it has one already."""
    return f"'{text}" if _is_formula(text.lstrip("'")) else text


def _plain(value: object) -> str:
    """Return a cell without the apostrophe of `_guarded`."""
    text = "" if value is None else str(value)
    return text[1:] if text.startswith("'") and _is_formula(text.lstrip("'")) else text


def _is_formula(text: str) -> bool:
    return as_text(text) != text


def _delimiter(text: str) -> str:
    """Return what separates the names of the columns; some spreadsheet programs write semicolons."""
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _shown(text: str) -> str:
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")
