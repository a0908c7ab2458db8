"""The check that opens every frame of a data folder, a job that takes minutes for a large one."""

import hashlib
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.job_progress import show_log, watch
from pages.components.sidebar.data_picker import fingerprint, name_of_data, opened_with
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset, Problem, Severity
from socal_core.jobs.job import Job, JobState, JobStatus

CHECK = Job("frame-check", "socal_core.jobs.check_frames", "The check of every frame")


def check_of_frames(dataset: Dataset) -> list[Problem] | None:
    """Show the check while it runs, else the button that starts it.

    Returns:
        The problems that the last check found in this data set; None when that was another one, or did not end well.
    """
    request = _request(dataset)
    last, status = CHECK.request(), CHECK.status()
    mine = last == request
    if status.running:
        name = f" of {plain_text(name_of_data(Path(last['data'])))}" if last else ""
        watch(CHECK, lambda status: _how_far(status, name))
        st.caption("You can leave this page or close the browser meanwhile.")
        return None
    if not mine:
        status = JobStatus(JobState.IDLE)
    _button(dataset, request, status.state)
    if status.error:
        st.error(plain_text(status.error))
        show_log(CHECK.log_tail())
    if status.state is not JobState.DONE:
        return None
    return [Problem(**{**values, "severity": Severity(values["severity"])}) for values in status.result["problems"]]


def _request(dataset: Dataset) -> dict[str, Any]:
    """What the check needs to know, and what its result depends on."""
    entries = hashlib.sha256(repr(fingerprint(dataset.root)).encode("utf-8", "surrogateescape")).hexdigest()
    return {
        "data": str(dataset.root.resolve()),
        "options": opened_with(dataset).as_dict(),
        "fingerprint": dataset.fingerprint,
        "entries": entries,
    }


def _button(dataset: Dataset, request: dict[str, Any], state: JobState) -> None:
    left, right = st.columns([4, 1], vertical_alignment="center")
    if state is JobState.DONE:
        left.caption("Every frame was checked. Check again after replacing frames.")
        label = "Check again"
    else:
        stopped = "The last check was stopped. " if state is JobState.STOPPED else ""
        left.caption(
            f"{stopped}Opening the folder reads tables and names but decodes no frame. Checking all "
            f"{len(dataset.frames):,} frames takes about a minute for every 5,000 of full HD."
        )
        label = "Check every frame"
    if right.button(label, icon=":material/image_search:", width="stretch"):
        CHECK.start(request)  # if another tab was quicker: look on
        st.rerun()


def _how_far(status: JobStatus, name: str) -> str:
    if not status.total:
        return f"Opening frames{name}"
    return f"Opening frames{name}: {status.done:,} of {status.total:,}"
