"""A process that works for a page: how far it is, the button that stops it, its log."""

from collections.abc import Callable

import streamlit as st

from socal_core.jobs.job import Job, JobStatus

REFRESH_SECONDS = 0.5


def watch(job: Job, text: Callable[[JobStatus], str]) -> None:
    """Show a bar and a button to stop a job, refreshed by a timer; the page reloads when the job has ended.

    Args:
        job: A job that runs.
        text: What stands above the bar, as Markdown.
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
    """Ask a job that runs to stop; once somebody has, say that it is about to."""
    st.button(
        "Stopping" if status.stopping else "Stop",
        icon=":material/stop:",
        disabled=status.stopping,
        key=f"stop-{job.name}",
        width="stretch",
        on_click=job.stop,
    )


def show_log(lines: list[str]) -> None:
    """The last lines that a process printed, folded; nothing when there are none."""
    if lines:
        with st.expander("Last lines of the log", icon=":material/terminal:"):
            st.code("\n".join(lines), language=None, wrap_lines=True)
