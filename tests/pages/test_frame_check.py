"""Checking every frame from the Dataset page: a real process, watched, stopped, and its result after a reload."""

import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.components.dataset.frame_check import CHECK
from socal_core.dataset import layout
from socal_core.dataset.dataset import Problem
from socal_core.dataset.inspection import check_frames
from socal_core.dataset.opening import open_dataset
from socal_core.jobs.check_frames import check_every_frame
from socal_core.jobs.job import JobState
from tests.factories import enlarge_frames
from tests.jobs.made_jobs import ask, carry_out_here, running, wait_for
from tests.pages.conftest import OpenPage, as_read, text_of

SOUND = "No problems were found in this folder. Every frame can be read."


def show_problems(app: AppTest) -> AppTest:
    return app.segmented_control(key="view").set_value("Problems").run()


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def rows(app: AppTest) -> list[tuple[str, str, str, str]]:
    """Of the table of problems: severity, file, message and count."""
    table: pd.DataFrame = app.table[0].value.reset_index()
    columns = ["Severity", "File", "What is wrong, and what to do", "Count"]
    return [tuple(as_read(str(value)) for value in row) for row in table[columns].to_numpy()]


def in_table(problems: Sequence[Problem]) -> list[tuple[str, str, str, str]]:
    """Problems as `rows` gives them."""
    return [(problem.severity.value, problem.path, problem.message, f"{problem.count}") for problem in problems]


@pytest.mark.slow
def test_broken_frames_are_listed_also_after_a_reload(open_page: OpenPage, data_folder: Path) -> None:
    images = data_folder / layout.IMAGES_DIR
    cut, foreign = images / "S103T1_frame_00000005.jpeg", images / "S104T1_frame_00000001.jpeg"
    cut.write_bytes(cut.read_bytes()[:400])
    foreign.write_bytes(b"no image")
    Image.new("RGB", (5, 5)).save(images / "S101T1_frame_00000002.jpeg")
    app = press(show_problems(open_page("dataset", data_folder)), "Check every frame")
    assert not app.exception
    assert app.get("progress")
    dataset = open_dataset(data_folder)
    known = in_table(dataset.problems)
    assert [row[0] for row in known] == ["error", "warning"], "a box beyond its frame, frames of several sizes"
    assert rows(app) == known
    assert SOUND not in text_of(app)
    wait_for(CHECK)
    found = in_table(check_frames(dataset))
    assert [row[0] for row in found] == ["error", "error", "warning"]
    expected = sorted([*known, *found], key=lambda row: row[0])
    assert rows(app.run()) == expected
    assert rows(show_problems(open_page("dataset", data_folder))) == expected, "after a reload"


@pytest.mark.slow
def test_frames_that_were_replaced_can_be_checked_again(open_page: OpenPage, data_folder: Path) -> None:
    frame = data_folder / layout.IMAGES_DIR / "S103T1_frame_00000005.jpeg"
    sound = frame.read_bytes()
    frame.write_bytes(b"no image")
    app = press(show_problems(open_page("dataset", data_folder)), "Check every frame")
    wait_for(CHECK)
    assert len(rows(app.run())) == 1
    frame.write_bytes(sound)
    press(app, "Check again")
    wait_for(CHECK)
    assert SOUND in text_of(app.run())


@pytest.mark.slow
def test_two_tabs_watch_one_check_and_either_can_stop_it(open_page: OpenPage, data_folder: Path) -> None:
    enlarge_frames(data_folder)
    first, second = (show_problems(open_page("dataset", data_folder)) for _ in range(2))
    press(first, "Check every frame")
    while CHECK.running and not CHECK.status().done:
        time.sleep(0.01)
    press(second, "Check every frame")  # the button that it showed before
    for tab in (first, second):
        assert not tab.exception
        assert tab.run().get("progress")[0].proto.text.startswith("Opening frames of data: ")
        assert "Check every frame" not in labels(tab)
    press(second, "Stop")
    wait_for(CHECK)
    assert (CHECK.folder / "log").read_text() == "", "one process, and no error"
    assert CHECK.status().state is JobState.STOPPED
    for tab in (first, second):
        assert "The last check was stopped." in text_of(tab.run())
        assert not tab.table
        assert "Check every frame" in labels(tab)


@pytest.mark.slow
def test_a_result_stays_with_the_data_it_was_found_in(
    open_page: OpenPage, data_folder: Path, shared_data_folder: Path
) -> None:
    app = press(show_problems(open_page("dataset", data_folder)), "Check every frame")
    wait_for(CHECK)
    assert SOUND in text_of(app.run())
    (data_folder / layout.IMAGES_DIR / "S104T1_frame_00000001.jpeg").unlink()
    assert SOUND not in text_of(app.run()), "a frame has gone"
    assert SOUND not in text_of(show_problems(open_page("dataset", shared_data_folder)))


def test_a_check_of_another_folder_is_named(open_page: OpenPage, shared_data_folder: Path, tmp_path: Path) -> None:
    with running(CHECK, {"data": str(tmp_path / "clinic_b")}, done=5, total=9):
        app = show_problems(open_page("dataset", shared_data_folder))
        (bar,) = app.get("progress")
        assert as_read(bar.proto.text) == "Opening frames of clinic_b: 5 of 9"
        assert "Check every frame" not in labels(app)


@pytest.mark.slow
def test_a_check_that_died_is_reported_with_its_log(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = press(show_problems(open_page("dataset", shared_data_folder)), "Check every frame")
    wait_for(CHECK)
    ask(CHECK, CHECK.request() or {})
    (CHECK.folder / "end.json").unlink()
    (CHECK.folder / "log").write_text("Killed\n")
    assert "The check of every frame ended unexpectedly." in text_of(app.run())
    assert app.code[0].value == "Killed"
    press(app, "Check every frame")
    wait_for(CHECK)
    assert SOUND in text_of(app.run())


def test_the_job_reports_why_it_failed_without_a_path(tmp_path: Path) -> None:
    request = {"data": str(tmp_path / "gone"), "options": {}}
    ended = carry_out_here(CHECK, check_every_frame, request)
    assert ended["state"] == JobState.FAILED
    assert "gone" in ended["error"] and str(tmp_path) not in ended["error"]
