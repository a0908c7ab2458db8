"""Events and notes of a trial: what the player marks, a table to delete from, and files."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from pages.components.access import acting, guarded, may, why_not
from pages.components.downloads import (
    before_downloads,
    download,
    download_csv,
    ids_in,
    name_for_file,
    pseudonyms_chosen,
)
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.annotations.cvat_writer import document_of_trial
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.event_tables import ReadEvents, event_table, events_as_csv, events_from_csv
from socal_core.dataset.trial_events import (
    TrialEvent,
    add_events,
    delete_events,
    mark,
    read_events,
    typed_event,
)
from socal_core.errors import DataError, SocalError

RECEIVED, PROBLEM, IMPORTED = "received-marks", "mark-problem", "imported-events"
MOST_RECEIVED = 200
"""The number of recent marks whose arrival is confirmed to the player."""
MOST_PROBLEMS = 20
"""How many bad rows of a file are listed."""


def events_or_none(dataset: Dataset) -> list[TrialEvent] | None:
    """Return the events of a data set; None if they cannot be read."""
    try:
        return read_events(dataset.root)
    except DataError:
        return None  # `show_events` says why


def events_data(events: Sequence[TrialEvent] | None, trial_id: str) -> dict[str, Any]:
    """Return what the player shows of the events of a trial, as values for JSON.

    Args:
        events: All events of the data set; None if they cannot be read, so that nothing can be marked either.
        trial_id: The trial.
    """
    return {
        "events": [
            {
                "second": event.second,
                "end": event.end_second,
                "open": event.is_open,
                "text": event.event,
                "tags": list(event.tags),
                "note": event.note,
            }
            for event in events or ()
            if event.trial_id == trial_id
        ],
        "received": list(st.session_state.get(RECEIVED, [])),
        "marking": events is not None and may(Action.CHANGE_EVENTS),
    }


def store_marks(dataset: Dataset, sent: Any) -> None:
    """Store what the player sent: the marks that have not arrived yet, each with the id that it gave."""
    received: list[str] = st.session_state.setdefault(RECEIVED, [])
    st.session_state.pop(PROBLEM, None)
    for given in sent.get("marks", []):
        if given["id"] in received:
            continue
        try:
            trial = str(given["trial"])
            if trial not in dataset.trials.index:
                raise DataError(f"Trial {trial} is not in this data set.")
            event = typed_event(trial, float(given["second"]), given["text"], given["tags"], "", given["id"])
            with acting(Action.CHANGE_EVENTS, what=f"{dataset.root.name}: mark {trial}"):
                mark(dataset.root, event)
        except SocalError as error:
            st.session_state[PROBLEM] = str(error)
        else:
            received.append(given["id"])
    del received[:-MOST_RECEIVED]


def show_events(dataset: Dataset, trial_id: str, boxes: pd.DataFrame) -> None:
    """Show the events of a trial as a table to delete from, and the files.

    Args:
        dataset: The data set.
        trial_id: The trial.
        boxes: Its boxes with track ids.
    """
    st.subheader("Events and notes")
    if problem := st.session_state.get(PROBLEM):
        st.error(plain_text(problem))
    try:
        events = read_events(dataset.root)
    except DataError as error:
        st.warning(plain_text(error), icon=":material/broken_image:")
        return
    _table(dataset, [event for event in events if event.trial_id == trial_id], trial_id)
    with st.expander("Files", icon=":material/swap_vert:"):
        _files(dataset, trial_id, boxes, events)


def _table(dataset: Dataset, events: Sequence[TrialEvent], trial_id: str) -> None:
    if not events:
        st.caption("This trial has no events. Mark them below the player, or with the keys m, b and o.")
        return
    table = event_table(events).drop(columns="trial_id")
    table.columns = pd.Index(["Second", "End", "Event", "Tags", "Note"])
    choice = st.dataframe(
        table,
        hide_index=True,
        # The browser identifies rows only by number, so other events need another key.
        key=f"events-{trial_id}-{crc32(' '.join(event.id for event in events).encode('utf-8', 'replace')):08x}",
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
    )
    rows = choice["selection"]["rows"]
    label = "Delete" if len(rows) < 2 else f"Delete {len(rows)} events"
    chosen = [events[row].id for row in rows if row < len(events)]
    delete = guarded(
        Action.CHANGE_EVENTS,
        partial(_delete, dataset, chosen),
        what=f"{dataset.root.name}: delete {len(chosen)} of {trial_id}",
    )
    st.button(
        label,
        icon=":material/delete:",
        disabled=not chosen or not may(Action.CHANGE_EVENTS),
        key="delete-events",
        help=why_not(Action.CHANGE_EVENTS) or "Select rows first.",
        on_click=delete,
    )


def _delete(dataset: Dataset, ids: Sequence[str]) -> None:
    there = delete_events(dataset.root, ids)
    if there < len(ids):
        raise DataError(f"{len(ids) - there} of the selected events had been deleted in another window already.")


def _files(dataset: Dataset, trial_id: str, boxes: pd.DataFrame, events: Sequence[TrialEvent]) -> None:
    data = before_downloads(ids_in(dataset), dataset.fingerprint, "events")
    hides, name, title = pseudonyms_chosen(), name_for_file(trial_id), "Events of all trials as CSV"
    with st.container(horizontal=True):
        if hides:
            download_csv(title, lambda: event_table(events), "events.csv", data=data, key="events-csv")
        else:
            download(title, lambda: events_as_csv(events), "events.csv", "text/csv", key="events-csv")
        download(
            "This trial for CVAT",
            lambda: document_of_trial(dataset, trial_id, boxes, name),
            f"{name}.xml",
            "application/xml",
            key="trial-cvat",
            help_text="The boxes and their tracks as CVAT XML 1.1 for video. Create a task from the frames of the "
            "trial, and import the file there."
            + (" The app cannot match a pseudonymized file to its trial." if hides else ""),
        )
    if not may(Action.CHANGE_EVENTS):
        return
    given = st.file_uploader("Import events from CSV", type="csv", key="events-file", max_upload_size=10)
    if given is not None and st.button("Import", icon=":material/upload:", key="import-events"):
        _try(lambda: import_events(dataset, given.getvalue()), f"{dataset.root.name}: import {given.name}")
    if found := st.session_state.pop(IMPORTED, None):
        _report(*found)


def import_events(dataset: Dataset, data: bytes) -> None:
    """Add the events of a CSV file, and keep what is to be said about it for the next run of the page.

    Raises:
        DataError: The file is no table of events, or the events cannot be saved.
    """
    ends = dataset.frames.groupby("trial_id")["second"].max() + 1.0
    found = events_from_csv(data, {str(trial): float(end) for trial, end in ends.items()})
    st.session_state[IMPORTED] = found, add_events(dataset.root, found.events)


def _report(found: ReadEvents, added: int) -> None:
    known = len(found.events) - added
    st.success(f"{added} events were imported{f', {known} were there already' if known else ''}.")
    if found.problems:
        shown = [plain_text(text) for text in found.problems[:MOST_PROBLEMS]]
        more = len(found.problems) - len(shown)
        rest = f"\n- … and {more} more" if more else ""
        st.warning("These rows were not imported:\n\n- " + "\n- ".join(shown) + rest)


def _try(action: Any, what: str) -> None:
    try:
        with acting(Action.CHANGE_EVENTS, what=what):
            action()
    except SocalError as error:
        st.error(plain_text(error))
    else:
        st.rerun()
