"""The choice of a trial on the page: pools and filters, ten random trials, the list, the next and the previous one."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.components.runs import choose_run
from pages.components.trial_viewer.choice import (
    ALL,
    ANY,
    WITHOUT_OUTCOME,
    Wanted,
    choose_trials,
    pools_of,
    random_trials,
    target_of,
)
from pages.components.trial_viewer.events_view import events_or_none
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.figures.style import OUTCOMES
from socal_core.runs.folder import RunFolder

LARGEST_SEED = 999_999
TRIAL, SEED, DRAWN = "trial", "seed", "drawn_trials"
IN_ADDRESS = "trial_in_address"
"""The trial that this page has put into the address. Any other one was typed there, or followed as a link."""
ASKED = "asked-trial"
"""The trial that the Evaluation page asks for."""
OF_EVENT = "of-event"
PINNED = "trial_asked_for"
"""The trial that the address asked for, which is in the list even if it is not in the pool."""
LIST_HELP = "Type a part of an id to find a trial."


def pick_pool(dataset: Dataset, run: RunFolder | None, predictions: pd.DataFrame | None) -> list[str]:
    """Show the filters, and return the trials that pass."""
    target = target_of(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pool: str | None = ALL
        if predictions is not None:
            pools = pools_of(target)
            if st.session_state.get("pool") not in pools:
                st.session_state["pool"] = ALL
            pool = st.segmented_control("Select from", pools, required=True, key="pool", persist_state="session")
        with st.popover("Filter", icon=":material/filter_alt:"):
            surgeons = [ANY, *sorted(set(dataset.trials["participant_id"]) - {""})]
            surgeon = st.selectbox("Surgeon", surgeons, key="of-surgeon", persist_state="session")
            outcomes = [ANY, *OUTCOMES.values(), WITHOUT_OUTCOME]
            outcome = st.selectbox("Outcome", outcomes, key="of-outcome", persist_state="session")
            with_event = _pick_event(dataset)
    trials = choose_trials(dataset, target, predictions, Wanted(pool or ALL, surgeon, outcome))
    return trials if with_event is None else [trial for trial in trials if trial in with_event]


def _pick_event(dataset: Dataset) -> set[str] | None:
    """Show the choice of an event of the user, and return the trials that have it; None for any trial."""
    events = events_or_none(dataset) or []
    kinds = sorted({event.event for event in events})
    if not kinds:
        return None
    if st.session_state.get(OF_EVENT) not in (ANY, *kinds):
        st.session_state[OF_EVENT] = ANY
    chosen = st.selectbox("Has event", [ANY, *kinds], key=OF_EVENT, persist_state="session")
    return None if chosen == ANY else {event.trial_id for event in events if event.event == chosen}


def pick_trial(dataset: Dataset, pool: Sequence[str]) -> str | None:
    """Show the selection of random trials and the list of trials, and return the chosen one, None if there is none."""
    _follow_address(dataset)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Select 10 random trials", type="primary", icon=":material/casino:", disabled=not pool):
            st.session_state[SEED] = int(np.random.default_rng().integers(LARGEST_SEED + 1))
            _draw(pool)
        st.number_input(
            "Seed",
            min_value=0,
            max_value=LARGEST_SEED,
            value=None,
            key=SEED,
            placeholder="none",
            help="The same seed selects the same ten trials of the same pool.",
            on_change=_draw,
            args=(pool,),
            persist_state="session",
            width=130,
        )
        options = _options(dataset, pool)
        chosen = st.selectbox(
            "Trial",
            options,
            key=TRIAL,
            disabled=not options,
            placeholder="No trial",
            help=LIST_HELP,
            persist_state="session",
            width=220,
        )
        _step_button("Previous", "p", -1, options)
        _step_button("Next", "n", 1, options)
        if st.session_state.get(DRAWN):
            st.button("All trials", on_click=_forget_draw)
    _put_in_address(chosen)
    return chosen


def view_trials(trials: Sequence[str], run: RunFolder) -> None:
    """Open the viewer with a list of these trials, the first in view, and the predictions of a run."""
    choose_run(run, "trial_viewer")
    st.session_state["pool"] = ALL
    st.session_state[DRAWN], st.session_state[SEED] = list(trials), None
    st.session_state[ASKED] = trials[0]
    st.switch_page("pages/trial_viewer.py")


def _draw(pool: Sequence[str]) -> None:
    """Select the random trials of the seed, and show the first; without a seed, all trials are in the list."""
    seed = st.session_state.get(SEED)
    st.session_state[DRAWN] = [] if seed is None else random_trials(pool, int(seed))
    if st.session_state[DRAWN]:
        st.session_state.pop(PINNED, None)
        st.session_state[TRIAL] = st.session_state[DRAWN][0]


def _forget_draw() -> None:
    st.session_state[DRAWN], st.session_state[SEED] = [], None


def _options(dataset: Dataset, pool: Sequence[str]) -> list[str]:
    """Return the trials of the list, and have one of them chosen."""
    # The user may have opened another data set or chosen another pool since.
    inside = set(pool)
    options = [trial for trial in st.session_state.get(DRAWN, []) if trial in inside] or list(pool)
    pinned = st.session_state.get(PINNED)
    if pinned is not None and pinned not in options and _has_frames(dataset, pinned):
        options = [pinned, *options]
    if st.session_state.get(TRIAL) not in options:
        st.session_state[TRIAL] = options[0] if options else None
    return options


def _step_button(label: str, key: str, step: int, options: Sequence[str]) -> None:
    """Show a button, with a key, that goes to another trial of the list."""
    at = options.index(st.session_state[TRIAL]) + step if options else -1
    there = 0 <= at < len(options)

    def go() -> None:
        # A second press may come before the page has been drawn for the first.
        goal = options.index(st.session_state[TRIAL]) + step
        st.session_state[TRIAL] = options[min(max(goal, 0), len(options) - 1)]

    st.button(label, shortcut=key, on_click=go if there else None, disabled=not there, key=f"{key}-trial")


def _follow_address(dataset: Dataset) -> None:
    """Choose the trial that another page or the address asks for, unless it is this page that has put it there."""
    asked = st.session_state.pop(ASKED, None)
    if asked is None:
        asked = st.query_params.get("trial")
        if asked is None or asked == st.session_state.get(IN_ADDRESS):
            return
    if _has_frames(dataset, asked):
        st.session_state[PINNED] = st.session_state[TRIAL] = asked
    else:
        st.warning(
            f"Trial {plain_text(asked)} is not among the trials of this data folder that have frames. Choose the data "
            "folder of the run in the sidebar.",
            icon=":material/search_off:",
        )


def _has_frames(dataset: Dataset, trial: str) -> bool:
    return trial in dataset.trials.index and bool(dataset.trials["n_frames"][trial])


def _put_in_address(trial: str | None) -> None:
    """Let the address name the trial in view. The second in it is that of another trial if it named another one."""
    named = st.query_params.get("trial")
    st.session_state[IN_ADDRESS] = trial
    if trial == named:
        return
    others = {name: value for name, value in st.query_params.to_dict().items() if name not in {"trial", "t"}}
    st.query_params.from_dict(others if trial is None else {**others, "trial": trial})
