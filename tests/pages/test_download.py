"""The download form: asks nothing of the internet by itself, and tells how a download went."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from socal_core.jobs.fetch_data import fetch
from socal_core.lifecycle.lock import take_lock
from socal_core.storage import write_json
from tests.pages.conftest import OpenPage, text_of


def ask(app: AppTest, address: str, out: str) -> AppTest:
    next(box for box in app.sidebar.text_input if box.label.startswith("Link to a shared")).set_value(address)
    next(box for box in app.sidebar.text_input if box.label == "Into the folder").set_value(out)
    return next(button for button in app.sidebar.button if button.label == "Download").click().run()


@pytest.mark.parametrize("address", ["", "http://drive.google.com/drive/folders/x", "https://example.org/x", "/etc"])
def test_an_address_that_is_no_drive_link_is_refused(
    open_page: OpenPage, shared_data_folder: Path, tmp_path: Path, workspace: Path, address: str
) -> None:
    app = ask(open_page("dataset", shared_data_folder), address, str(tmp_path / "out"))
    assert not app.exception
    assert app.sidebar.error
    assert not (tmp_path / "out").exists()
    assert not (workspace / "download.log").exists(), "no process was started"


def test_a_folder_has_to_be_named(open_page: OpenPage, shared_data_folder: Path, workspace: Path) -> None:
    app = ask(open_page("dataset", shared_data_folder), "https://drive.google.com/drive/folders/abcdefghijk", "")
    assert "Enter the folder" in app.sidebar.warning[0].value
    assert not (workspace / "download.log").exists()


def test_a_download_under_way_is_shown_in_every_tab(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path
) -> None:
    lock = take_lock(workspace / "download.lock", "download")
    write_json(workspace / "download.progress.json", {"text": "Fetching socal.csv"})
    assert lock
    assert "Fetching socal.csv" in text_of(open_page("dataset", shared_data_folder))


def test_what_arrived_can_be_opened(
    open_page: OpenPage, shared_data_folder: Path, data_folder: Path, workspace: Path
) -> None:
    progress = {"frames": 240, "problems": ["socal.csv did not arrive."], "out": str(data_folder)}
    write_json(workspace / "download.progress.json", progress)
    app = open_page("dataset", shared_data_folder)
    assert "240 frames were downloaded." in text_of(app)
    assert "socal.csv did not arrive." in text_of(app)
    next(button for button in app.button if button.label == "Open the downloaded folder").click().run()
    assert app.session_state["data_folder"] == str(data_folder)


def test_a_worker_that_was_killed_is_told(open_page: OpenPage, shared_data_folder: Path, workspace: Path) -> None:
    write_json(workspace / "download.progress.json", {"text": "Fetching frames.zip"})
    assert "ended unexpectedly" in text_of(open_page("dataset", shared_data_folder))


def test_the_worker_leaves_its_error_for_the_page(tmp_path: Path) -> None:
    assert not fetch("https://example.org/x", tmp_path / "out", tmp_path / "progress.json")
    assert "error" in (tmp_path / "progress.json").read_text()
