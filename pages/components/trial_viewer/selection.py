"""Which trials the Trial viewer shows: chosen at random there, or by another page."""

from collections.abc import Sequence

import streamlit as st

from pages.components.runs import choose_run
from socal_core.runs.folder import RunFolder

ALL, TEST = "All usable trials", "Test trials only"


def select(trials: Sequence[str]) -> None:
    """Let the viewer offer these trials, of which the first is chosen."""
    st.session_state["drawn_trials"] = list(trials)
    st.session_state["trial"] = trials[0]


def view_trials(trials: Sequence[str], run: RunFolder) -> None:
    """Open the viewer with these trials and the predictions of a run."""
    choose_run(run, "trial_viewer")
    st.session_state["pool"] = ALL
    select(trials)
    st.switch_page("pages/trial_viewer.py")
