"""The Trial viewer page: frames of randomly selected trials with boxes, predictions and true outcomes."""

import numpy as np
import pandas as pd
import streamlit as st

from pages.components.page_frame import page
from pages.components.runs import pick_run_or_none, runs_with_predictions
from pages.components.trial_viewer.selection import ALL, TEST, select
from pages.components.trial_viewer.viewer import show_trial
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.target_choice import why_unusable
from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.runs.folder import RunFolder

TRIALS_SELECTED = 10


def pool_of(dataset: Dataset, run: RunFolder | None, predictions: pd.DataFrame | None) -> list[str]:
    """Show the choice between all trials and test trials, and return the chosen ones."""
    usable = usable_for(dataset, run)
    if predictions is None:
        return usable
    st.session_state.setdefault("pool", ALL)
    pool = st.segmented_control("Select from", [ALL, TEST], required=True, key="pool", persist_state="session")
    tested = set(predictions.loc[predictions["split"] == "test", "trial_id"])
    return [trial for trial in usable if pool == ALL or trial in tested]


def usable_for(dataset: Dataset, run: RunFolder | None) -> list[str]:
    """Return the trials with frames and a known value of what a run predicts, or a known outcome without a run."""
    target = SUCCESS_TARGET if run is None else run.read_target()
    if target.is_success or target.column not in dataset.trials:  # the data may have changed since
        return dataset.usable_trials.index.to_list()
    return dataset.trials.index[why_unusable(dataset.trials, target) == ""].to_list()


def select_trials(pool: list[str]) -> list[str]:
    """Show the button that selects ten random trials, and return the selected trials; empty before the first click."""
    if st.button("Select 10 random trials", type="primary", icon=":material/casino:", disabled=not pool):
        selected = np.random.default_rng().choice(pool, size=min(TRIALS_SELECTED, len(pool)), replace=False)
        select([trial for trial in pool if trial in set(selected)])
    # The user may have opened another data set or chosen another pool since.
    return [trial for trial in st.session_state.get("drawn_trials", []) if trial in set(pool)]


def take_asked_trial(pool: list[str]) -> None:
    """Select the trial that the Evaluation page or the address asks for, once."""
    trial = st.session_state.pop("asked-trial", None) or st.query_params.get("trial")
    st.query_params.pop("trial", None)
    if trial is None:
        return
    if trial not in pool:
        st.warning(
            f"Trial {plain_text(trial)} is not among the trials of this data folder and this run. Choose the data "
            "folder of the run in the sidebar.",
            icon=":material/search_off:",
        )
        return
    others = [other for other in st.session_state.get("drawn_trials", []) if other != trial]
    st.session_state["drawn_trials"] = [trial, *others]
    st.session_state["trial"] = trial


INTRODUCTION = "View single trials: frames with their boxes, the prediction of a model, and the true outcome."

with page("Trial viewer", INTRODUCTION) as dataset:
    if dataset is not None:
        left, right = st.columns(2)
        with left:
            run = pick_run_or_none(runs_with_predictions(dataset), "trial_viewer")
        predictions = None if run is None else run.read_predictions()
        with right:
            pool = pool_of(dataset, run, predictions)
        take_asked_trial(pool)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            selected = select_trials(pool)
            trial = st.selectbox(
                "Trial",
                selected,
                key="trial",
                disabled=not selected,
                placeholder="None selected yet",
                persist_state="session",
            )
        if not selected:
            st.info("Click **Select 10 random trials**, then choose one of them.")
        else:
            show_trial(dataset, trial, run, predictions)
