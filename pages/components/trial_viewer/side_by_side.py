"""The predictions of several runs for a trial, one row per run."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.components.downloads import download_csv
from pages.components.words import plain_text
from socal_core.dataset.targets import short_name
from socal_core.evaluation.trial_prediction import TrialPrediction, prediction_of
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import label_of

MOST_RUNS = 4
"""How many runs can stand beside the chosen one."""
UNKNOWN = "–"
CHOSEN = "runs-beside"


def show_side_by_side(trial_id: str, run: RunFolder, runs: Sequence[RunFolder]) -> None:
    """Show the choice of further runs, and a table of their predictions for a trial.

    Args:
        trial_id: The trial.
        run: The run of the page.
        runs: All runs with predictions for the data set.
    """
    others = {other.name: other for other in runs if other.name != run.name}
    if not others:
        return
    kept = [name for name in st.session_state.get(CHOSEN, []) if name in others]
    st.session_state[CHOSEN] = kept
    chosen = st.multiselect(
        "Compare with runs",
        list(others),
        format_func=lambda name: label_of(others[name]),
        max_selections=MOST_RUNS,
        key=CHOSEN,
        placeholder="Up to four runs",
        persist_state="session",
    )
    if not chosen:
        return
    found = [prediction_of(each, trial_id) for each in (run, *(others[name] for name in chosen))]
    table = table_of(found)
    st.dataframe(table, hide_index=True, key="predictions-of-runs", placeholder=UNKNOWN)
    download_csv(
        "CSV", lambda: table, "predictions-of-runs.csv", data=None, type="tertiary", key="csv-predictions-of-runs"
    )
    for prediction in found:
        if prediction.problem:
            st.caption(f"{plain_text(label_of(prediction.run))}: {plain_text(prediction.problem)}")
    st.caption(
        "*Seen in training* means that the run has learned from the outcome of this trial, so its prediction shows "
        "memory, not skill. The threshold belongs to the probability, not to the calibrated one."
    )


def table_of(found: Sequence[TrialPrediction]) -> pd.DataFrame:
    """Return one row per run: what it predicts and how sure it is."""
    return pd.DataFrame(
        [
            {
                "Run": label_of(each.run),
                "Predicts": UNKNOWN if each.target is None else short_name(each.target.label),
                "Predicted": each.predicted or UNKNOWN,
                "Probability": _percent(each.probability),
                "Calibrated": _percent(each.calibrated),
                "Threshold": UNKNOWN if each.threshold is None else f"{each.threshold:.2f}",
                "In this run": each.subset or UNKNOWN,
            }
            for each in found
        ]
    )


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0%}"
