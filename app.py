"""The way in: what this is, the data at a glance, the next step."""

import streamlit as st

from pages.components.data import is_demo
from pages.components.frame import page
from pages.components.runs import all_runs, runs_table
from pages.components.tiles import data_tiles

NEWEST_RUNS = 5
STEPS = (
    ("pages/dataset.py", "Look at the data", "Outcomes, frames, boxes, and what is wrong in the folder."),
    ("pages/training.py", "Train a model", "It learns in the background while you watch its curves."),
    ("pages/evaluation.py", "Read the test", "How good is it on surgeons it has never seen, and how sure is that?"),
    ("pages/trial_viewer.py", "Go through trials", "Frames with their boxes, the prediction beside the truth."),
)


def next_steps() -> None:
    st.subheader("The way through")
    columns = st.columns(len(STEPS))
    for number, (column, (script, label, text)) in enumerate(zip(columns, STEPS, strict=True), start=1):
        with column.container(border=True, height="stretch"):
            st.page_link(script, label=f"**{number}. {label}**")
            st.write(text)


INTRODUCTION = (
    "In a SOCAL trial, a training exercise, a surgeon has five minutes to stop the bleeding of a torn carotid "
    "artery. This app teaches a video model to predict the outcome from the first minute, and shows how far to "
    "trust it."
)

with page("Overview", INTRODUCTION, heading="Will the bleeding be stopped?") as dataset:
    if dataset is not None:
        st.subheader("The data at a glance")
        if is_demo(dataset):
            st.caption("The synthetic demo data set: drawn by a program, for trying everything out.")
        data_tiles(dataset)
    next_steps()
    st.subheader("Newest runs")
    runs = all_runs()
    if runs:
        runs_table(runs[:NEWEST_RUNS])
    else:
        st.info("There is no run yet. Start the first one on the Training page.")
