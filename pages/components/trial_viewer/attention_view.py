"""Where the model looks in the frames of a trial: its attention map, and the job that computes it."""

import numpy as np
import streamlit as st
from PIL import Image

from pages.components.job_progress import Button, offer
from pages.components.trial_viewer.kept_result import kept_result
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.explanations.attention_record import AttentionMap, read_attention
from socal_core.explanations.overlay import OPACITY, overlay
from socal_core.jobs.job import Job
from socal_core.runs.cross_validation import is_cross_validation
from socal_core.runs.folder import RunFolder
from socal_core.settings import Recipe

MAPPING = Job("attention", "socal_core.jobs.map_attention", "The attention map")
LARGEST_EDGE = 960
"""Longest edge of the picture of the map, in pixels."""


def show_attention(dataset: Dataset, trial_id: str, run: RunFolder) -> None:
    """Show the attention map of a run for a trial, the button that computes it, or why there is none."""
    st.subheader("Where does the model look?")
    if is_cross_validation(run):
        st.caption("This needs one model, and a cross-validation has one per fold. Choose a single run.")
        return
    if run.read_config().model.recipe is Recipe.FROZEN:
        st.caption(
            "This run has no attention map: its head is a regression on the features of frozen encoders. A run that is "
            "fine-tuned from a VideoMAE has one."
        )
        return
    found = kept_result(read_attention, run, trial_id, "attention map")
    if found is None:
        offer(
            MAPPING,
            {"run": str(run.path.resolve()), "trial": trial_id},
            Button("Map the attention", ":material/center_focus_strong:", "map-attention"),
            about="The attention of the last blocks, weighted by how much it counts for the prediction. Checking the "
            "map takes one to two minutes on a CPU.",
            busy="The attention for another trial is being mapped. Wait until that is done.",
        )
    else:
        _show(dataset, found)


def _show(dataset: Dataset, found: AttentionMap) -> None:
    frames = dataset.frames_of(found.trial_id).set_index("position")
    if not {step.last for step in found.steps} <= set(frames.index):
        st.caption("The frames of the trial have changed since its attention was mapped.")
        return
    seconds = frames["second"]
    names = ["All", *(_between(int(seconds[step.first]), int(seconds[step.last])) for step in found.steps)]
    left, right = st.columns([2, 1])
    with right:
        chosen = st.selectbox("Seconds", range(len(names)), format_func=names.__getitem__, key="attention-step")
        opacity = st.slider("Opacity of the map", 0.0, 1.0, OPACITY, 0.1, key="attention-opacity")
        _about(found)
    step = found.steps[chosen - 1] if chosen else found.steps[len(found.steps) // 2]
    frame = str(frames.loc[step.first, "frame"])
    try:
        picture = Image.fromarray(np.ascontiguousarray(dataset.read_frame(frame)))
    except SocalError as error:
        st.warning(plain_text(error), icon=":material/broken_image:")
        return
    picture.thumbnail((LARGEST_EDGE, LARGEST_EDGE))
    squares = step.squares if chosen else found.squares
    with left:
        st.image(overlay(picture, squares, opacity, found.place), alt=f"Attention map over frame {frame}")


def _about(found: AttentionMap) -> None:
    st.caption(
        "The stronger the orange, the more the square counts for the prediction. This says what this model depends on, "
        "and nothing about surgery."
    )
    p_value = "p < 0.01" if found.faithfulness.p_value < 0.01 else f"p = {found.faithfulness.p_value:.2f}"
    if found.faithfulness.better_than_random:
        st.caption(f"The map of all seconds is better than a random map ({p_value}, sensitivity-n).")
    else:
        st.info(f"This map is not better than a random map ({p_value}). Do not read anything into it.")


def _between(first: int, last: int) -> str:
    return f"{first} s" if first == last else f"{first} to {last} s"
