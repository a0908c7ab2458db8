"""The table of the test trials of a run: each opens in the Trial viewer and can have a note."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from pages.components.access import guarded_on, may, why_not
from pages.components.downloads import Ids, before_downloads, download_csv, fingerprint_of
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.errors import RunError
from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun
from socal_core.runs.notes import LONGEST_NOTE
from socal_core.runs.trial_notes import read_trial_notes, write_trial_note

VIEWER = "trial_viewer"


def show_trials(run: RunFolder, table: pd.DataFrame, key: str, columns: Mapping[str, Any]) -> None:
    """Show a table of test trials with their notes, its download as CSV, and the form for a note.

    Args:
        run: The run.
        table: One row per trial, with the column Trial.
        key: The key of the table.
        columns: How to show some of its columns.
    """
    notes, problem = _read(run)
    with_notes = table.assign(Note=[notes.get(trial, "") for trial in table["Trial"]])
    address = [f"{VIEWER}?{urlencode({'run': run.name, 'trial': trial})}" for trial in table["Trial"]]
    shown = with_notes.assign(View=address)
    st.dataframe(
        shown[["Trial", "View", *(name for name in with_notes if name != "Trial")]],
        hide_index=True,
        key=key,
        column_config={
            **columns,
            "Note": st.column_config.TextColumn(width="medium"),
            "View": st.column_config.LinkColumn(
                "", display_text="Open", width="small", help="Opens the trial in the Trial viewer, in a new tab."
            ),
        },
    )
    surgeons = frozenset(map(str, table["Surgeon"].dropna())) if "Surgeon" in table else frozenset()
    ids = Ids(frozenset(map(str, table["Trial"])), surgeons)
    data = before_downloads(ids, fingerprint_of(run), key)
    download_csv("CSV", lambda: with_notes, f"{run.name}-test-trials.csv", data=data, type="tertiary", key=f"csv-{key}")
    if problem:
        st.warning(plain_text(problem), icon=":material/broken_image:")
    else:
        _note(run, list(table["Trial"]), notes)


def _read(run: RunFolder) -> tuple[dict[str, str], str]:
    """Return the notes and why they cannot be read."""
    try:
        return read_trial_notes(run), ""
    except RunError as error:
        return {}, str(error)


def _note(run: RunFolder, trials: list[str], notes: Mapping[str, str]) -> None:
    """Show the form for the note on one of the trials."""
    key = f"noted-trial-{run.name}"
    if st.session_state.get(key) not in trials:
        st.session_state[key] = trials[0]
    with st.container(border=True):
        left, right = st.columns([1, 2])
        with left:
            trial = st.selectbox("Note on trial", trials, key=key)
            if st.button("Open in the Trial viewer", icon=":material/slideshow:", key="open-trial"):
                # The page is another one, so the choices of its widgets can still be set.
                st.session_state["run-trial_viewer"] = run.name
                st.session_state["asked-trial"] = trial
                st.switch_page("pages/trial_viewer.py")
        known = KnownRun.of(run)
        field = f"trial-note-{known.key}-{trial}"
        with right, st.form(f"note-{known.key}-{trial}", border=False):
            st.text_area("Note", notes.get(trial, ""), max_chars=LONGEST_NOTE, key=field)
            st.form_submit_button(
                "Save note",
                icon=":material/edit_note:",
                disabled=not may(Action.NOTE_TRIAL, run),
                help=why_not(Action.NOTE_TRIAL, run),
                on_click=guarded_on(Action.NOTE_TRIAL, known, partial(_save_note, trial=trial, field=field)),
            )


def _save_note(run: RunFolder, trial: str, field: str) -> None:
    write_trial_note(run, trial, str(st.session_state[field]))
