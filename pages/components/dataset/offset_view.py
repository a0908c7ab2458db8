"""Advice on the numbering of refused annotation files. It is a job, since it decodes many frames."""

import streamlit as st

from pages.components.access import may, why_not
from pages.components.job_progress import show_log, start_job, watch
from pages.components.sidebar.data_picker import opened_with
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.annotations.offset_advice import OffsetAdvice, refused_files
from socal_core.dataset.dataset import Dataset
from socal_core.jobs.job import Job, JobState, JobStatus

ADVICE = Job("offset-advice", "socal_core.jobs.advise_offsets", "The search for the numbering of files")


def show_offset_advice(dataset: Dataset) -> None:
    """Show the button that starts the search, its progress, and what it found; nothing if no file was refused."""
    files = refused_files(dataset)
    if not files:
        return
    request = {
        "data": str(dataset.root.resolve()),
        "options": opened_with(dataset).as_dict(),
        "fingerprint": dataset.fingerprint,
    }
    status = ADVICE.status()
    if status.running:
        watch(ADVICE, _progress_text)
        return
    left, right = st.columns([3, 1], vertical_alignment="center")
    count = "One annotation file was" if len(files) == 1 else f"{len(files):,} annotation files were"
    left.caption(
        f"{count} refused because of the numbers of the frames. The frames may show which numbering puts the boxes on "
        "tools. The answer is advice, and nothing is applied."
    )
    off, why = not may(Action.CHECK_DATA), why_not(Action.CHECK_DATA)
    if right.button("Look at the frames", icon=":material/frame_inspect:", width="stretch", disabled=off, help=why):
        start_job(ADVICE, Action.CHECK_DATA, request)  # does nothing if another tab has just started it
        st.rerun()
    if ADVICE.request() != request:
        return
    if status.error:
        st.error(plain_text(status.error))
        show_log(ADVICE.log_tail())
    if status.state is JobState.DONE:
        _show(status.result["advice"], status.result["silent"])


def _progress_text(status: JobStatus) -> str:
    return f"Looking at frames: {status.done:,} of {status.total:,} files" if status.total else "Looking at frames"


def _show(advice: list[dict[str, object]], silent: list[str]) -> None:
    for values in advice:
        text = plain_text(OffsetAdvice(**values).text())  # type: ignore[arg-type]
        st.info(
            f"{text} Look at some of these frames in your annotation tool. If it is right, export the file in a format "
            "that names the frames.",
            icon=":material/lightbulb:",
        )
    if silent:
        names = ", ".join(plain_text(path) for path in silent)
        st.info(f"No numbering is clearly better than the others: {names}.", icon=":material/help:")
