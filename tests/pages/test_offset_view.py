"""Advice on the numbering of refused annotation files, on the Dataset page: a real process and its result."""

from pathlib import Path

import pytest

from pages.components.dataset.offset_view import ADVICE
from socal_core.jobs.advise_offsets import advise_offsets
from socal_core.jobs.job import JobState
from tests.annotations.test_offset_advice import name_of, write_mot, write_trial
from tests.jobs.made_jobs import carry_out_here, wait_for
from tests.pages.conftest import OpenPage, text_of
from tests.pages.test_dataset import press, show


@pytest.mark.slow
def test_advice_is_shown_after_a_search_and_a_reload(open_page: OpenPage, tmp_path: Path) -> None:
    boxes = write_trial(tmp_path / "data")
    write_mot(tmp_path / "data", boxes, 2)
    app = show(open_page("dataset", tmp_path / "data"), "Problems")
    assert "One annotation file was refused because of the numbers of the frames." in text_of(app)
    assert "seems to be of frame" not in text_of(app)
    press(app, "Look at the frames")
    wait_for(ADVICE)
    told = f"S102T1/gt/gt.txt: the box in line 1 seems to be of frame {name_of(1)}"
    assert told in text_of(app.run())
    assert told in text_of(show(open_page("dataset", tmp_path / "data"), "Problems"))
    write_mot(tmp_path / "data", boxes[::-1], 2)
    app = show(open_page("dataset", tmp_path / "data"), "Problems")
    assert "seems to be of frame" not in text_of(app), "the file has changed"
    press(app, "Look at the frames")
    wait_for(ADVICE)
    assert "No numbering is clearly better than the others: S102T1/gt/gt.txt." in text_of(app.run())


def test_without_a_refused_file_there_is_no_button(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = show(open_page("dataset", shared_data_folder), "Problems")
    assert "Look at the frames" not in [button.label for button in app.button]


def test_the_job_reports_why_it_failed_without_a_path(tmp_path: Path) -> None:
    ended = carry_out_here(ADVICE, advise_offsets, {"data": str(tmp_path / "gone"), "options": {}})
    assert ended["state"] == JobState.FAILED
    assert "gone" in ended["error"] and str(tmp_path) not in ended["error"]
