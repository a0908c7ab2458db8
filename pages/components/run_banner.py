"""The banner on every page: the runs that are in progress, and those that have ended while the user was here."""

import streamlit as st

from pages.components.words import plain_text
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import label_of
from socal_core.runs.run_list import list_runs
from socal_core.storage import is_locked
from socal_core.workspace import runs_root

REFRESH_SECONDS = 3.0
MOST_NAMED = 3
"""Runs in progress that are named; more are counted."""
THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}
_OWN, _WATCHED = "own-runs", "watched-runs"


def announce(run: RunFolder) -> None:
    """Count a run among those that this session has started, which its banner shows also on a shared server."""
    st.session_state.setdefault(_OWN, set()).add(run.name)


def show_run_banner() -> None:
    """Show the runs in progress and those that have ended since this session first saw them, and keep that up to date.

    On a server for other machines, only the runs that this session has started.
    """
    in_progress = bool(_in_progress())
    st.fragment(_show, run_every=REFRESH_SECONDS if in_progress else None)()


def _in_progress() -> list[RunFolder]:
    own = st.session_state.get(_OWN, set())
    alone = st.get_option("server.address") in THIS_MACHINE
    runs = [run for run in list_runs(runs_root()) if alone or run.name in own]
    return [run for run in runs if _is_locked(run)]


def _is_locked(run: RunFolder) -> bool:
    try:
        return is_locked(run.lock_file)
    except OSError:
        return False  # the table of runs reports a folder that cannot be read


def _show() -> None:
    running = _in_progress()
    watched: set[str] = st.session_state.setdefault(_WATCHED, set())
    watched |= {run.name for run in running}
    with st.container(key="run-banner", gap="small"):
        if running:
            _show_running(running)
        for name in sorted(watched - {run.name for run in running}):
            _show_ended(RunFolder(runs_root() / name))


def _show_running(runs: list[RunFolder]) -> None:
    states = [f"**{plain_text(label_of(run))}** ({read_status(run).state})" for run in runs[:MOST_NAMED]]
    more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(f":material/hourglass_top: In progress: {', '.join(states)}{more}", width="stretch")
        link = {"run": runs[0].name}
        st.page_link("pages/training.py", label="Follow it", icon=":material/show_chart:", query_params=link)


def _show_ended(run: RunFolder) -> None:
    if not run.path.is_dir():  # moved to the trash
        _dismiss(run.name)
        return
    state = read_status(run).state
    if state.alive:  # its worker is about to start or has just ended
        return
    done = state is RunState.DONE
    icon = "check_circle" if done else "warning"
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(f":material/{icon}: Run **{plain_text(label_of(run))}** is {state}.", width="stretch")
        page, label = ("pages/evaluation.py", "See its results") if done else ("pages/training.py", "See why")
        st.page_link(page, label=label, icon=":material/arrow_forward:", query_params={"run": run.name})
        st.button(
            "Dismiss",
            icon=":material/close:",
            type="tertiary",
            key=f"dismiss-{run.name}",
            on_click=_dismiss,
            args=(run.name,),
        )


def _dismiss(name: str) -> None:
    st.session_state[_WATCHED].discard(name)
