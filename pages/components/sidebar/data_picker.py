"""The data set in use, and the picker in the sidebar. A folder is opened once and kept."""

import os
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import streamlit as st

from pages.components.access import acting, login_is_on, user_with_login
from pages.components.folder_field import browse
from pages.components.sidebar.demo import show_generation
from pages.components.sidebar.download import download_form
from pages.components.words import plain_text
from socal_core.access.data_roots import allowed, data_roots
from socal_core.access.permissions import Action
from socal_core.annotations import format_of
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import ConfigError, DataError
from socal_core.presets import PRESETS
from socal_core.workspace import (
    demo_folder,
    given_data_folder,
    remember_data_folder,
    remember_options,
    remembered_data_folder,
    remembered_options,
)

DEMO = ""
"""The value that stands for the demo data set instead of a folder."""
DEMO_NAME = "Demo data set"
READ_AGAIN = "Reads the folder again, including changes in single annotation files."
ABOUT_FOLDER = (
    "It contains the frames (in JPEGImages/, in one folder per trial, or as videos), the table of outcomes "
    f"({' or '.join(preset.outcomes_file for preset in PRESETS)}), and boxes as CSV, YOLO, Pascal VOC, CVAT, COCO or "
    "MOT."
)
_READ = "data-reading"
"""Session key of what tells this session's reading of a folder from that of others."""

Fingerprint = tuple[tuple[str, int, int], ...]


def data_picker() -> None:
    """Show the name of the data set in use, and the ways to choose another one."""
    folder = _chosen()
    st.divider()
    st.caption("Data set in use")
    if folder == DEMO:
        st.markdown(f"**{DEMO_NAME}** (synthetic)")
    else:
        st.markdown(f"**{plain_text(Path(folder).name or folder)}**", help=plain_text(folder))
    with st.expander("Change data set"):
        typed, opened = _folder_form()
        if st.button("Use the demo data set", width="stretch", disabled=folder == DEMO):
            _choose(DEMO)
        if opened:
            _open_typed(typed)
        if folder != DEMO and st.button("Read the folder again", width="stretch", help=READ_AGAIN):
            with acting(Action.READ_DATA, what=folder):
                # What other sessions have open stays as they opened it.
                st.session_state[_READ] = uuid.uuid4().hex
            st.rerun()
    with st.expander("Download data"):
        downloaded = download_form()
        if downloaded is not None:
            _open_typed(downloaded)


def _folder_form() -> tuple[str, bool]:
    """Show the choice of a folder; return it, and whether it is to be opened."""
    roots = data_roots()
    if roots:
        chosen = browse("Data folder", "data-folder", roots, f"A folder on the server. {ABOUT_FOLDER}")
        return chosen, st.button("Open folder", width="stretch", disabled=not chosen)
    with st.form("data-folder", border=False):
        typed = st.text_input(
            "Data folder",
            placeholder="/path/to/SOCAL",
            help=f"A folder on the computer that runs this app. {ABOUT_FOLDER}",
        )
        opened = st.form_submit_button("Open folder", width="stretch")
    return typed.strip(), opened


def choose_options(options: OpenOptions) -> None:
    """Store how the folder in use is to be read by this user, and read it again."""
    with acting(Action.READ_DATA, what=_chosen() or DEMO_NAME):
        remember_options(_chosen(), options.as_dict(), user_with_login())
    st.rerun()


def options_in_use() -> OpenOptions:
    """Return the options that were chosen for the folder in use."""
    return _options_of(_chosen())


def opened_with(dataset: Dataset) -> OpenOptions:
    """Return how a data set of the folder in use was read: as chosen, unless the box format is no longer there."""
    options = options_in_use()
    return options if options.boxes in dataset.box_formats else replace(options, boxes="")


def _options_of(folder: str) -> OpenOptions:
    try:
        return OpenOptions.from_dict(remembered_options(folder, user_with_login()))
    except ConfigError:
        return OpenOptions()  # stored by another version


