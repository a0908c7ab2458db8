"""The Trial viewer page: a trial as it was seen, with boxes, timeline, prediction and true outcome."""

import pandas as pd
import streamlit as st

from pages.components.page_frame import page
from pages.components.runs import name_runs_left_out, pick_run_or_none, runs_with_predictions
from pages.components.trial_viewer.new_material import pick_kind, show_new_material
from pages.components.trial_viewer.picker import pick_pool, pick_trial
from pages.components.trial_viewer.viewer import show_trial
from pages.components.words import plain_text
from socal_core.errors import SocalError
from socal_core.runs.folder import RunFolder

INTRODUCTION = "Play a trial with its boxes, beside the prediction of a model and the true outcome."

OF_DATA, NEW = "Trials of the data set", "New material"


def with_predictions(run: RunFolder | None) -> tuple[RunFolder | None, pd.DataFrame | None]:
    """Return a run with its predictions, or None and None if they cannot be read; the trials are still shown."""
    try:
        return run, None if run is None else run.read_predictions()
    except SocalError as error:
        st.error(plain_text(error), icon=":material/error:")
        return None, None


with page("Trial viewer", INTRODUCTION) as dataset:
    if dataset is not None:
        shown = st.segmented_control(
            "Show", [OF_DATA, NEW], default=OF_DATA, required=True, key="material", label_visibility="collapsed"
        )
        left, right = st.columns([1, 2])
        with left:
            run = pick_run_or_none(runs_with_predictions(dataset), "trial_viewer")
            name_runs_left_out()
        if shown == NEW:
            with right:
                kind = pick_kind()
            show_new_material(kind, run)
        else:
            run, predictions = with_predictions(run)
            with right:
                pool = pick_pool(dataset, run, predictions)
            trial = pick_trial(dataset, pool)
            if trial is None:
                st.info("No trial matches. Choose another pool or other filters.")
            else:
                show_trial(dataset, trial, run, predictions)
