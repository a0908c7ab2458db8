"""The prediction of a run for new material, or for a trial that is not among its predictions."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.components.words import plain_text
from socal_core.dataset.targets import Target, amount, short_name
from socal_core.figures.style import OUTCOMES
from socal_core.runs.folder import RunFolder

MOST_BARS = 5
"""The number of classes whose probability is shown, the most probable first."""
SUBSETS = {"train": "training", "validation": "validation", "test": "test"}


def predicted_text(target: Target, row: Mapping[str, Any]) -> str:
    """Return a prediction for a tile."""
    if target.is_success:
        return OUTCOMES[row["predicted"]]
    return plain_text(amount(row["predicted"], target.unit) if target.is_number else short_name(row["predicted"]))


def show_new_prediction(row: Mapping[str, Any], run: RunFolder) -> None:
    """Show a prediction, as from `Forecaster.predict_material` or `Forecaster.predict_trial`."""
    target = run.read_target()
    st.metric("Prediction", predicted_text(target, row), border=True)
    for name, probability in _probabilities(target, row)[:MOST_BARS]:
        st.progress(min(1.0, probability), text=f"Probability of {plain_text(short_name(name))}: {probability:.0%}")
    for text in notes_of(target, row):
        st.caption(plain_text(text))
    if row.get("same_id") is not None:
        st.warning(
            f"The run has a {SUBSETS[row['same_id']]} trial with this id. If these are the same frames, the prediction "
            "is not one of new material.",
            icon=":material/warning:",
        )


def notes_of(target: Target, row: Mapping[str, Any]) -> list[str]:
    """Return what else is known about a prediction, in sentences."""
    notes = []
    if row.get("threshold") is not None:
        notes.append(f"From a probability of {row['threshold']:.0%}, the run predicts success.")
    if row.get("calibrated") is not None:
        notes.append(f"Calibrated on the validation trials, the probability of success is {row['calibrated']:.0%}.")
    if len(row["clips"]) > 1:
        low, high = min(row["clips"]), max(row["clips"])
        ends = (
            (amount(low, target.unit), amount(high, target.unit)) if target.is_number else (f"{low:.0%}", f"{high:.0%}")
        )
        notes.append(f"The {len(row['clips'])} clips of the trial give {ends[0]} to {ends[1]}.")
    return notes


def _probabilities(target: Target, row: Mapping[str, Any]) -> list[tuple[str, float]]:
    if target.is_number:
        return []
    if target.is_success:
        return [("success", row["prob_success"]), ("failure", row["prob_failure"])]
    return sorted(row["probabilities"].items(), key=lambda item: -item[1])
