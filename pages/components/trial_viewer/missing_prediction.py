"""A trial of the data set for which a run has no prediction: the job that predicts it, and its result."""

from typing import Any

import streamlit as st

from pages.components.job_progress import Button, offer
from pages.components.split_warnings import warn_of_split
from pages.components.trial_viewer.new_prediction import SUBSETS, show_new_prediction
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.jobs.job import Job
from socal_core.lifecycle.control import ABOUT_CONTROLS
from socal_core.runs.cross_validation import is_cross_validation
from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun

PREDICTING = Job("trial", "socal_core.jobs.predict_trial", "The prediction of a trial")
_ROWS = "predicted-trials"
OF_SUBSET = "This is a {subset} trial of the run."
OF_NO_SUBSET = "This trial is in none of the subsets of the run."
SEEN_SURGEON = (
    "However, the run was trained on another trial by this surgeon, so the model may recognize the surgeon rather than "
    "judge the operation."
)


def show_missing_prediction(dataset: Dataset, trial_id: str, run: RunFolder) -> None:
    """Show the prediction of a run for a trial that is not among its predictions, or the button that computes it."""
    name = plain_text(run.name)
    if is_cross_validation(run):
        _show_unknown(f"Run {name} has no prediction for this trial.")
        return
    request = {"run": str(run.path.resolve()), "trial": trial_id, "fingerprint": dataset.fingerprint}
    row = _computed(KnownRun.of(run), request)
    if row is not None:
        show_new_prediction(row, run)
        st.caption(_about(dataset, row, run))
        warn_of_split(run)
        if about := ABOUT_CONTROLS.get(run.read_config().clip.control):
            st.caption(about)
        return
    _show_unknown(f"Run {name} has no prediction for this trial yet.")
    offer(
        PREDICTING,
        request,
        Button("Predict this trial", ":material/online_prediction:", "predict-trial"),
        about="The model sees the same part of the trial as in its test: its window, and as many clips.",
        busy="Another trial is being predicted. Wait until that is done.",
    )


def _show_unknown(text: str) -> None:
    st.metric("Prediction", "–", border=True)
    st.caption(text)


def _computed(run: KnownRun, request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the prediction of a trial that the job has made, or has made before in this session."""
    rows: dict[Any, dict[str, Any]] = st.session_state.setdefault(_ROWS, {})
    key = (run, *request.values())
    result = PREDICTING.result_of(request)
    if result is not None:
        rows[key] = result["row"]
    return rows.get(key)


def _about(dataset: Dataset, row: dict[str, Any], run: RunFolder) -> str:
    """Say what the split of the run means for the prediction of a trial."""
    if row["subset"] is not None:
        return OF_SUBSET.format(subset=SUBSETS[row["subset"]])
    split, surgeons = run.read_split(), dataset.trials["participant_id"]
    surgeon = surgeons[row["trial_id"]]
    trained = set() if split is None else {surgeons[trial] for trial in split.train if trial in surgeons.index}
    return f"{OF_NO_SUBSET} {SEEN_SURGEON}" if surgeon and surgeon in trained else OF_NO_SUBSET
