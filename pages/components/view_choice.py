"""The choice of a saved view that limits the test trials of a run that a page shows."""

import streamlit as st

from pages.components.words import plain_text
from socal_core.dataset.filter_text import filter_in_words
from socal_core.dataset.saved_views import SavedView, saved_views
from socal_core.errors import SocalError
from socal_core.runs.folder import RunFolder

ALL = "All test trials"


def pick_view(run: RunFolder, page: str) -> SavedView | None:
    """Show a drop-down of the saved views of the data of a run, if there are any, and return the chosen one.

    Args:
        run: The run.
        page: The name of the page, which keeps its own choice.

    Returns:
        The view; None for all test trials.
    """
    try:
        views = {view.name: view for view in saved_views(run.read_data())}
    except SocalError as error:
        st.warning(plain_text(error), icon=":material/bookmark:")
        return None
    key = f"view-{page}"
    if st.session_state.get(key, ALL) not in {ALL, *views}:  # deleted, or of other data
        st.session_state[key] = ALL
    if not views:
        return None
    name = st.selectbox(
        "Show",
        [ALL, *views],
        key=key,
        format_func=lambda name: name if name == ALL else f"Test trials in the view {name}",
        persist_state="session",
        width=420,
        help="Views are saved on the Dataset page, under *Choose trials*.",
    )
    return views.get(str(name))


def label_view(view: SavedView, shown: int, tested: int) -> None:
    """Say which of the test trials are shown."""
    count = f"Only {shown} of the {tested} test trials" if shown < tested else f"All {tested} test trials"
    st.info(
        f"**{count}**, those in the view {plain_text(view.name)} "
        f"({plain_text(filter_in_words(view.filter))}). The model and its threshold are those of the run. Scores of a "
        "part vary more by chance, and a part that is chosen for its scores has scores that are too good.",
        icon=":material/bookmark:",
    )
