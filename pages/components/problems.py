"""What is wrong in a data folder: what opening it found, and on demand what opening every frame finds."""

import pandas as pd
import streamlit as st

from pages.components.data import fingerprint
from socal_core.dataset.inspect import check_frames
from socal_core.dataset.types import Dataset, Problem

CHECKED = "checked_frames"
"""Session state: the data that was checked (folder and fingerprint) and the problems of its frames."""


def show_problems(dataset: Dataset) -> None:
    """The table of problems, and the button that opens every frame."""
    st.subheader("Problems found")
    key = (str(dataset.root), fingerprint(dataset.root))
    checked_key, of_frames = st.session_state.get(CHECKED, (None, []))
    checked = checked_key == key
    if not checked:
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.caption(
            f"Opening the folder looks at its tables and names, and decodes no frame. Checking all "
            f"{len(dataset.frames):,} frames takes about a minute for every 5,000 of full HD."
        )
        if right.button("Check every frame", icon=":material/image_search:", width="stretch"):
            bar = st.progress(0.0, text="Opening frames")
            of_frames = check_frames(dataset, lambda done, total: _move(bar, done, total))
            bar.empty()
            st.session_state[CHECKED] = (key, of_frames)
            st.rerun()
    problems = [*dataset.problems, *(of_frames if checked else [])]
    if problems:
        st.write("Nothing here stops the app. Each line says what is wrong, where, and what was done about it.")
        _table(problems)
    elif checked:
        st.success("Nothing is wrong with this folder: every frame can be read.")
    else:
        st.success("Nothing is wrong with the tables and names of this folder.")


def _move(bar: st.delta_generator.DeltaGenerator, done: int, total: int) -> None:
    # A hundred messages to the browser are enough.
    if done * 100 // total != (done - 1) * 100 // total:
        bar.progress(done / total, text=f"Opening frames: {done:,} of {total:,}")


def _table(problems: list[Problem]) -> None:
    table = pd.DataFrame([problem.as_dict() for problem in problems])
    st.dataframe(
        table[["severity", "path", "row", "message", "count"]].astype({"row": "Int64", "severity": "str"}),
        hide_index=True,
        placeholder="–",
        row_height=56,  # two lines of text
        column_config={
            "severity": st.column_config.TextColumn("Severity", width=80),
            "path": st.column_config.TextColumn("File", width=210),
            "row": st.column_config.NumberColumn("Line", width=60),
            "message": st.column_config.TextColumn("What is wrong, and what was done", width=520),
            "count": st.column_config.NumberColumn("Count", width=60),
        },
    )
