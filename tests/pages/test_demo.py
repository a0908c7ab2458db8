"""The first visit, when the demo data set has not been drawn yet."""

import json
import os
from pathlib import Path

import pytest

from socal_core.dataset.opening import open_dataset
from socal_core.jobs.generate_demo import draw
from socal_core.lifecycle.lock import take_lock
from socal_core.workspace import demo_folder
from tests.pages.conftest import OpenPage, text_of


def test_the_worker_draws_the_demo_and_clears_its_progress(workspace: Path) -> None:
    progress = workspace / "demo.progress.json"
    assert draw(demo_folder(), progress, surgeons=4)
    assert len(open_dataset(demo_folder()).trials) >= 8
    assert not progress.exists()


def test_the_worker_says_why_it_cannot(workspace: Path) -> None:
    progress = workspace / "demo.progress.json"
    demo_folder().write_text("in the way")
    assert not draw(demo_folder(), progress, surgeons=4)
    error = json.loads(progress.read_text())["error"]
    assert error
    assert str(workspace) not in error


@pytest.fixture
def drawing(workspace: Path):
    """Somebody else's drawing of the demo is under way."""
    lock = take_lock(workspace / "demo.lock", "demo")
    (workspace / "demo.progress.json").write_text('{"done": 20, "total": 80}')
    yield
    os.close(lock)


@pytest.mark.parametrize("name", ["app", "dataset", "training", "evaluation", "trial_viewer"])
def test_a_second_tab_looks_on(open_page: OpenPage, drawing: None, name: str) -> None:
    app = open_page(name)
    assert not app.exception
    assert [bar.proto.text for bar in app.get("progress")] == ["Generating the demo data set: 25%"]


def test_a_drawing_that_failed_is_not_repeated_unasked(open_page: OpenPage, workspace: Path) -> None:
    (workspace / "demo.progress.json").write_text('{"error": "The disk is full."}')
    app = open_page("dataset")
    assert "The disk is full." in text_of(app)
    assert [button.label for button in app.main.button] == ["Generate the demo again"]


def test_another_folder_can_be_opened_meanwhile(open_page: OpenPage, drawing: None, shared_data_folder: Path) -> None:
    app = open_page("dataset")
    app.text_input[0].input(str(shared_data_folder))
    next(button for button in app.button if button.label == "Open folder").click().run()
    assert not app.get("progress")
    assert any(tile.label == "Trials" for tile in app.metric)
