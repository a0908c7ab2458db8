"""The player as a component of Streamlit, from the files in this folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from socal_core.dataset.dataset import Dataset
from socal_core.serving.opened import OpenedFrames, open_frames
from socal_core.serving.routes import address_of

SCRIPTS = ("frames", "view", "trial", "course", "events", "timeline", "table", "playback", "pairing", "keys", "player")
"""The scripts, which become one module; the last exports what Streamlit calls."""
_FOLDER = Path(__file__).parent
_OPENED = "opened_frames"


def _text_of(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "trial_player",
    html=_text_of("player.html"),
    css=_text_of("player.css"),
    js="\n".join(_text_of(f"{name}.js") for name in SCRIPTS),
)


def show_player(
    dataset: Dataset, data: dict[str, Any], key: str = "player", marked: Callable[[Any], None] | None = None
) -> None:
    """Show the player.

    Args:
        dataset: The data set whose frames it may ask for.
        data: The trial, from `trial_data`, with what is added to it.
        key: The key of the player.
        marked: Called with what the user has marked, as the browser sent it.
    """
    base = str(st.get_option("server.baseUrlPath")).strip("/")

    def pass_on() -> None:
        sent = st.session_state[key].get("mark")
        if marked is not None and sent is not None:
            marked(sent)

    address = f"{address_of(_opened(dataset), base)}/{data['trial']}"
    _mount(key=key, data={**data, "address": address}, on_mark_change=pass_on)


def _opened(dataset: Dataset) -> OpenedFrames:
    """Return the right of this session to the frames of a data set, which ends with the session."""
    opened = st.session_state.get(_OPENED)
    if not isinstance(opened, OpenedFrames) or opened.dataset is not dataset:
        opened = st.session_state[_OPENED] = open_frames(dataset)
    return opened
