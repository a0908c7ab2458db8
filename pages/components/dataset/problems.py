"""What is wrong in a data folder: what opening it found, and on demand what opening every frame finds."""

import pandas as pd
import streamlit as st

from pages.components.sidebar.data_picker import fingerprint
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset, Problem, Severity
from socal_core.dataset.inspection import check_frames
from socal_core.dataset.problems import problems_csv

ROWS_SHOWN = 10
TABLE_HEIGHT = 560
CHECKED = "checked_frames"
"""Session state: the data that was checked (folder and fingerprints) and the problems of its frames."""


def show_problems(dataset: Dataset) -> None:
    """The table of problems, and the button that opens every frame."""
    st.subheader("Problems found")
    key = (str(dataset.root), fingerprint(dataset.root), dataset.fingerprint)
    checked_key, of_frames = st.session_state.get(CHECKED, (None, []))
    checked = checked_key == key
    if not checked:
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.caption(
            f"Opening the folder reads tables and names but decodes no frame. Checking all "
            f"{len(dataset.frames):,} frames takes about a minute for every 5,000 of full HD."
        )
        if right.button("Check every frame", icon=":material/image_search:", width="stretch"):
            bar = st.progress(0.0, text="Opening frames")
            of_frames = check_frames(dataset, lambda done, total: _move(bar, done, total))
            bar.empty()
            st.session_state[CHECKED] = (key, of_frames)
            st.rerun()
    problems = sorted([*dataset.problems, *(of_frames if checked else [])], key=_cost)
    if problems:
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.write("None of these stops the app. Each row says what is wrong, where, and what to do.")
        right.download_button(
            "Download as CSV",
            problems_csv(problems),
            file_name="problems.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )
        _table(problems)
    elif checked:
        st.success("No problems in this folder: every frame can be read.")
    else:
        st.success("No problems in the tables and names of this folder.")


def _cost(problem: Problem) -> int:
    """The place of a problem in the table: errors first."""
    return list(Severity).index(problem.severity)


def _move(bar: st.delta_generator.DeltaGenerator, done: int, total: int) -> None:
    # A hundred messages to the browser are enough.
    if done * 100 // total != (done - 1) * 100 // total:
        bar.progress(done / total, text=f"Opening frames: {done:,} of {total:,}")


def _table(problems: list[Problem]) -> None:
    """A table whose long texts wrap; beyond a screen it scrolls."""
    rows = [
        {
            "Severity": problem.severity.value,
            "File": plain_text(problem.path),
            "Line": "" if problem.row is None else str(problem.row),
            "What is wrong, and what to do": plain_text(problem.message),
            "Count": f"{problem.count:,}",
        }
        for problem in problems
    ]
    with st.container(height="content" if len(rows) <= ROWS_SHOWN else TABLE_HEIGHT, border=False):
        st.table(pd.DataFrame(rows).set_index("Severity"))
