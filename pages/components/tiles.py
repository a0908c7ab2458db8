"""The key numbers of a data set."""

import streamlit as st

from socal_core.dataset.dataset import Dataset, Severity
from socal_core.dataset.inspection import summarise


def data_tiles(dataset: Dataset) -> None:
    """Show the size of a data set, its success rate and its number of problems."""
    summary = summarise(dataset)
    usable, outcomes = summary["usable_trials"], summary["outcomes"]
    rate = f"{outcomes['success'] / usable:.0%}" if usable else "–"
    problems = sum(problem["count"] for problem in summary["problems"] if problem["severity"] != Severity.INFO)
    tiles = [
        ("Trials", f"{summary['trials']:,}", "Trials with at least one frame"),
        ("Usable", f"{usable:,}", "Trials with a frame and a known outcome"),
        ("Surgeons", f"{dataset.usable_trials['participant_id'].nunique():,}", "Surgeons of the usable trials"),
        ("Successes", rate, f"Fraction of the usable trials in which {dataset.preset.success}"),
        ("Frames", f"{summary['frames']:,}", "One frame per second"),
        ("Boxes", f"{summary['boxes']:,}", "Boxes around instruments and materials"),
        ("Problems", f"{problems:,}", "Errors and warnings. The Dataset page lists them with file and row."),
    ]
    # In columns of equal width, longer labels would be cut off.
    with st.container(horizontal=True):
        for label, value, text in tiles:
            st.metric(label, value, help=text, border=True, width="content")
