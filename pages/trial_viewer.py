"""Trial viewer: ten random trials, their frames with boxes, the prediction beside the truth."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.components.page_frame import page
from pages.components.runs import pick_run_or_none, runs_with_predictions
from pages.components.trial_viewer.viewer import show_trial
from socal_core.dataset.dataset import Dataset

TRIALS_DRAWN = 10
ALL, TEST = "All usable trials", "Test trials only"


def pool_of(dataset: Dataset, predictions: pd.DataFrame | None) -> list[str]:
    """The trials to draw from, as the user chose."""
    usable = dataset.usable_trials.index.to_list()
    if predictions is None:
        return usable
    pool = st.segmented_control(
        "Select from", [ALL, TEST], default=ALL, required=True, key="pool", persist_state="session"
    )
    tested = set(predictions.loc[predictions["split"] == "test", "trial_id"])
    return [trial for trial in usable if pool == ALL or trial in tested]


def draw_trials(pool: list[str]) -> list[str]:
    """The trials in the drop-down: ten of the pool, drawn anew by the button; empty before it is pressed."""
    if st.button("Select 10 random trials", type="primary", icon=":material/casino:", disabled=not pool):
        drawn = np.random.default_rng().choice(pool, size=min(TRIALS_DRAWN, len(pool)), replace=False)
        st.session_state["drawn_trials"] = [trial for trial in pool if trial in set(drawn)]
        st.session_state["trial"] = st.session_state["drawn_trials"][0]
    # Another data set or another pool may not have them.
    return [trial for trial in st.session_state.get("drawn_trials", []) if trial in set(pool)]


INTRODUCTION = "Look at single trials: any frame with its boxes, and the prediction beside the true outcome."

with page("Trial viewer", INTRODUCTION) as dataset:
    if dataset is not None:
        left, right = st.columns(2)
        with left:
            run = pick_run_or_none(runs_with_predictions(dataset), "trial_viewer")
        predictions = None if run is None else run.read_predictions()
        with right:
            pool = pool_of(dataset, predictions)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            drawn = draw_trials(pool)
            trial = st.selectbox(
                "Trial",
                drawn,
                key="trial",
                disabled=not drawn,
                placeholder="None selected yet",
                persist_state="session",
            )
        if not drawn:
            st.info("Press **Select 10 random trials**, then choose one of them.")
        else:
            show_trial(dataset, trial, run, predictions)
