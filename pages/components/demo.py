"""The first visit: the demo data set is drawn by a process of its own while the page shows how far it is."""

import json
import os
from pathlib import Path
from typing import Any

import streamlit as st

from socal_core.errors import RunError
from socal_core.runs.background import start_module
from socal_core.runs.lock import is_locked, take_lock
from socal_core.workspace import demo_folder, workspace

REFRESH_SECONDS = 0.5


def draw_demo() -> None:
    """Show the drawing of the demo data set, and start it unless it is on its way; the page reloads when it is done.

    Tabs, also those of two servers, share one drawing: whoever holds the lock draws, the others look on.
    """
    if not is_locked(_lock_file()) and not demo_folder().is_dir():
        progress = _progress()
        if progress is None:
            _start()
        else:
            st.error(progress.get("error", "Drawing the demo data set ended without a word."))
            if st.button("Draw the demo again", type="primary"):
                _start()
                st.rerun()
            return
    st.write(
        "The demo data set is drawn once, before its first use; this takes about half a minute. It shows an invented "
        "operation in the layout of the SOCAL release, so that everything here can be tried without any data."
    )
    st.fragment(_watch, run_every=REFRESH_SECONDS)()


def _watch() -> None:
    if demo_folder().is_dir() or not is_locked(_lock_file()):
        st.rerun()
    progress = _progress() or {}
    done, total = progress.get("done", 0), progress.get("total", 0)
    share = done / total if total else 0.0
    st.progress(share, text=f"Drawing the demo data set: {share:.0%}")


def _start() -> None:
    try:
        lock = take_lock(_lock_file(), "demo")
    except RunError:
        return  # another tab was quicker
    try:
        _progress_file().write_text("{}", encoding="utf-8")
        arguments = ["pages.components.demo_worker", str(demo_folder().resolve()), str(_progress_file().resolve())]
        start_module(arguments, workspace() / "demo.log", lock)
    finally:
        # The worker has its own copy: the lock lives exactly as long as it does.
        os.close(lock)


def _progress() -> dict[str, Any] | None:
    """What the worker last wrote; None before a first worker was started."""
    try:
        return dict(json.loads(_progress_file().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}


def _progress_file() -> Path:
    return workspace() / "demo.progress.json"


def _lock_file() -> Path:
    return workspace() / "demo.lock"
