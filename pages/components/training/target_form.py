"""The choice of what a new run predicts, in the form for its settings."""

import streamlit as st

from pages.components.target_labels import target_labels
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.target_choice import find_target
from socal_core.errors import ConfigError
from socal_core.presets.preset import SUCCESS
from socal_core.settings import Setting

LACKED = "target-lacked"
"""Session key of the chosen column while the data set in use lacks it."""


def choose_target(item: Setting, key: str, dataset: Dataset | None) -> str:
    """Show the drop-down of the columns that may be predicted, and return the chosen one.

    A column that the data set lacks is replaced by success, with a message, and comes back with the data set.

    Args:
        item: The declaration of the setting.
        key: Its key in the session.
        dataset: The data set in use; None if there is none.
    """
    chosen = str(st.session_state[key])
    labels = {chosen: chosen} if dataset is None else target_labels(dataset)
    lacked = st.session_state.get(LACKED)
    if chosen not in labels:
        st.session_state[LACKED] = lacked = chosen
        st.session_state[key] = SUCCESS
    elif lacked in labels:
        st.session_state[key] = st.session_state.pop(LACKED)
        lacked = None
    target = st.selectbox(
        "Predict",
        list(labels),
        format_func=lambda name: labels.get(name, name),
        key=key,
        on_change=_forget,
        help=item.help,
        persist_state="session",
    )
    if lacked is not None and dataset is not None:
        st.caption(f":material/warning: These data have no column *{plain_text(lacked)}*.")
    problem = "" if dataset is None else _problem(dataset, str(target))
    if problem:
        st.error(plain_text(problem))
    return str(target)


def can_be_predicted(dataset: Dataset, column: str) -> bool:
    """Return whether a column of the outcomes can be a target; if it cannot, its drop-down shows why."""
    return not _problem(dataset, column)


def _problem(dataset: Dataset, column: str) -> str:
    """Return why a column cannot be a target; "" if it can."""
    try:
        find_target(dataset.trials, dataset.preset, column)
    except ConfigError as error:
        return str(error)
    return ""


def _forget() -> None:
    """Forget the column of another data set when the user chooses one."""
    st.session_state.pop(LACKED, None)
