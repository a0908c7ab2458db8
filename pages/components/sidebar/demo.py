"""The first visit: a job generates the demo data set while the page shows how far it is."""

import os

import streamlit as st

from pages.components.job_progress import REFRESH_SECONDS, show_log
from pages.components.words import plain_text
from socal_core.jobs.job import Job
from socal_core.workspace import demo_folder

GENERATION = Job("demo", "socal_core.jobs.generate_demo", "Generating the demo data set")
SURGEONS = int(os.environ.get("SOCAL_DEMO_SURGEONS", "40"))
"""Surgeons of the demo data set; fewer are generated faster."""


def show_generation() -> None:
    """Show how far the demo data set is, and start its generation unless it runs; the page reloads when it is done.

    Tabs, also those of two servers, share one job: the first one starts it, the others look on.
    """
    status = GENERATION.status()
    if not status.running and not demo_folder().is_dir():
        if status.error:
            st.error(plain_text(status.error))
            show_log(GENERATION.log_tail())
            if st.button("Generate the demo again", type="primary"):
                _start()
                st.rerun()
            return
        _start()
    st.write(
        "The demo data set is generated once, before its first use; this takes about half a minute. It shows an "
        "invented operation in the layout of the SOCAL release, so that you can try everything without data of your "
        "own."
    )
    st.fragment(_watch, run_every=REFRESH_SECONDS)()


def _watch() -> None:
    status = GENERATION.status()
    if demo_folder().is_dir() or not status.running:
        st.rerun()
    st.progress(status.fraction, text=f"Generating the demo data set: {status.fraction:.0%}")


def _start() -> None:
    GENERATION.start({"out": str(demo_folder().resolve()), "surgeons": SURGEONS})
