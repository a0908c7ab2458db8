"""The problems of a data folder: those found when opening it and, on request, when opening every frame."""

import pandas as pd
import streamlit as st

from pages.components.dataset.frame_check import check_of_frames
from pages.components.dataset.frame_reports import show_frame_reports
from pages.components.dataset.offset_view import show_offset_advice
from pages.components.downloads import before_downloads, download_csv, ids_in
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset, Problem, Severity
from socal_core.dataset.problems import problems_table

ROWS_SHOWN = 10
TABLE_HEIGHT = 560


def show_problems(dataset: Dataset) -> None:
    """Show the check of every frame and the table of problems."""
    st.subheader("Problems found")
    of_frames = check_of_frames(dataset)
    show_offset_advice(dataset)
    problems = sorted([*dataset.problems, *(of_frames or [])], key=_rank)
    if problems:
        data = before_downloads(ids_in(dataset), dataset.fingerprint, "problems")
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.write("The app works despite these problems. Each row shows what is wrong, where, and what to do.")
        with right:
            table = problems_table(problems)
            download_csv("Download as CSV", lambda: table, "problems.csv", data=data, width="stretch")
        _table(problems)
    elif of_frames is None:
        st.success("No problems were found in the tables and file names of this folder.")
    else:
        st.success("No problems were found in this folder. Every frame can be read.")
    st.subheader("In the frames")
    show_frame_reports(dataset)


def _rank(problem: Problem) -> int:
    """Return the rank of a problem in the table: errors come first."""
    return list(Severity).index(problem.severity)


def _table(problems: list[Problem]) -> None:
    """Show a table in which long texts wrap, and which scrolls if it is long."""
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
