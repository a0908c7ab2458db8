"""The trash on the Training page: restore the run that was deleted last, or remove all of them."""

import streamlit as st

from pages.components.access import may
from pages.components.training.run_actions import EMPTY_OPEN, act
from pages.components.words import plain_text, size_text
from socal_core.access.permissions import Action
from socal_core.lifecycle.trash import TrashedRun, empty_trash, list_trash, restore, size_of
from socal_core.workspace import runs_root


def show_trash() -> None:
    """Show the actions on deleted runs; nothing if there are none."""
    entries = [entry for entry in list_trash(runs_root()) if may(Action.RESTORE_RUN, entry)]
    if not entries:
        return
    last, number = entries[0], len(entries)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Restore {plain_text(last.name)}",
            icon=":material/undo:",
            help="Restores the run that was deleted last, with all its files.",
            key="bring-back",
            on_click=act,
            args=(Action.RESTORE_RUN, [last], restore),
        )
        runs = "1 run" if number == 1 else f"{number} runs"
        text = f"Empty the trash ({runs}, {size_text(_size(tuple(entries)))})"
        with st.popover(text, icon=":material/delete_forever:", key=EMPTY_OPEN, on_change="rerun"):
            st.write(
                f"**{runs}** will be deleted permanently, with checkpoints and predictions. This cannot be undone."
            )
            st.button(
                "Delete permanently",
                type="primary",
                key="empty-trash",
                on_click=act,
                args=(Action.EMPTY_TRASH, entries, _remove),
            )


def _remove(entry: TrashedRun) -> None:
    empty_trash([entry])


@st.cache_data(max_entries=4, show_spinner=False)
def _size(entries: tuple[TrashedRun, ...]) -> int:
    """Compute the size of trashed runs once, since they do not change."""
    return size_of(entries)
