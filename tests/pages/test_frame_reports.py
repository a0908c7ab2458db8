"""Searches through the frames from the Dataset page: the same footage in several trials, and text burnt into frames."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.dataset.frame_reports import FINDING_FOOTAGE, FINDING_TEXT
from socal_core.dataset.frame_reports import TEXT, read_report, write_report
from socal_core.dataset.opening import open_dataset
from socal_core.errors import SocalError
from socal_core.evaluation import frame_text
from socal_core.jobs import find_text
from socal_core.jobs.job import JobState
from tests.jobs.made_jobs import carry_out_here, running, wait_for
from tests.pages.conftest import OpenPage, as_read, text_of


def open_problems(open_page: OpenPage, folder: Path) -> AppTest:
    return open_page("dataset", folder).segmented_control(key="view").set_value("Problems").run()


@pytest.mark.slow
def test_the_same_footage_is_looked_for(open_page: OpenPage, data_folder: Path) -> None:
    images = data_folder / "JPEGImages"
    for number in range(1, 13):
        source = images / f"S101T1_frame_{number:08d}.jpeg"
        (images / f"S107T2_frame_{number:08d}.jpeg").write_bytes(source.read_bytes())
    app = open_problems(open_page, data_folder)
    assert "Compares all 240 frames" in text_of(app)
    app = app.button(key="start-find-footage").click().run()
    wait_for(FINDING_FOOTAGE)
    app.run()
    assert not app.exception
    assert "1 pair of trials with the same footage (240 frames on" in text_of(app)
    table = next(table.value for table in app.table if "Other trial" in table.value)
    assert table.loc["S101T1", "Other trial"] == "S107T2"
    assert table.loc["S101T1", "Frames"] == "12"


def test_found_text_is_shown_as_plain_text(open_page: OpenPage, shared_data_folder: Path) -> None:
    row = {"trial_id": "S100T1", "box": [1, 2, 3, 4], "confidence": 0.91}
    texts = [{**row, "second": 0.0, "text": "*00:01*"}, {**row, "second": 5.0, "text": "*00:06*"}]
    report = {"texts": texts, "trials": 20, "frames": 60, "unreadable": 2}
    write_report(open_dataset(shared_data_folder).fingerprint, TEXT, report)
    app = open_problems(open_page, shared_data_folder)
    assert not app.exception
    assert "Text was found in 1 of 20 trials (60 frames on" in text_of(app)
    assert "2 could not be read); in 1 it stays at its place or counts" in text_of(app)
    table = next(table.value for table in app.table if "Confidence" in table.value)
    assert [as_read(text) for text in table["Text"]] == ["*00:01*", "*00:06*"]
    assert "*00:01*" not in list(table["Text"]), "its marks would be interpreted"
    assert set(table["Text of the trial"]) == {"clock or other changing numbers"}


def test_without_the_engine_the_page_says_how_to_install_it(
    open_page: OpenPage, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_text, "find_spec", lambda name: None)
    app = open_problems(open_page, shared_data_folder)
    assert app.button(key="start-find-text").disabled
    assert 'pip install "socal-core[ocr]"' in text_of(app)


def test_a_search_in_another_folder_is_named(open_page: OpenPage, shared_data_folder: Path, tmp_path: Path) -> None:
    with running(FINDING_TEXT, {"data": str(tmp_path / "clinic_b")}, done=5, total=9):
        app = open_problems(open_page, shared_data_folder)
        assert app.get("progress")[0].proto.text.replace("\\", "") == "Reading frames of clinic_b: 5 of 9"


def test_the_job_keeps_its_report_or_says_why_not(shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"data": str(shared_data_folder), "options": {}}
    monkeypatch.setattr(find_text, "text_reader", lambda: lambda frame: [("00:01", (1, 2, 3, 4), 0.9)])
    assert carry_out_here(FINDING_TEXT, find_text.find_text, request)["state"] == JobState.DONE
    assert len(read_report(open_dataset(shared_data_folder).fingerprint, TEXT)["texts"]) == 60

    def not_installed() -> None:
        raise SocalError("Looking for text needs rapidocr.")

    monkeypatch.setattr(find_text, "text_reader", not_installed)
    assert carry_out_here(FINDING_TEXT, find_text.find_text, request)["error"] == "Looking for text needs rapidocr."
