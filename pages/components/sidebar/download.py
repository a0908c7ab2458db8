"""Getting a shared data folder: only on request, in a process of its own, that goes on where it broke off."""

from pathlib import Path

import streamlit as st

from pages.components.background import Background
from pages.components.words import plain_text
from socal_core.errors import DataError, RunError
from socal_core.fetch.drive import drive_link

REFRESH_SECONDS = 1.0
DOWNLOAD = Background("download")
FIRST = "Asking for the list of files"


def download_form() -> str | None:
    """The form, or how far the download is; the folder of a download that has ended, when the user wants to open it."""
    if DOWNLOAD.at_work:
        st.fragment(_watch, run_every=REFRESH_SECONDS)()
        return None
    with st.form("download", border=False):
        address = st.text_input(
            "Link to a shared Google Drive folder",
            placeholder="https://drive.google.com/drive/folders/…",
            help="The link that the owner of the data gave you. Only this button connects to the internet.",
        )
        out = st.text_input(
            "Into the folder",
            placeholder="/path/to/SOCAL",
            help="On the computer that runs this app; created if missing.",
        )
        if st.form_submit_button("Download", width="stretch"):
            _start(address.strip(), out.strip())
    return _how_it_ended()


def _how_it_ended() -> str | None:
    progress = DOWNLOAD.read() or {}
    if "error" in progress:
        st.error(f"{plain_text(progress['error'])} Press Download with the same link and folder to continue.")
    elif "frames" in progress:
        st.write(f"{progress['frames']:,} frames were downloaded.")
        for problem in progress["problems"]:
            st.warning(plain_text(problem))
        if progress["frames"] and st.button("Open the downloaded folder", width="stretch"):
            return str(progress["out"])
    elif "text" in progress:
        st.error("The download ended unexpectedly. Press Download with the same link and folder to continue.")
    return None


def _watch() -> None:
    if not DOWNLOAD.at_work:
        st.rerun()
    st.info(plain_text((DOWNLOAD.read() or {}).get("text", FIRST)), icon=":material/cloud_download:")


def _start(address: str, out: str) -> None:
    if not out:
        st.warning("Enter the folder to download into.")
        return
    try:
        drive_link(address)
        folder = Path(out).expanduser().resolve()
    except DataError as error:
        st.error(plain_text(error))
        return
    except (RuntimeError, ValueError, OSError):
        st.error("The folder's name cannot be used. Enter another one.")
        return
    progress_file = str(DOWNLOAD.file("progress.json"))
    arguments = ["socal_core.jobs.fetch_data", address, str(folder), progress_file]
    try:
        DOWNLOAD.start(arguments, {"progress": {"text": FIRST}})
    except RunError:
        st.error("A download that was started in another tab is running already. Wait until it has ended.")
        return
    except OSError as error:
        st.error(f"The download cannot be started: {error.strerror}.")
        return
    st.rerun()
