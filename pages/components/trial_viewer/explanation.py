"""Why a model predicts what it does for a trial: by tool, by time and by place, and the job that computes it."""

import numpy as np
import streamlit as st
from PIL import Image

from pages.components.charts import chart
from pages.components.job_progress import Button, offer
from pages.components.trial_viewer.kept_result import kept_result
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.explanations.overlay import OPACITY, overlay
from socal_core.explanations.record import Explanation, read_explanation
from socal_core.figures.explanations import times_figure, tools_figure
from socal_core.jobs.job import Job
from socal_core.runs.cross_validation import is_cross_validation
from socal_core.runs.folder import RunFolder

EXPLAINING = Job("explanation", "socal_core.jobs.explain_trial", "The explanation of a prediction")
LARGEST_EDGE = 960
"""Longest edge of the picture of the map, in pixels."""


def show_explanation(dataset: Dataset, trial_id: str, run: RunFolder) -> None:
    """Show the explanation of the prediction of a run for a trial, or the button that computes it."""
    st.subheader("What does the prediction depend on?")
    if is_cross_validation(run):
        st.caption("This needs one model, and a cross-validation has one per fold. Choose a single run.")
        return
    found = kept_result(read_explanation, run, trial_id, "explanation")
    if found is None:
        offer(
            EXPLAINING,
            {"run": str(run.path.resolve()), "trial": trial_id},
            Button("Explain this prediction", ":material/help:", "explain"),
            about="Tools, times and places are painted out one after the other, and the model predicts each time. This "
            "takes one to two minutes on a CPU.",
            busy="The prediction for another trial is being explained. Wait until that is done.",
        )
    else:
        _show(dataset, found)


def _show(dataset: Dataset, found: Explanation) -> None:
    frames = dataset.frames_of(found.trial_id).set_index("position")
    if not set(found.frames) <= set(frames.index):
        st.caption("The frames of the trial have changed since its prediction was explained.")
        return
    st.caption(
        f"Parts of the frames were painted out, and the {plain_text(found.output_name)} was computed again. It is "
        f"{found.output:.2f} for the whole trial. This says what this model depends on, and nothing about surgery."
    )
    left, right = st.columns(2)
    with left:
        chart(tools_figure(found), "explained-tools")
        if found.tools:
            st.caption(_about_tools(found))
        chart(times_figure(found, frames["second"]), "explained-times")
    with right:
        _map(dataset, found, str(frames.loc[found.frames[len(found.frames) // 2], "frame"]))


def _about_tools(found: Explanation) -> str:
    named = [plain_text(tool.label) for tool in found.tools if tool.stands_out]
    if not named:
        return "No tool changes the output more than boxes of the same size at other places do."
    return f"Blue bars ({', '.join(named)}) exceed the change by boxes of the same size at other places."


def _map(dataset: Dataset, found: Explanation, frame: str) -> None:
    opacity = st.slider("Opacity of the map", 0.0, 1.0, OPACITY, 0.1, key="map-opacity")
    try:
        picture = Image.fromarray(np.ascontiguousarray(dataset.read_frame(frame)))
    except SocalError as error:
        st.warning(plain_text(error), icon=":material/broken_image:")
        return
    picture.thumbnail((LARGEST_EDGE, LARGEST_EDGE))
    st.image(overlay(picture, found.squares, opacity), alt=f"Map over frame {frame}")
    st.caption(
        f"Orange squares raise the {plain_text(found.output_name)}, blue ones lower it. The picture is the middle one "
        "of the frames that the model sees."
    )
    p_value = f"p = {found.faithfulness.p_value:.2f}"
    if found.faithfulness.better_than_random:
        st.caption(f"The map is better than a random map ({p_value}, sensitivity-n).")
    else:
        st.info(f"This map is not better than a random map ({p_value}). Do not read anything into it.")
