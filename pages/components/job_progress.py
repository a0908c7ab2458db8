"""A background job on a page: its progress, a button to stop it, and its log."""

from collections.abc import Callable

import streamlit as st

from pages.components.words import plain_text
from socal_core.jobs.job import Job, JobStatus

REFRESH_SECONDS = 0.5


def watch(job: Job, text: Callable[[JobStatus], str]) -> None:
    """Show the progress of a job and a button to stop it, and rerun the page when the job has ended.

    Args:
        job: A running job.
        text: Returns the text above the progress bar, as Markdown.
    """
    st.fragment(_watch, run_every=REFRESH_SECONDS)(job, text)


def _watch(job: Job, text: Callable[[JobStatus], str]) -> None:
    status = job.status()
    if not status.running:
        st.rerun()
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    left.progress(status.fraction, text=text(status))
    with right:
        stop_button(job, status)


def stop_button(job: Job, status: JobStatus) -> None:
    """Show a button that stops a running job; it is disabled while the job is stopping."""
    st.button(
        "Stopping" if status.stopping else "Stop",
        icon=":material/stop:",
        disabled=status.stopping,
        key=f"stop-{job.name}",
        width="stretch",
        on_click=job.stop,
    )


def stage_text(status: JobStatus) -> str:
    """Return what a job is doing and how far it is, as Markdown."""
    text = plain_text(status.what or "Starting")
    return f"{text}: {status.done:,} of {status.total:,}" if status.total else text


def show_log(lines: list[str]) -> None:
    """Show the last lines of a log in a collapsed section; nothing if there are none."""
    if lines:
        with st.expander("Last lines of the log", icon=":material/terminal:"):
            st.code("\n".join(lines), language=None, wrap_lines=True)
