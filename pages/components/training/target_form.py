"""The choice of what a new run predicts, in the form for its settings."""

import streamlit as st

from pages.components.target_labels import target_labels
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
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
    return str(target)


def _forget() -> None:
    """Forget the column of another data set when the user chooses one."""
    st.session_state.pop(LACKED, None)