def boxes_picker(dataset: Dataset) -> None:
    """Show a choice of the box format if the folder has several."""
    if len(dataset.box_formats) < 2:
        return
    formats = list(dataset.box_formats)
    chosen = st.selectbox(
        "Boxes read from",
        formats,
        index=formats.index(dataset.box_format),
        format_func=lambda key: format_of(key).title,
        help="The folder has boxes in several formats. The Dataset page shows whether they agree.",
    )
    if chosen != dataset.box_format:
        choose_options(replace(options_in_use(), boxes=chosen))


def open_chosen() -> Dataset | None:
    """Open the data set in use. If that is not possible, show why and return None."""
    folder = _chosen()
    if folder == DEMO and not demo_folder().is_dir():
        show_generation()
        return None
    try:
        return _open(folder)
    except DataError as error:
        st.error(plain_text(error), icon=":material/folder_off:")
        st.info("Choose another folder in the sidebar, under **Change data set**, or use the demo.")
        if folder != DEMO and st.button("Use the demo data set", key="demo-instead"):
            _choose(DEMO)
        return None


def is_demo(dataset: Dataset) -> bool:
    """Return whether this is the demo data set."""
    return dataset.root == demo_folder()


def name_of_data(root: Path) -> str:
    """Return a name for the data set in a folder, without the path of the folder."""
    return DEMO_NAME if root.resolve() == demo_folder().resolve() else root.name


def fingerprint(root: Path) -> Fingerprint:
    """Return name, time and size of the entries of a folder, which differ if a table or the list of images changed."""
    try:
        with os.scandir(root) as entries:
            return tuple(sorted(_entry(entry) for entry in entries))
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return ()  # opening the folder reports the error


def _entry(entry: os.DirEntry[str]) -> tuple[str, int, int]:
    try:
        found = entry.stat()
    except OSError:
        return entry.name, 0, 0  # a broken link
    return entry.name, found.st_mtime_ns, found.st_size


def _chosen() -> str:
    if "data_folder" not in st.session_state:
        folder = remembered_data_folder(given_data_folder(sys.argv[1:]), user_with_login())
        if login_is_on():
            with acting(Action.OPEN_DATA, what=folder or DEMO_NAME):
                pass
        st.session_state["data_folder"] = folder
    return str(st.session_state["data_folder"])


def _choose(folder: str) -> None:
    with acting(Action.OPEN_DATA, what=folder or DEMO_NAME):
        remember_data_folder(folder, given_data_folder(sys.argv[1:]), user_with_login())
        st.session_state["data_folder"] = folder
    st.rerun()


def _open_typed(folder: str) -> None:
    """Choose a typed folder if it can be opened; else show why not, and keep the current folder."""
    if not folder:
        st.warning("Enter the path of a folder first.")
        return
    try:
        _open(folder)
    except DataError as error:
        st.error(plain_text(error))
        return
    _choose(folder)


def _open(folder: str) -> Dataset:
    root = demo_folder() if folder == DEMO else allowed(_expanded(folder), data_roots())
    options, reading = _options_of(folder), str(st.session_state.get(_READ, ""))
    try:
        try:
            return _opened(str(root), fingerprint(root), options, reading)
        except DataError:
            # The format that was chosen before may be gone. Use the first available one instead.
            return _opened(str(root), fingerprint(root), replace(options, boxes=""), reading)
    except DataError as error:
        # Show the path as the user typed it, so that the meaning of ~ stays private.
        raise DataError(str(error).replace(str(root), folder or DEMO_NAME)) from None


def _expanded(folder: str) -> Path:
    """Replace `~` in a path if there is such a home folder."""
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        return Path(folder)


@st.cache_resource(max_entries=8, show_spinner="Reading the data folder")
def _opened(root: str, fingerprint: Fingerprint, options: OpenOptions, reading: str) -> Dataset:
    """Open a folder. All sessions share the result, which is read-only; a changed fingerprint opens the folder again.

    Args:
        root: The folder.
        fingerprint: Of the folder.
        options: How to read it.
        reading: What tells the reading of a session that asked for it from that of others; "" for the shared one.
    """
    return open_cached(Path(root), options)
