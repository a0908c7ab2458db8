"""What is wrong in a data folder: what opening it found, and on demand what opening every frame finds."""

import pandas as pd
import streamlit as st

from pages.components.dataset.frame_check import check_of_frames
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset, Problem, Severity
from socal_core.dataset.problems import problems_csv

ROWS_SHOWN = 10
TABLE_HEIGHT = 560


def show_problems(dataset: Dataset) -> None:
    """The check of every frame, and the table of problems."""
    st.subheader("Problems found")
    of_frames = check_of_frames(dataset)
    problems = sorted([*dataset.problems, *(of_frames or [])], key=_cost)
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
    elif of_frames is None:
        st.success("No problems in the tables and names of this folder.")
    else:
        st.success("No problems in this folder: every frame can be read.")


def _cost(problem: Problem) -> int:
    """The place of a problem in the table: errors first."""
    return list(Severity).index(problem.severity)


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
