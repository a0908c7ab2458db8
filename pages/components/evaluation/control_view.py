"""Controls that are runs: what they show, and the buttons that start them."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pages.components.access import may, why_not
from pages.components.actions import act_on
from pages.components.runs import start_new
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.evaluation.control_runs import NAMES, what_controls_show
from socal_core.lifecycle.control import ABOUT_CONTROLS, controls_of, make_control
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.files.metrics_record import Control as ControlRow
from socal_core.runs.files.target_metrics_record import TargetControl
from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun
from socal_core.settings import Control

BUTTONS = {Control.SHUFFLED_FRAMES: "Train on shuffled frames", Control.SHUFFLED_OUTCOMES: "Train on shuffled outcomes"}
HELPS = {
    Control.SHUFFLED_FRAMES: "Trains the same model on clips whose frames are in a random order, with the same split "
    "and seed. If it is as good, the order of the frames is not used.",
    Control.SHUFFLED_OUTCOMES: "Trains the same model on outcomes that are exchanged between trials, with the same "
    "split and seed. Its AUROC should be near 0.5.",
}


def warn_of_control(run: RunFolder) -> None:
    """Say that a run is a control, if it is one."""
    about = ABOUT_CONTROLS.get(run.read_config().clip.control)
    if about:
        st.warning(about, icon=":material/science:")


def show_control_runs(run: RunFolder, rows: Sequence[ControlRow] | Sequence[TargetControl]) -> None:
    """Show what the finished controls of a run show, and a button for each kind that has none.

    Args:
        run: The run.
        rows: The rows of its finished controls.
    """
    if run.read_config().clip.control is not Control.NONE:
        return
    for text in what_controls_show(rows):
        st.markdown(f"**{plain_text(text)}**")
    finished = {row["key"] for row in rows if "key" in row}
    with st.container(horizontal=True, vertical_alignment="center"):
        for kind, others in controls_of(run).items():
            if kind.value not in finished:
                _start_or_state(run, kind, others)


def _start_or_state(run: RunFolder, kind: Control, others: list[RunFolder]) -> None:
    """Show the state of the newest control of a kind while it is at work, else the button that starts one."""
    state = read_status(others[0]).state if others else None
    if state is not None and state.alive:
        st.caption(f":material/hourglass: {NAMES[kind]}: run {plain_text(others[0].name)} is {state}.")
        st.page_link("pages/training.py", label="Follow it on the Training page", icon=":material/model_training:")
        return
    st.button(
        BUTTONS[kind],
        icon=":material/shuffle:",
        key=f"start-{kind}",
        disabled=not may(Action.START_RUN),
        help=why_not(Action.START_RUN) or HELPS[kind],
        on_click=act_on,
        args=(KnownRun.of(run), partial(_start, kind=kind)),
    )
    if state in {RunState.FAILED, RunState.STOPPED, RunState.INTERRUPTED}:
        name = plain_text(others[0].name)
        st.caption(f"The state of run {name} is *{state}*. Resume it on the Training page, or start another.")


def _start(run: RunFolder, kind: Control) -> None:
    start_new(lambda: make_control(run, kind))
