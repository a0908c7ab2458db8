"""The first visit: a job generates the demo data set while the page shows its progress and what is known already."""

import os

import pandas as pd
import streamlit as st

from pages.components.access import acting, why_not
from pages.components.charts import chart
from pages.components.job_progress import REFRESH_SECONDS, show_log
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.errors import SocalError
from socal_core.jobs.job import Job
from socal_core.workspace import demo_folder

GENERATION = Job("demo", "socal_core.jobs.generate_demo", "Generating the demo data set")
SURGEONS = int(os.environ.get("SOCAL_DEMO_SURGEONS", "40"))
"""Surgeons of the demo data set; fewer are generated faster."""
FRAMES_SHOWN = 6
_DRAWN = "demo-progress-drawn"


def show_generation() -> None:
    """Generate the demo data set, show the progress, and rerun the page when it is done.

    All tabs, also of other servers, share one job. The first tab starts it, the others follow it.
    """
    status = GENERATION.status()
    if not status.running and not demo_folder().is_dir():
        if reason := why_not(Action.GENERATE_DEMO):
            st.info(f"The demo data set is not there yet. {reason}")
            return
        if status.error:
            st.error(plain_text(status.error))
            show_log(GENERATION.log_tail())
            if st.button("Generate the demo again", type="primary"):
                _start()
                st.rerun()
            return
    st.write(
        "The demo data set is generated once, before its first use. This takes about half a minute. It shows an "
        "invented operation in the format of the SOCAL data set, so that you can try the app without your own data."
    )
    st.session_state[_DRAWN] = False
    st.fragment(_watch, run_every=REFRESH_SECONDS)()
    _show_trials()


def _show_trials() -> None:
    """Show outcomes and lengths of the trials. They are simulated first; the frames take nearly all the time."""
    # Loading the figures here shows the progress first.
    from socal_core.figures.dataset import class_balance, frames_by_outcome

    trials = _simulated(SURGEONS)
    st.caption(
        f"Its {len(trials)} usable trials of {trials['participant_id'].nunique()} surgeons are simulated; their frames "
        "are still being drawn. A model can be trained when all are there."
    )
    left, right = st.columns(2)
    with left:
        chart(class_balance(trials), "simulated-outcomes")
    with right:
        chart(frames_by_outcome(trials), "simulated-lengths")
    trial_id, frames = _rendered(SURGEONS)
    st.caption(f"Frames of trial {trial_id}:")
    for column, (second, frame) in zip(st.columns(FRAMES_SHOWN), frames.items(), strict=True):
        column.image(frame, caption=f"{second} s", alt=f"Frame of trial {trial_id} after {second} s")


@st.cache_data(max_entries=1, show_spinner=False)
def _simulated(surgeons: int) -> pd.DataFrame:
    from socal_core.demo.preview import simulated_trials

    return simulated_trials(surgeons)


@st.cache_data(max_entries=1, show_spinner=False)
def _rendered(surgeons: int) -> tuple[str, dict[int, bytes]]:
    from socal_core.demo.preview import simulated_frames

    return simulated_frames(surgeons, FRAMES_SHOWN)


def _watch() -> None:
    status = GENERATION.status()
    if demo_folder().is_dir() or status.error:
        st.rerun()
    if not status.running and st.session_state[_DRAWN]:
        # Not before the browser asks again: the frames take all cores, which the browser needs to draw the charts.
        try:
            _start()
        except SocalError as error:
            st.error(plain_text(error), icon=":material/error:")
            return
    st.session_state[_DRAWN] = True
    st.progress(status.fraction, text=f"Generating the demo data set: {status.fraction:.0%}")


def _start() -> None:
    with acting(Action.GENERATE_DEMO) as deed:
        GENERATION.start({"out": str(demo_folder().resolve()), "surgeons": SURGEONS}, owner=deed.user.name)
