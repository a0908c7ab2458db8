"""The download of a shared data folder. It starts only on request, and continues where it was interrupted."""

from pathlib import Path

import streamlit as st

from pages.components.access import acting, may, why_not
from pages.components.folder_field import browse
from pages.components.job_progress import show_log, stop_button
from pages.components.words import plain_text
from socal_core.access.data_roots import allowed, data_roots
from socal_core.access.permissions import Action
from socal_core.errors import DataError, SocalError
from socal_core.fetch.drive import drive_link
from socal_core.jobs.job import Job, JobState
from socal_core.presets import PRESETS

REFRESH_SECONDS = 1.0
DOWNLOAD = Job("download", "socal_core.jobs.fetch_data", "The download")
PUBLISHED = "Published: " + "; ".join(f"{preset.title}, {preset.address}" for preset in PRESETS)
FIRST = "Requesting the list of files"


def download_form() -> str | None:
    """Show the form or the progress of a download, and return the downloaded folder when the user opens it."""
    if DOWNLOAD.running:
        st.fragment(_watch, run_every=REFRESH_SECONDS)()
        return None
    roots = data_roots()
    parent = (
        browse("Download to", "download-parent", roots, "The folder in which the new one is made.") if roots else ""
    )
    with st.form("download", border=False):
        address = st.text_input(
            "Link to a shared Google Drive folder",
            placeholder="https://drive.google.com/drive/folders/…",
            help="The link from the owner of the data. The app connects to it only when you click Download. "
            + PUBLISHED,
        )
        out = st.text_input(
            "New folder" if roots else "Download to folder",
            placeholder="SOCAL" if roots else "/path/to/SOCAL",
            help="A folder on the computer that runs this app. It is created if it does not exist.",
        )
        if st.form_submit_button(
            "Download",
            width="stretch",
            disabled=not may(Action.DOWNLOAD_DATA) or bool(roots and not parent),
            help=why_not(Action.DOWNLOAD_DATA),
        ):
            _start(address.strip(), str(Path(parent) / out.strip()) if parent and out.strip() else out.strip())
    return _show_end()


def _show_end() -> str | None:
    status, again = DOWNLOAD.status(), "To continue, click Download with the same link and folder."
    if status.error:
        st.error(f"{plain_text(status.error)} {again}")
        show_log(DOWNLOAD.log_tail())
    elif status.state is JobState.STOPPED:
        st.info(f"The download was stopped. {again}")
    elif status.state is JobState.DONE:
        st.write(f"{status.result['frames']:,} frames were downloaded.")
        for problem in status.result["problems"]:
            st.warning(plain_text(problem))
        if status.result["frames"] and st.button("Open the downloaded folder", width="stretch"):
            return str(status.result["out"])
    return None


def _watch() -> None:
    status = DOWNLOAD.status()
    if not status.running:
        st.rerun()
    st.info(plain_text(status.what or FIRST), icon=":material/cloud_download:")
    stop_button(DOWNLOAD, status)


def _start(address: str, out: str) -> None:
    if not out:
        st.warning("Enter the folder to download to.")
        return
    try:
        drive_link(address)
        folder = allowed(Path(out).expanduser().resolve(), data_roots())
    except DataError as error:
        st.error(plain_text(error))
        return
    except (RuntimeError, ValueError, OSError):
        st.error("This folder name cannot be used. Enter another one.")
        return
    try:
        with acting(Action.DOWNLOAD_DATA, what=f"{address} to {folder}") as deed:
            started = DOWNLOAD.start({"address": address, "out": str(folder)}, owner=deed.user.name)
    except SocalError as error:
        st.error(plain_text(error))
        return
    if not started:
        st.error("A download from another tab is already running. Wait until it has ended.")
        return
    st.rerun()
