"""What a button does to something that others may have changed since it was shown.

A callback gets what was shown as its argument, so that it never acts on what takes its place. Streamlit calls it even
if the button is no longer there.
"""

from collections.abc import Callable

import streamlit as st

from pages.components.words import plain_text
from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun

_PROBLEM = "action-problem"


def act(action: Callable[[], object]) -> None:
    """Carry out an action in a callback. If it fails, the page says why."""
    try:
        action()
    except SocalError as error:
        st.session_state[_PROBLEM] = str(error)
    except OSError as error:
        st.session_state[_PROBLEM] = (
            f"This is not possible: {os_reason(error)}. Check that the app may write to its own folder."
        )


def act_on(known: KnownRun, action: Callable[[RunFolder], object]) -> None:
    """Carry out an action on a run in a callback, unless the run is gone; see `act`."""
    act(lambda: action(known.still_there()))


def problem_waits() -> bool:
    """Return whether an action has failed and the page has not yet said why."""
    return _PROBLEM in st.session_state


def show_problem() -> None:
    """Say why the last action failed, once."""
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(plain_text(problem), icon=":material/error:")
