"""The first visit: the demo data set is drawn by a process of its own while the page shows how far it is."""

import streamlit as st

from pages.components.background import Background
from pages.components.words import plain_text
from socal_core.errors import RunError
from socal_core.workspace import demo_folder

REFRESH_SECONDS = 0.5
DRAWING = Background("demo")


def draw_demo() -> None:
    """Show the drawing of the demo data set, and start it unless it is on its way; the page reloads when it is done.

    Tabs, also those of two servers, share one drawing: whoever holds the lock draws, the others look on.
    """
    if not DRAWING.at_work and not demo_folder().is_dir():
        progress = DRAWING.read()
        if progress is None:
            _start()
        else:
            st.error(plain_text(progress.get("error", "Generating the demo data set ended unexpectedly.")))
            if st.button("Generate the demo again", type="primary"):
                _start()
                st.rerun()
            return
    st.write(
        "The demo data set is generated once, before its first use; this takes about half a minute. It shows an "
        "invented operation in the layout of the SOCAL release, so that you can try everything without data of your "
        "own."
    )
    st.fragment(_watch, run_every=REFRESH_SECONDS)()


def _watch() -> None:
    if demo_folder().is_dir() or not DRAWING.at_work:
        st.rerun()
    progress = DRAWING.read() or {}
    done, total = progress.get("done", 0), progress.get("total", 0)
    share = done / total if total else 0.0
    st.progress(share, text=f"Generating the demo data set: {share:.0%}")


def _start() -> None:
    arguments = ["socal_core.jobs.generate_demo", str(demo_folder().resolve()), str(DRAWING.file("progress.json"))]
    try:
        DRAWING.start(arguments, {"progress": {}})
    except RunError:
        return  # another tab was quicker
