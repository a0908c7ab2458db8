"""The prediction of a run for a trial, beside the truth."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components.split_warnings import split_warning_of, warn_of_split
from pages.components.trial_viewer.course_view import about_clips
from pages.components.trial_viewer.missing_prediction import show_missing_prediction
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import SUCCESS_TARGET, Target, amount, in_sentence, short_name, target_values
from socal_core.evaluation.trial_prediction import prediction_of
from socal_core.figures.style import OUTCOMES
from socal_core.lifecycle.control import ABOUT_CONTROLS
from socal_core.runs.cross_validation import is_cross_validation
from socal_core.runs.files.predictions import probability_columns
from socal_core.runs.folder import RunFolder

SUBSETS = {
    "train": "This is a **training** trial. The model has learned from its outcome, so the prediction does not show "
    "how good the model is.",
    "validation": "This is a **validation** trial. It helped to choose the epoch and the threshold, so the "
    "prediction is weak evidence.",
    "test": "This is a **test** trial. The model has never seen this surgeon.",
}
FOLD_TEST = (
    "This is a **test** trial of its fold. The prediction is that of the model of this fold, which has never seen this "
    "surgeon."
)
RANDOM_TEST = "This is a **test** trial, but the model may have trained on another trial of its surgeon."
MOST_BARS = 5
"""The number of classes whose probability is shown, the most probable first."""
UNKNOWN = "–"


def show_prediction(dataset: Dataset, trial_id: str, run: RunFolder | None, predictions: pd.DataFrame | None) -> None:
    """Show the true value of the target of a run, or the outcome without a run, and the prediction if there is one."""
    target = SUCCESS_TARGET if run is None else run.read_target()
    rows = predictions[predictions["trial_id"] == trial_id] if predictions is not None else pd.DataFrame()
    row = None if rows.empty else rows.iloc[0]
    name = "outcome" if target.is_success else plain_text(in_sentence(target.column, target.label))
    # One below the other: the place beside the player is too narrow for both.
    st.metric(f"True {name}", _text(target, _truth(dataset, trial_id, target, row)), border=True)
    if row is None:
        if run is not None:
            show_missing_prediction(dataset, trial_id, run)
            return
        st.metric("Prediction", UNKNOWN, border=True)
        st.caption("Choose a run to see its prediction.")
        return
    st.metric("Prediction", _text(target, row["predicted"]), border=True)
    _show_probabilities(row, target)
    st.markdown(f"The prediction is **{_verdict(row, target)}**. {_about_subset(run, row['split'])}")
    if run:
        _show_certainty(run, trial_id)
        warn_of_split(run)
        if about := ABOUT_CONTROLS.get(run.read_config().clip.control):
            st.caption(about)


def _truth(dataset: Dataset, trial_id: str, target: Target, row: pd.Series | None) -> Any:
    """Return the true value, as the run knew it if it has a prediction, else from the data; NA if it is unknown."""
    if target.is_success:
        return dataset.trials["success"][trial_id]
    if row is not None:
        return row["label"]
    if target.column not in dataset.trials:
        return pd.NA
    value = target_values(dataset.trials, target)[trial_id]
    return value if target.is_number or pd.isna(value) else target.classes[int(value)]


def _text(target: Target, value: Any) -> str:
    """Return a value of the target for a tile."""
    if pd.isna(value):
        return UNKNOWN
    if target.is_success:
        return OUTCOMES[int(value)]
    return plain_text(amount(float(value), target.unit) if target.is_number else short_name(value))


def _show_probabilities(row: pd.Series, target: Target) -> None:
    if target.is_number:
        return
    if target.is_success:
        success = float(row["prob_success"])
        shown = [("success", success), ("failure", 1 - success)]
    else:
        named = zip(target.classes, row[probability_columns(target)].astype(float), strict=True)
        shown = sorted(named, key=lambda item: -item[1])[:MOST_BARS]
    for name, probability in shown:
        st.progress(min(1.0, probability), text=f"Probability of {plain_text(short_name(name))}: {probability:.0%}")


def _show_certainty(run: RunFolder, trial_id: str) -> None:
    """Show the threshold, the calibrated probability and the clips behind a prediction."""
    found = prediction_of(run, trial_id)
    if found.threshold is not None:
        st.caption(f"From a probability of {found.threshold:.2f} on, this run predicts success.")
    if found.calibrated is not None:
        st.caption(f"Calibrated probability of success: {found.calibrated:.0%} (temperature scaling).")
    elif found.target is not None and found.target.is_success:
        st.caption("This run has no calibrated probability: no temperature could be fitted on its validation trials.")
    if not is_cross_validation(run):
        st.caption(about_clips(run, trial_id))


def _verdict(row: pd.Series, target: Target) -> str:
    """Complete *The prediction is …*."""
    if not target.is_number:
        return "right" if row["predicted"] == row["label"] else "wrong"
    error = float(row["predicted"]) - float(row["label"])
    return plain_text(f"{amount(abs(error), target.unit)} too {'high' if error > 0 else 'low'}") if error else "right"


def _about_subset(run: RunFolder | None, subset: str) -> str:
    """Say what the subset of a trial means for its prediction by a run."""
    if run and subset == "test" and is_cross_validation(run):
        return FOLD_TEST
    if run and subset == "test" and split_warning_of(run):
        return RANDOM_TEST
    return SUBSETS[subset]
