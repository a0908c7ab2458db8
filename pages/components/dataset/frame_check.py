"""The check that opens every frame of a data folder. It is a job, since it takes minutes for a large folder."""

import hashlib
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.access import may, why_not
from pages.components.job_progress import show_log, start_job, watch
from pages.components.sidebar.data_picker import fingerprint, name_of_data, opened_with
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.dataset.dataset import Dataset, Problem, Severity
from socal_core.jobs.job import Job, JobState, JobStatus

CHECK = Job("frame-check", "socal_core.jobs.check_frames", "The check of every frame")


def check_of_frames(dataset: Dataset) -> list[Problem] | None:
    """Show the progress of the check, or the button that starts it.

    Returns:
        The problems that the last check found in this data set; None if that check did not finish or was of another
        data set.
    """
    request = _request(dataset)
    last, status = CHECK.request(), CHECK.status()
    same = last == request
    if status.running:
        name = f" of {plain_text(name_of_data(Path(last['data'])))}" if last else ""
        watch(CHECK, lambda status: _progress_text(status, name))
        st.caption("You can leave this page or close the browser. The check continues.")
        return None
    if not same:
        status = JobStatus(JobState.IDLE)
    _button(dataset, request, status.state)
    if status.error:
        st.error(plain_text(status.error))
        show_log(CHECK.log_tail())
    if status.state is not JobState.DONE:
        return None
    return [Problem(**{**values, "severity": Severity(values["severity"])}) for values in status.result["problems"]]


def _request(dataset: Dataset) -> dict[str, Any]:
    """Return what the check needs to know, and everything that its result depends on."""
    entries = hashlib.sha256(repr(fingerprint(dataset.root)).encode("utf-8", "surrogateescape")).hexdigest()
    return {
        "data": str(dataset.root.resolve()),
        "options": opened_with(dataset).as_dict(),
        "fingerprint": dataset.fingerprint,
        "entries": entries,
    }


def _button(dataset: Dataset, request: dict[str, Any], state: JobState) -> None:
    left, right = st.columns([3, 1], vertical_alignment="center")
    if state is JobState.DONE:
        left.caption("Every frame was checked. Check again after you replace frames.")
        label = "Check again"
    else:
        stopped = "The last check was stopped. " if state is JobState.STOPPED else ""
        left.caption(
            f"{stopped}Opening a folder reads tables and file names, but no images. This check opens all "
            f"{len(dataset.frames):,} frames. It takes about a minute per 5,000 frames in full HD."
        )
        label = "Check every frame"
    off, why = not may(Action.CHECK_DATA), why_not(Action.CHECK_DATA)
    if right.button(label, icon=":material/image_search:", width="stretch", disabled=off, help=why):
        start_job(CHECK, Action.CHECK_DATA, request)  # does nothing if another tab has just started it
        st.rerun()


def _progress_text(status: JobStatus, name: str) -> str:
    if not status.total:
        return f"Opening frames{name}"
    return f"Opening frames{name}: {status.done:,} of {status.total:,}"
