"""Dataset: what is in the folder, and what is wrong with it."""

import streamlit as st

from pages.components.charts import chart
from pages.components.data import is_demo
from pages.components.frame import page
from pages.components.images import sample_frames
from pages.components.problems import show_problems
from pages.components.tiles import data_tiles
from socal_core.dataset import layout
from socal_core.dataset.types import Dataset
from socal_core.figures.dataset import boxes_by_label, class_balance, frames_by_outcome, length_auroc
from socal_core.figures.style import OUTCOMES

SAMPLES = 3
# From this on, the length of a trial is said to give its outcome away.
TELLING_AUROC = 0.7


def charts(dataset: Dataset) -> None:
    usable = dataset.usable_trials
    left, middle, right = st.columns(3)
    with left:
        chart(class_balance(usable), "class-balance")
    with middle:
        chart(frames_by_outcome(usable), "frames-by-outcome")
    with right:
        chart(boxes_by_label(dataset.boxes), "boxes-by-label")
    auroc = length_auroc(usable)
    if auroc is None:
        return
    scale = f"the number of frames alone has an AUROC of {auroc:.2f} (0.5 is chance, 1 is perfect)"
    if auroc < TELLING_AUROC:
        st.info(f"The length of a trial says little about its outcome here: {scale}.", icon=":material/timer:")
    else:
        st.info(
            "**The length of a trial gives the outcome away.** A trial ends when the bleeding stops; a failed one runs "
            f"on to the time limit. Here {scale}. A model that sees the whole trial can use this; one that sees the "
            "first 60 s has to look.",
            icon=":material/timer:",
        )


def samples(dataset: Dataset) -> None:
    """Some frames of different trials with their boxes; a button shows others."""
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    left.subheader("Sample frames")
    if right.button("Show others", icon=":material/shuffle:", width="stretch"):
        st.session_state["sample_seed"] = st.session_state.get("sample_seed", 0) + 1
    sample_frames(dataset, SAMPLES, st.session_state.get("sample_seed", 0))


def trials_table(dataset: Dataset) -> None:
    st.subheader("Trials")
    columns = ["participant_id", "trial_number", "success", "n_frames", "blood_loss", "training_status", "cohort"]
    table = dataset.trials[[*columns, "unusable_because"]].reset_index()
    table["success"] = table["success"].map(OUTCOMES)
    st.dataframe(
        table.dropna(axis="columns", how="all"),  # not every folder has the surgeons' file
        hide_index=True,
        placeholder="–",
        height=320,
        column_config={
            "trial_id": "Trial",
            "participant_id": "Surgeon",
            "trial_number": st.column_config.NumberColumn("Attempt", help="1 before coaching, 2 after"),
            "success": "Outcome",
            "n_frames": "Frames",
            "blood_loss": "Blood loss (mL)",
            "training_status": "Training",
            "cohort": "Cohort",
            "unusable_because": st.column_config.TextColumn("Not used because", width="large"),
        },
    )


INTRODUCTION = "What is in the data folder, how the outcomes are distributed, and what is wrong with it."

with page("Dataset", INTRODUCTION) as dataset:
    if dataset is not None:
        if is_demo(dataset):
            st.info("This is the **synthetic** demo: every frame is drawn by a program, no real operation is in it.")
        data_tiles(dataset)
        charts(dataset)
        samples(dataset)
        trials_table(dataset)
        show_problems(dataset)
    st.subheader("Licence and citation")
    st.markdown(
        "SOCAL, *Simulated Outcomes following Carotid Artery Laceration*, holds training exercises on cadavers, no "
        f"patient data. Its licence is **{layout.LICENCE}**: name the source, no commercial use. Please cite:"
    )
    st.markdown(f"> {layout.CITATION}")
