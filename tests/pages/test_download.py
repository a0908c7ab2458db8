"""The download form: it connects to nothing by itself, and shows how a download ended."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.sidebar.download import DOWNLOAD
from socal_core.jobs.fetch_data import fetch_data
from socal_core.jobs.job import JobState
from tests.jobs import made_jobs
from tests.pages.conftest import OpenPage, text_of


def ask(app: AppTest, address: str, out: str) -> AppTest:
    next(box for box in app.sidebar.text_input if box.label.startswith("Link to a shared")).set_value(address)
    next(box for box in app.sidebar.text_input if box.label == "Download to folder").set_value(out)
    return next(button for button in app.sidebar.button if button.label == "Download").click().run()


@pytest.mark.parametrize("address", ["", "http://drive.google.com/drive/folders/x", "https://example.org/x", "/etc"])
def test_an_address_that_is_no_drive_link_is_refused(
    open_page: OpenPage, shared_data_folder: Path, tmp_path: Path, address: str
) -> None:
    app = ask(open_page("dataset", shared_data_folder), address, str(tmp_path / "out"))
    assert not app.exception
    assert app.sidebar.error
    assert not (tmp_path / "out").exists()
    assert DOWNLOAD.status().state is JobState.IDLE, "no process was started"


def test_a_folder_has_to_be_named(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = ask(open_page("dataset", shared_data_folder), "https://drive.google.com/drive/folders/abcdefghijk", "")
    assert "Enter the folder" in app.sidebar.warning[0].value
    assert DOWNLOAD.status().state is JobState.IDLE


def test_a_download_under_way_is_shown_in_every_tab_and_can_be_stopped(
    open_page: OpenPage, shared_data_folder: Path
) -> None:
    with made_jobs.running(DOWNLOAD, what="Fetching socal.csv"):
        app = open_page("dataset", shared_data_folder)
        assert "Fetching socal.csv" in text_of(app)
        next(button for button in app.sidebar.button if button.label == "Stop").click().run()
        assert DOWNLOAD.status().stopping
        assert next(button for button in app.sidebar.button if button.label == "Stopping").disabled
    made_jobs.end(DOWNLOAD, JobState.STOPPED)
    assert "The download was stopped. To continue, click Download" in text_of(app.run())


def test_what_arrived_can_be_opened(open_page: OpenPage, shared_data_folder: Path, data_folder: Path) -> None:
    problems = ["socal.csv did not arrive."]
    made_jobs.end(DOWNLOAD, JobState.DONE, frames=240, problems=problems, out=str(data_folder))
    app = open_page("dataset", shared_data_folder)
    assert "240 frames were downloaded." in text_of(app)
    assert "socal.csv did not arrive." in text_of(app)
    next(button for button in app.button if button.label == "Open the downloaded folder").click().run()
    assert app.session_state["data_folder"] == str(data_folder)


def test_a_killed_job_is_reported(open_page: OpenPage, shared_data_folder: Path) -> None:
    made_jobs.ask(DOWNLOAD, {})
    assert "The download ended unexpectedly. To continue, click Download" in text_of(
        open_page("dataset", shared_data_folder)
    )


def test_the_job_leaves_its_error_for_the_page(open_page: OpenPage, shared_data_folder: Path, tmp_path: Path) -> None:
    request = {"address": "https://example.org/x", "out": str(tmp_path / "out")}
    error = made_jobs.carry_out_here(DOWNLOAD, fetch_data, request)["error"]
    assert error
    assert error in text_of(open_page("dataset", shared_data_folder))
