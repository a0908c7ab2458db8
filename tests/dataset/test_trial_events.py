"""Events and notes of trials: how they are kept, and their CSV."""

import csv
import io
import json
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from socal_core.dataset.event_tables import COLUMNS, events_as_csv, events_from_csv
from socal_core.dataset.trial_events import (
    FIRST_MUSCLE,
    NOTE,
    OUT_OF_VIEW,
    TrialEvent,
    add_events,
    delete_events,
    mark,
    read_events,
    typed_event,
)
from socal_core.errors import DataError

ENDS = {"S100T1": 120.0, "S100T2": 60.0}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'`&amp;",
    "🔧🩸",
    "x" * 300,
    "רקמה \u202eabc",
    "=1+1",
    "'=1+1",
    "@cmd",
    "1,5",
)


def hostile() -> list[TrialEvent]:
    return [
        typed_event("S100T1", number, text, tags=text.replace(",", ";"), note=f"{text}\nsecond line")
        for number, text in enumerate(HOSTILE)
    ]


def test_events_are_kept_by_trial_and_time(tmp_path: Path) -> None:
    assert read_events(tmp_path) == []
    late, early = typed_event("S100T1", 40, " First   muscle ", "a, b,a,"), typed_event("S100T1", 3, "", note="blurred")
    assert add_events(tmp_path, [late, early]) == 2
    assert read_events(tmp_path) == [early, late]
    assert (late.event, late.tags, early.event) == (FIRST_MUSCLE, ("a", "b"), NOTE)
    assert add_events(tmp_path, [late, replace(early, id="0" * 32)]) == 0, "the same content is not added twice"
    delete_events(tmp_path, [late.id, "unknown"])
    assert read_events(tmp_path) == [early]
    assert read_events(tmp_path.parent) == []


def test_a_segment_ends_when_it_is_marked_again(tmp_path: Path) -> None:
    def press(second: float, trial: str = "S100T1") -> None:
        mark(tmp_path, TrialEvent(trial, second, OUT_OF_VIEW))

    press(10)
    assert [event.is_open for event in read_events(tmp_path)] == [True]
    press(5)  # before the open one begins: another segment
    press(12, trial="S100T2")
    press(14)
    spans = {(event.trial_id, event.second, event.end_second) for event in read_events(tmp_path)}
    assert spans == {("S100T1", 5, None), ("S100T1", 10, 14), ("S100T2", 12, None)}
    again = TrialEvent("S100T1", 20, FIRST_MUSCLE)
    mark(tmp_path, again)
    mark(tmp_path, again)  # the browser sends a mark again that may have been lost
    mark(tmp_path, TrialEvent("S100T1", 20, FIRST_MUSCLE))  # the key was pressed twice
    assert len(read_events(tmp_path)) == 4


def add_some(root: str, number: int) -> None:
    for second in range(10):
        add_events(Path(root), [TrialEvent("S100T1", second, f"tab {number}")])


def test_two_tabs_lose_nothing(tmp_path: Path) -> None:
    tabs = [get_context("fork").Process(target=add_some, args=(str(tmp_path), number)) for number in range(2)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(read_events(tmp_path)) == 20


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"second": -1}, "second must be a number of seconds from 0 on"),
        ({"second": float("nan")}, "second must be"),
        ({"end_second": 1.0}, "end_second must not lie before second"),
        ({"event": ""}, "event must have 1 to 300 characters"),
        ({"event": "x" * 301}, "got 301"),
        ({"note": "x" * 2001}, "note can have at most 2000"),
        ({"tags": ("",)}, "tags can be at most 20"),
        ({"id": "../x"}, "id must consist of"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, object], text: str) -> None:
    with pytest.raises(DataError, match=text):
        TrialEvent(**{"trial_id": "S100T1", "second": 2.0, "event": "x", **fields})


def test_a_damaged_file_is_never_overwritten(tmp_path: Path, workspace: Path) -> None:
    add_events(tmp_path, [TrialEvent("S100T1", 1, "x")])
    (file,) = (workspace / "events").glob("*.json")
    whole = json.loads(file.read_text())
    for text, message in (
        ("{", "it is damaged"),
        ("[]", "it has no events"),
        (json.dumps({**whole, "format": 9}), "has format 9"),
        (json.dumps({**whole, "events": [{"second": 1}]}), "event 1 has a missing or wrong field"),
    ):
        file.write_text(text)
        for action in (lambda: read_events(tmp_path), lambda: add_events(tmp_path, [TrialEvent("S100T1", 1, "x")])):
            with pytest.raises(DataError, match=message):
                action()
        assert file.read_text() == text


def test_csv_has_no_formula_and_comes_back_unchanged() -> None:
    events = [*hostile(), replace(hostile()[0], end_second=9.5, tags=())]
    text = events_as_csv(events)
    rows = list(csv.reader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    found = events_from_csv(text.encode(), ENDS)
    assert found.problems == ()
    assert all(event.is_like(other) for event, other in zip(events, found.events, strict=True))


def test_each_bad_row_is_named_and_the_others_are_read() -> None:
    text = (
        "trial_id;second;event;end_second;note\n"
        "S100T1;1,5;First muscle;;\n"
        "S999T1;1;x;;\n"
        "S100T1;soon;x;;\n"
        "S100T1;;x;;\n"
        "S100T2;61;x;;\n"
        "S100T1;5;x;4;\n"
        "S100T1;5;;;\n"
        "S100T1;5;x;6;note;too much\n"
        "S100T1;7;;;only a note\n"
    )
    found = events_from_csv(text.encode("utf-16"), ENDS)
    assert [(event.second, event.event) for event in found.events] == [(1.5, FIRST_MUSCLE), (7, NOTE)]
    assert list(found.problems) == [
        "Row 3: trial_id 'S999T1' is no trial of this data set with frames.",
        "Row 4: second must be a number of seconds, got 'soon'.",
        "Row 5: second is empty.",
        "Row 6: second 61 lies after the trial, which ends at second 60.",
        "Row 7: end_second must not lie before second (5), got 4.",
        "Row 8: event must have 1 to 300 characters, got 0.",
        "Row 9: it has more cells than the first row.",
    ]


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", "has no column trial_id"), (b"trial_id,second\n", "has no column event"), (b"PK\x03\x04x", "workbook")],
)
def test_a_file_that_is_no_table_of_events(data: bytes, text: str) -> None:
    with pytest.raises(DataError, match=text):
        events_from_csv(data, ENDS)
