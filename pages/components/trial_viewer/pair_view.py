"""Two trials of a surgeon side by side, such as before and after coaching, in players that share one time."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components.trial_viewer.player.component import show_player
from pages.components.trial_viewer.player.trial_data import trial_data
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.evaluation.trial_prediction import prediction_of
from socal_core.figures.style import OUTCOMES
from socal_core.runs.folder import RunFolder

UNKNOWN = "–"


def partner_of(dataset: Dataset, trial_id: str) -> str | None:
    """Return the trial of the same surgeon to compare with: the next by number, else the one before; None if alone.

    Args:
        dataset: The data set.
        trial_id: The trial. Only trials with frames count, and a surgeon must be known.
    """
    trials = dataset.trials
    surgeon, number = trials["participant_id"][trial_id], trials["trial_number"][trial_id]
    if not surgeon or pd.isna(number):
        return None
    own = trials[(trials["participant_id"] == surgeon) & (trials["n_frames"] > 0) & trials["trial_number"].notna()]
    numbers = own["trial_number"].drop(trial_id, errors="ignore").astype(int)
    later, earlier = numbers[numbers > int(number)], numbers[numbers < int(number)]
    if len(later):
        return str(later.idxmin())
    return str(earlier.idxmax()) if len(earlier) else None


def wants_pair(dataset: Dataset, trial_id: str) -> str | None:
    """Show the switch, and return the trial to put beside the one in view; None if there is none or it is off."""
    partner = partner_of(dataset, trial_id)
    if partner is None:
        return None
    asked = st.toggle(
        f"Beside trial {plain_text(partner)} of the same surgeon",
        key="beside-partner",
        persist_state="session",
        help="Both trials are shown at the same second. The player with the controls moves both.",
    )
    return partner if asked else None


def show_pair(
    dataset: Dataset, first: dict[str, Any], partner: str, boxes: pd.DataFrame, run: RunFolder | None, marked: Any
) -> None:
    """Show the player of a trial, and that of another one which follows it.

    Args:
        dataset: The data set.
        first: What the player of the trial in view is given.
        partner: The other trial.
        boxes: The boxes of the data set with track ids.
        run: The chosen run, None without one.
        marked: As in `show_player`.
    """
    own, other = st.columns(2, gap="medium")
    numbers = dataset.trials["trial_number"]
    if int(numbers[partner]) < int(numbers[first["trial"]]):  # the earlier one is on the left
        own, other = other, own
    with own:
        st.markdown(_title(dataset, first["trial"], run))
        show_player(dataset, {**first, "leads": True}, marked=marked)
    with other:
        st.markdown(_title(dataset, partner, run))
        data = trial_data(dataset, partner, boxes[boxes["trial_id"] == partner], run)
        show_player(dataset, {**data, "follows": True}, key="second-player")


def _title(dataset: Dataset, trial_id: str, run: RunFolder | None) -> str:
    """Return the trial, its true outcome and its prediction, as Markdown."""
    success = dataset.trials["success"][trial_id]
    outcome = UNKNOWN if pd.isna(success) else OUTCOMES[int(success)].lower()
    parts = [f"**{plain_text(trial_id)}**", f"true outcome: {outcome}"]
    if run is not None:
        found = prediction_of(run, trial_id)
        sure = "" if found.probability is None else f" ({found.probability:.0%})"
        subset = f", {found.subset}" if found.subset else ""
        predicted = found.predicted or UNKNOWN
        if found.target is not None and found.target.is_success:
            predicted = predicted.lower()
        parts.append(f"predicted: {plain_text(predicted)}{sure}{subset}")
    return " · ".join(parts)
