"""One run as it happens: state, progress, curves, stop and resume."""

import streamlit as st

from pages.components.charts import chart
from pages.components.honesty import warn_of_split
from pages.components.runs import STATE_COLOURS, events_of
from socal_core.errors import RunError
from socal_core.figures.training import accuracy_curves, loss_curves
from socal_core.runs import launch
from socal_core.runs.events import Event, epochs_table, notices, steps_table
from socal_core.runs.folder import RunFolder
from socal_core.runs.progress import progress_of
from socal_core.runs.state import RunState, RunStatus, read_status

REFRESH_SECONDS = 1.0


def show_run(run: RunFolder) -> None:
    """Draw a run, again every second as long as its worker lives."""
    state = read_status(run).state
    st.fragment(_draw, run_every=REFRESH_SECONDS if state.alive else None)(run, state)


def _draw(run: RunFolder, drawn_state: RunState) -> None:
    status = read_status(run)
    if status.state is not drawn_state:
        st.rerun()  # the page around shows the state too; and the timer of a run that has ended stops
    events = events_of(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status.state.capitalize(), color=STATE_COLOURS[status.state])
        st.markdown(f"**{run.name}**")
    warn_of_split(run)
    if status.state.alive:
        _progress(run, status, events)
    else:
        _end(run, status)
    left, right = st.columns(2)
    epochs = epochs_table(events)
    with left:
        chart(loss_curves(epochs, steps_table(events)), f"loss-{run.name}")
    with right:
        chart(accuracy_curves(epochs), f"accuracy-{run.name}")
    messages = notices(events)
    if messages:
        with st.expander(f"Notices ({len(messages)}): what the run had to put up with", icon=":material/info:"):
            st.write("\n".join(f"- {message}" for message in messages))


def _progress(run: RunFolder, status: RunStatus, events: list[Event]) -> None:
    progress = progress_of(events)
    left, right = st.columns([6, 1], vertical_alignment="bottom")
    text = progress.text
    if progress.data_wait is not None:
        text += f" · {progress.data_wait:.0%} of the time waiting for clips"
    if progress.seconds_left is not None:
        text += f" · about {in_words(progress.seconds_left)} left, less if it stops improving"
    left.progress(min(1.0, progress.fraction), text=text)
    right.button(
        "Stopping" if status.stopping else "Stop",
        icon=":material/stop:",
        disabled=status.stopping,
        key="stop",
        width="stretch",
        on_click=launch.request_stop,
        args=(run,),
    )


def _end(run: RunFolder, status: RunStatus) -> None:
    if status.state is RunState.DONE:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.write("Trained and tested.")
            st.page_link("pages/evaluation.py", label="See the test results", icon=":material/analytics:")
            st.page_link("pages/trial_viewer.py", label="Go through the trials", icon=":material/slideshow:")
        return
    show = st.info if status.state is RunState.STOPPED else st.error
    show(status.reason or "The run ended before it was done.")
    if st.button("Resume", icon=":material/play_arrow:", key="resume"):
        try:
            launch.start(run, resume=True)
        except RunError as error:
            st.error(str(error))
        else:
            st.rerun()


def in_words(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
