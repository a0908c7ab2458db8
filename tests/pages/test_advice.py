"""Advice and cost on the Training page, before the start of a run."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from socal_core.dataset import layout
from socal_core.storage import write_json
from socal_core.workspace import runs_root
from tests.factories import write_dataset
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, fine_tuning, metrics_of, text_of
from tests.pages.test_training import button, setting

FEWEST = "1 more of this kind"


def cost_line(app: AppTest) -> str:
    return next(item.value for item in app.markdown if "for checkpoints" in item.value)


def test_the_cost_stands_before_the_start(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    line = cost_line(app)
    assert "for up to 40 epochs on this machine" in line
    assert "**1.0 GB** of memory, **107 MB** of disk space for checkpoints" in line
    tiles = metrics_of(app)
    assert (tiles["Trained weights"], tiles["Tokens per clip"], tiles["Work per clip"]) == ("3.0 M", "288", "6 GFLOP")
    assert "An epoch has 12 training and 8 validation clips. The speed is that of a typical" in text_of(app)
    assert not button(app, "Start training").disabled


def test_the_cost_follows_settings_and_earlier_runs(open_page: OpenPage, shared_data_folder: Path) -> None:
    """Runs of 2.5 s an epoch on 12 training and 4 validation trials."""
    run = write_run(runs_root() / "run-1", shared_data_folder)
    write_json(run.environment_file, {"device": "cpu"})
    app = fine_tuning(open_page("training", shared_data_folder))
    assert "newest run of this model" in text_of(app)
    assert "About **2 min** for up to 40 epochs" in cost_line(app)
    setting(app, "num_epochs").set_value(1).run()
    assert "for one epoch" in cost_line(app)
    setting(app, "num_frames").set_value(8).run()
    assert "that of a typical" in text_of(app)


def test_advice_comes_and_goes_with_the_settings(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    assert "SGD at" not in text_of(app)
    setting(app, "optimizer").set_value("SGD").run()
    shown = [warning.value for warning in app.warning]
    assert any("SGD at 0.0001 learns almost nothing" in text for text in shown)
    assert not button(app, "Start training").disabled
    setting(app, "optimizer").set_value("AdamW").run()
    assert "SGD at" not in text_of(app)


def test_what_is_more_than_three_opens_by_a_click(open_page: OpenPage, shared_data_folder: Path) -> None:
    """Of the data: 12 frames for clips of 16, and four trials each for validation and test."""
    app = fine_tuning(open_page("training", shared_data_folder))
    assert "more of this kind" not in str([item.label for item in app.main.expander])
    setting(app, "crop_area").set_value(0.1).run()
    (box,) = [item for item in app.main.expander if "more of this kind" in item.label]
    assert box.label == FEWEST
    assert "The test subset" in box.markdown[0].value
    assert not app.exception


@pytest.mark.parametrize(("fault", "words"), [("alike", "there is nothing to learn"), ("late", "No training trial")])
def test_what_cannot_train_cannot_be_started(open_page: OpenPage, tmp_path: Path, fault: str, words: str) -> None:
    data = write_dataset(tmp_path / "data", surgeons=6)
    if fault == "alike":
        outcomes = data / layout.OUTCOMES_FILE
        header, *rows = outcomes.read_text().splitlines()
        place = layout.OUTCOME_COLUMNS.index("success")
        rows = [",".join([*row.split(",")[:place], "1", *row.split(",")[place + 1 :]]) for row in rows]
        outcomes.write_text("\n".join([header, *rows]) + "\n")
    app = open_page("training", data)
    if fault == "late":
        setting(app, "window_choice").set_value("other").run()
        setting(app, "From second").set_value(40).run()
    assert any(words in error.value for error in app.error), text_of(app)
    assert button(app, "Start training").disabled
    assert not any("for checkpoints" in item.value for item in app.markdown)
