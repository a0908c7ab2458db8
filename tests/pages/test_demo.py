"""The first visit, when the demo data set has not been generated yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from pages.components.sidebar.demo import FRAMES_SHOWN, GENERATION
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.demo.preview import simulated_frames, simulated_trials
from socal_core.jobs.generate_demo import generate_demo
from socal_core.jobs.job import JobState
from socal_core.workspace import demo_folder
from tests.jobs.made_jobs import ask, carry_out_here, end, running
from tests.pages.conftest import OpenPage, text_of


@pytest.mark.slow
def test_the_job_generates_the_demo() -> None:
    ended = carry_out_here(GENERATION, generate_demo, {"out": str(demo_folder()), "surgeons": 4})
    assert ended["state"] == JobState.DONE
    written = open_dataset(demo_folder()).usable_trials
    known = simulated_trials(surgeons=4)
    assert_frame_equal(written[known.columns], known, check_dtype=False, check_index_type=False)
    trial_id, frames = simulated_frames(surgeons=4, count=3)
    names = open_dataset(demo_folder()).frames_of(trial_id).set_index("second")["frame"]
    assert list(frames) == [0, len(names) // 2, len(names) - 1]
    for second, frame in frames.items():
        assert (demo_folder() / layout.IMAGES_DIR / names[second]).read_bytes() == frame


def test_the_job_reports_why_it_failed(workspace: Path) -> None:
    demo_folder().write_text("in the way")
    ended = carry_out_here(GENERATION, generate_demo, {"out": str(demo_folder()), "surgeons": 4})
    assert ended["state"] == JobState.FAILED
    assert ended["error"].startswith("The demo data set exists")
    assert str(workspace) not in ended["error"]


@pytest.fixture
def drawing() -> Iterator[None]:
    """Somebody else's generation of the demo is under way."""
    with running(GENERATION, done=20, total=80):
        yield


@pytest.mark.parametrize("name", ["app", "dataset", "training", "evaluation", "trial_viewer"])
def test_a_second_tab_looks_on(open_page: OpenPage, drawing: None, name: str) -> None:
    app = open_page(name)
    assert not app.exception
    assert [bar.proto.text for bar in app.get("progress")] == ["Generating the demo data set: 25%"]
    assert len(app.get("plotly_chart")) == 2  # outcomes and lengths, which are known before the frames
    assert len(app.get("image")) == FRAMES_SHOWN


def test_a_generation_that_failed_is_not_repeated_unasked(open_page: OpenPage) -> None:
    end(GENERATION, JobState.FAILED, error="The disk is full.")
    app = open_page("dataset")
    assert "The disk is full." in text_of(app)
    assert [button.label for button in app.main.button] == ["Generate the demo again"]


def test_a_generation_that_died_is_not_repeated_unasked(open_page: OpenPage) -> None:
    ask(GENERATION, {})
    (GENERATION.folder / "log").write_text("MemoryError\n")
    app = open_page("dataset")
    assert "Generating the demo data set ended unexpectedly." in text_of(app)
    assert [code.value for code in app.main.code] == ["MemoryError"]
    assert [button.label for button in app.main.button] == ["Generate the demo again"]


def test_another_folder_can_be_opened_meanwhile(open_page: OpenPage, drawing: None, shared_data_folder: Path) -> None:
    app = open_page("dataset")
    app.text_input[0].input(str(shared_data_folder))
    next(button for button in app.button if button.label == "Open folder").click().run()
    assert not app.get("progress")
    assert any(tile.label == "Trials" for tile in app.metric)
