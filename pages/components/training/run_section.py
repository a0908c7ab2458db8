"""The top of the Training page: the chosen run, its settings, and its live view."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.components.downloads import download_csv, pseudonyms_chosen
from pages.components.inline_scripts import TO_TOP
from pages.components.runs import choose_run, pick_run
from pages.components.training.live import show_run
from pages.components.training.settings_form import CHOICES, LABELS
from pages.components.words import plain_text
from socal_core.errors import SocalError
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import model_name
from socal_core.runs.notes import label_of
from socal_core.settings import Recipe, TrainConfig, applicable_settings

PAGE = "training"
NEXT = "next-run"
"""The anchor of the settings of the next run."""
_STARTED = "started-run"


def show_started(run: RunFolder) -> None:
    """Run the page again with a run that has just started at its top."""
    st.session_state[_STARTED] = run.name
    st.rerun()


def show_run_section(runs: Sequence[RunFolder]) -> None:
    """Show the chosen run: its name, its settings, and its live view.

    Args:
        runs: All runs, newest first; at least one.
    """
    started = st.session_state.pop(_STARTED, None)
    for run in runs:
        if run.name == started:
            choose_run(run, PAGE)
            st.html(TO_TOP, unsafe_allow_javascript=True)  # the start button is far down the page
    heading = st.container()
    run = pick_run(runs, PAGE)
    heading.subheader(f"Run {plain_text(label_of(run))}", anchor="run")
    _show_settings(run)
    show_run(run)


def _show_settings(run: RunFolder) -> None:
    try:
        config = run.read_config()
    except SocalError:
        return  # the table of runs reports that it cannot be read
    st.markdown(f"{plain_text(summary_of_settings(config))} [To the next run](#{NEXT})")
    with st.expander("Settings of this run", icon=":material/tune:"):
        values = applicable_settings(config)
        rows = {LABELS.get(name, name.replace("_", " ").capitalize()): _value(value) for name, value in values.items()}
        table = pd.DataFrame({"Setting": rows.keys(), "Value": rows.values()})
        st.dataframe(table, hide_index=True, height=280)
        # These two may name surgeons.
        hidden = [LABELS.get(name, name.capitalize()) for name in ("trials", "view")] if pseudonyms_chosen() else []
        shown = table[~table["Setting"].isin(hidden)]
        download_csv("CSV", lambda: shown, f"{run.name}-settings.csv", data=None, type="tertiary", key="csv-settings")


def summary_of_settings(config: TrainConfig) -> str:
    """Describe in one line what a run predicts, with what, from what, and how trials were split."""
    model = config.model
    trained = CHOICES[model.recipe]
    with_what = CHOICES[model.encoder] if model.recipe is Recipe.FROZEN else model_name(model.model)
    window, target = config.clip.observation.describe(), model.target.replace("_", " ")
    return f"Predicts {target}. {trained}: {with_what}. Window: {window}. Split: {config.split.split_method}."


def _value(value: object) -> str:
    return str(CHOICES.get(value, value))  # type: ignore[call-overload]
