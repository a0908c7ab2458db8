"""The saved views of a data folder: save the chosen trials under a name; show, rename and delete views."""

from functools import partial
from pathlib import Path

import streamlit as st

from pages.components.access import acting, guarded, may, why_not
from pages.components.dataset.filters import show_filter
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filter_text import filter_in_words
from socal_core.dataset.filters import TrialFilter
from socal_core.dataset.saved_views import (
    LONGEST_NAME,
    SavedView,
    delete_view,
    rename_view,
    save_view,
    saved_views,
)
from socal_core.errors import SocalError

_NEW_NAME = "view-new-name"
ABOUT = (
    "A view keeps which trials were chosen. Training, evaluation, the comparison of runs and `socal convert` can be "
    "limited to it."
)


def show_saved_views(dataset: Dataset, chosen: TrialFilter) -> None:
    """Show the views of the data folder in a popover.

    Args:
        dataset: The whole data set.
        chosen: The filter of the page, which can be saved.
    """
    try:
        views = saved_views(dataset.root)
    except SocalError as error:
        st.warning(plain_text(error), icon=":material/bookmark:")
        return
    label = f"Saved views ({len(views)})" if views else "Saved views"
    with st.popover(label, icon=":material/bookmark:"):
        st.caption(ABOUT)
        _save(dataset, chosen)
        if views:
            st.divider()
            _manage(dataset, views)


def _save(dataset: Dataset, chosen: TrialFilter) -> None:
    if chosen == TrialFilter():
        st.caption("To save a view, choose trials above first.")
        return
    with st.form("save-view", border=False, clear_on_submit=True):
        st.markdown(f"Chosen: {plain_text(filter_in_words(chosen))}")
        name = st.text_input("Name of the view", max_chars=LONGEST_NAME, key="view-name")
        off, why = not may(Action.CHANGE_VIEWS), why_not(Action.CHANGE_VIEWS)
        saves = st.form_submit_button("Save view", icon=":material/bookmark_add:", disabled=off, help=why)
    if saves:
        try:
            with acting(Action.CHANGE_VIEWS, what=f"{dataset.root.name}: save {name}"):
                name = save_view(dataset.root, name, chosen)
        except SocalError as error:
            st.error(plain_text(error))
        else:
            st.session_state["view-chosen"] = name
            st.rerun()


def _manage(dataset: Dataset, views: list[SavedView]) -> None:
    names = {view.name: view for view in views}
    if st.session_state.get("view-chosen") not in names:
        st.session_state["view-chosen"] = views[0].name
    view = names[st.selectbox("View", list(names), key="view-chosen")]
    count = len(view.trials_in(dataset))
    st.markdown(f"{plain_text(filter_in_words(view.filter))}: **{count} of {len(dataset.trials)} trials**")
    if not count:
        st.warning("This view matches no trial of the data folder any more.")
    off, why = not may(Action.CHANGE_VIEWS), why_not(Action.CHANGE_VIEWS)
    with st.container(horizontal=True):
        st.button(
            "Show its trials",
            icon=":material/filter_alt:",
            disabled=not count,
            on_click=show_filter,
            args=(view.filter,),
            key="view-show",
        )
        delete = guarded(
            Action.CHANGE_VIEWS,
            partial(delete_view, dataset.root, view.name, view),
            what=f"{dataset.root.name}: delete {view.name}",
        )
        st.button("Delete", icon=":material/delete:", key="view-delete", disabled=off, help=why, on_click=delete)
    with st.form("rename-view", border=False, clear_on_submit=True):
        st.text_input("New name", max_chars=LONGEST_NAME, key=_NEW_NAME)
        rename = guarded(
            Action.CHANGE_VIEWS, partial(_rename, dataset.root, view), what=f"{dataset.root.name}: rename {view.name}"
        )
        st.form_submit_button("Rename", icon=":material/edit:", disabled=off, help=why, on_click=rename)


def _rename(root: Path, view: SavedView) -> None:
    rename_view(root, view.name, str(st.session_state[_NEW_NAME]), view)
