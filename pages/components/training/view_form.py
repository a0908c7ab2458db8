"""The choice of the saved view that a new run is trained on, in the form for its settings."""

import streamlit as st

from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filter_text import filter_from_json, filter_in_words, filter_to_json
from socal_core.dataset.saved_views import saved_views
from socal_core.errors import SocalError
from socal_core.settings import SETTINGS

ALL = "All usable trials"
VIEW, TRIALS = "setting-view", "setting-trials"
"""Session keys of the name and of the filter. Only a run whose settings were copied leaves a filter here."""


def choose_view(dataset: Dataset | None) -> str:
    """Show the drop-down of the saved views, and return the name of the chosen one; "" for all trials.

    Args:
        dataset: The data set in use; None if there is none.
    """
    try:
        filters = _filters(dataset)
    except SocalError as error:
        st.warning(plain_text(error))
        filters = {}
    chosen, copied = st.session_state[VIEW], st.session_state[TRIALS]
    if chosen not in filters and not copied:
        st.session_state[VIEW] = chosen = ""  # a view of another folder, or one that was deleted
    options = list(dict.fromkeys(["", *filters, chosen]))
    name = st.selectbox(
        "Trials",
        options,
        format_func=lambda name: name or (filter_in_words(filter_from_json(copied)) if copied else ALL),
        key=VIEW,
        on_change=_forget,
        help=SETTINGS["view"].help,
        persist_state="session",
    )
    return str(name)


def filter_of_view(name: str, dataset: Dataset | None) -> str:
    """Return the filter of the chosen view as JSON, and show it in words; "" for all trials."""
    # Without a name, there is nothing to look up, as where the saved views cannot be read.
    text = str(st.session_state[TRIALS] or (_filters(dataset)[name] if name else ""))
    if text:
        st.caption(plain_text(filter_in_words(filter_from_json(text))).capitalize())
    return text


def _filters(dataset: Dataset | None) -> dict[str, str]:
    """Return the filters of the saved views, by name."""
    return {} if dataset is None else {view.name: filter_to_json(view.filter) for view in saved_views(dataset.root)}


def _forget() -> None:
    """Forget the filter of the run whose settings were copied, when another view is chosen."""
    st.session_state[TRIALS] = ""
