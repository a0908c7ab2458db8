"""Looking through frames for the same footage in several trials, and for text burnt into them. Both are jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.access import may, why_not
from pages.components.downloads import announce, ids_in, table_with_csv
from pages.components.job_progress import show_log, start_job, watch
from pages.components.sidebar.data_picker import name_of_data, opened_with
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.frame_reports import FOOTAGE, TEXT, read_report
from socal_core.evaluation.frame_text import INSTALL, TextKind, kinds_of_text, missing_packages, texts_of
from socal_core.evaluation.same_footage import footage_of
from socal_core.jobs.job import Job, JobState, JobStatus

FINDING_FOOTAGE = Job("find-footage", "socal_core.jobs.find_footage", "The search for the same footage")
FINDING_TEXT = Job("find-text", "socal_core.jobs.find_text", "The search for text")
KINDS = {
    TextKind.CLOCK: "clock or other changing numbers",
    TextKind.FIXED: "stays at its place",
    TextKind.SEEN: "at no place in two frames",
}


@dataclass(frozen=True)
class _Search:
    """A search through the frames of a data set."""

    job: Job
    report: str
    button: str
    about: str
    show: Callable[[Dataset, dict[str, Any]], None]
    missing: str = ""
    """Why it cannot be started, for the user; "" if it can."""


def show_frame_reports(dataset: Dataset) -> None:
    """Show the last results of both searches for this data set, and the buttons that start them."""
    missing = missing_packages()
    for search in (
        _Search(
            FINDING_FOOTAGE,
            FOOTAGE,
            "Look for same footage",
            f"Compares all {len(dataset.frames):,} frames to find footage that is in several trials, as it would leak "
            "into the test if these were in different subsets. Takes about a minute per 5,000 frames in full HD.",
            _show_footage,
        ),
        _Search(
            FINDING_TEXT,
            TEXT,
            "Look for text in frames",
            "Reads the first, middle and last frame of each trial to find a clock or a name burnt into frames. Takes "
            "about two seconds per frame.",
            _show_text,
            f"Looking for text needs `{'` and `'.join(missing)}`. Install it: `{INSTALL}`" if missing else "",
        ),
    ):
        _show(search, dataset)


def _show(search: _Search, dataset: Dataset) -> None:
    request = {
        "data": str(dataset.root.resolve()),
        "options": opened_with(dataset).as_dict(),
        "fingerprint": dataset.fingerprint,
    }
    last = search.job.request()
    if search.job.running:
        name = f" of {plain_text(name_of_data(Path(last['data'])))}" if last else ""
        watch(search.job, lambda status: _progress_text(status, name))
        st.caption("You can leave this page or close the browser. The search continues.")
        return
    report = read_report(dataset.fingerprint, search.report)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(search.missing or search.about)
    if right.button(
        search.button if report is None else f"{search.button} again",
        icon=":material/search:",
        width="stretch",
        disabled=bool(search.missing) or not may(Action.CHECK_DATA),
        help=why_not(Action.CHECK_DATA),
        key=f"start-{search.job.name}",
    ):
        start_job(search.job, Action.CHECK_DATA, request)  # does nothing if another tab has just started it
        st.rerun()
    status = search.job.status() if last == request else JobStatus(JobState.IDLE)
    if status.error:
        st.error(plain_text(status.error))
        show_log(search.job.log_tail())
    if report is not None:
        search.show(dataset, report)


def _progress_text(status: JobStatus, name: str) -> str:
    if not status.total:
        return f"Opening frames{name}"
    return f"Reading frames{name}: {status.done:,} of {status.total:,}"


def _show_footage(dataset: Dataset, report: dict[str, Any]) -> None:
    pairs = footage_of(report)
    if not pairs:
        st.success(f"No two trials show the same footage ({_when(report)}).", icon=":material/check:")
        return
    st.warning(
        f"{len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} of trials with the same footage ({_when(report)}). "
        "Remove one trial of each pair, or give both the same surgeon, so that they stay in one subset.",
        icon=":material/content_copy:",
    )
    rows = [
        {
            "Trial": pair.trial_id,
            "Other trial": pair.other,
            "Frames": f"{pair.frames}",
            "Same moment (s)": f"{pair.second:g} and {pair.other_second:g}",
            "Distance": f"{pair.distance:.4f}",
        }
        for pair in pairs
    ]
    data = announce(ids_in(dataset), dataset.fingerprint)
    table_with_csv(pd.DataFrame(rows).set_index("Trial"), "same-footage", data=data)


def _show_text(dataset: Dataset, report: dict[str, Any]) -> None:
    texts = texts_of(report)
    if not texts:
        st.success(f"No text was found in the frames ({_when(report)}).", icon=":material/check:")
        return
    kinds = kinds_of_text(texts)
    burnt_in = sum(kind is not TextKind.SEEN for kind, _ in kinds.values())
    text = f"Text was found in {len(kinds)} of {report['trials']} trials ({_when(report)}); in {burnt_in} it stays at"
    (st.warning if burnt_in else st.info)(
        f"{text} its place or counts, so a model could read it there. Cover such text or cut it off.",
        icon=":material/text_fields:",
    )
    rows = [
        {
            "Trial": found.trial_id,
            "Second": f"{found.second:g}",
            "Text": found.text,
            "Box": ", ".join(map(str, found.box)),
            "Confidence": f"{found.confidence:.2f}",
            "Text of the trial": KINDS[kinds[found.trial_id][0]],
        }
        for found in texts
    ]
    data = announce(ids_in(dataset), dataset.fingerprint)
    table_with_csv(pd.DataFrame(rows).set_index("Trial"), "text-in-frames", data=data)


def _when(report: dict[str, Any]) -> str:
    day = f"{datetime.fromtimestamp(report['time']).astimezone():%Y-%m-%d}"
    unreadable = f", {report['unreadable']} could not be read" if report["unreadable"] else ""
    return f"{report['frames']:,} frames on {day}{unreadable}"
