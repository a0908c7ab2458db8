"""The frame of every page: title, menu, data set and error messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from pages.components.access import login_is_on, may
from pages.components.actions import show_problem
from pages.components.run_banner import show_run_banner
from pages.components.session_user import require_user, show_user
from pages.components.sidebar.data_picker import boxes_picker, data_picker, open_chosen
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.file_handles import handles_explained
from socal_core.workspace import tidy_workspace

MENU = (
    ("app.py", "Overview", ":material/home:"),
    ("pages/dataset.py", "Dataset", ":material/dataset:"),
    ("pages/training.py", "Training", ":material/model_training:"),
    ("pages/evaluation.py", "Evaluation", ":material/analytics:"),
    ("pages/trial_viewer.py", "Trial viewer", ":material/slideshow:"),
    ("pages/guide.py", "Guide", ":material/menu_book:"),
)
ADMINISTRATION = ("pages/administration.py", "Administration", ":material/admin_panel_settings:")
STYLE = Path(__file__).with_name("page.css")


@contextmanager
def page(title: str, introduction: str, heading: str = "") -> Iterator[Dataset | None]:
    """Show the frame of a page around its body. A SocalError of either is shown as a message.

    Args:
        title: The title of the page.
        introduction: The text below the title.
        heading: The heading of the page, if it differs from the title.

    Yields:
        The open data set, or None if there is none; the page then shows why.
    """
    _tidy()
    st.set_page_config(page_title=f"{title} · SOCAL", page_icon="🩺", layout="wide")
    st.html(STYLE)
    user = require_user()  # ends the page for visitors without access
    with st.sidebar:
        for script, label, icon in _menu():
            st.page_link(script, label=label, icon=icon, width="stretch")
        menu_end = st.container()
        show_user(user)
    st.title(heading or title)
    show_problem()
    with _errors_shown():
        show_run_banner()
    st.write(introduction)
    dataset = None
    with _errors_shown():
        with menu_end:
            data_picker()
        dataset = open_chosen()
        if dataset is not None:
            with menu_end:
                boxes_picker(dataset)
    with _errors_shown():
        yield dataset


@st.cache_resource(show_spinner=False)
def _tidy() -> None:
    """Delete what killed processes have left, once for each server."""
    tidy_workspace()


def _menu() -> list[tuple[str, str, str]]:
    """Return the pages that the user may open: script, label and icon."""
    try:
        administers = login_is_on() and may(Action.SEE_AUDIT)
    except SocalError:  # the page reports a configuration that cannot be read
        administers = False
    return [*MENU, *([ADMINISTRATION] if administers else [])]


@contextmanager
def _errors_shown() -> Iterator[None]:
    try:
        with handles_explained():
            yield
    except SocalError as error:
        st.error(plain_text(error), icon=":material/error:")
