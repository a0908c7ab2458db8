"""What every page has: menu, data set, messages instead of tracebacks."""

import subprocess
import sys
from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.demo.write import write_demo
from socal_core.lifecycle.state import RunState
from socal_core.workspace import demo_folder, remembered_data_folder, runs_root
from tests.factories import write_dataset
from tests.made_runs import write_run
from tests.pages.conftest import PROJECT, OpenPage, as_read, metrics_of, text_of

PAGES = ("app", "dataset", "training", "evaluation", "trial_viewer")
MENU = ["Overview", "Dataset", "Training", "Evaluation", "Trial viewer", "Guide"]


def links(app) -> list[str]:
    return [link.proto.label for link in app.sidebar.get("page_link")]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_our_menu(open_page: OpenPage, shared_data_folder: Path, name: str) -> None:
    app = open_page(name, shared_data_folder)
    assert not app.exception
    assert not app.error
    assert links(app) == MENU
    assert any(f"**{shared_data_folder.name}**" in text.value for text in app.sidebar.markdown)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_runs_in_every_state(open_page: OpenPage, shared_data_folder: Path, name: str) -> None:
    for state in RunState:
        write_run(runs_root() / f"run-{state}", shared_data_folder, state)
    (runs_root() / "run-broken").mkdir()
    (runs_root() / "run-broken" / "config.json").write_text("{")
    app = open_page(name, shared_data_folder)
    assert not app.exception
    assert links(app) == MENU


def no_folder(path: Path) -> None:
    """Nothing is there."""


def empty_folder(path: Path) -> None:
    path.mkdir()


def a_file(path: Path) -> None:
    path.write_text("no folder")


def no_frames(path: Path) -> None:
    write_dataset(path, surgeons=1, frames=1)
    for image in (path / layout.IMAGES_DIR).iterdir():
        image.unlink()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("make", [no_folder, empty_folder, a_file, no_frames])
def test_a_folder_that_cannot_be_used_is_named_and_the_rest_works(
    open_page: OpenPage, tmp_path: Path, name: str, make
) -> None:
    folder = tmp_path / "given"
    make(folder)
    app = open_page(name, folder)
    assert not app.exception
    assert any(str(folder) in as_read(error.value) for error in app.error)
    assert str(PROJECT) not in text_of(app)
    assert links(app) == MENU
    assert app.button(key="demo-instead").label == "Use the demo data set"


def no_outcomes(path: Path) -> None:
    (path / layout.OUTCOMES_FILE).unlink()


def broken_outcomes(path: Path) -> None:
    (path / layout.OUTCOMES_FILE).write_bytes(b"trial_id,trial_id,success\nS100T1,S100T1,maybe\n\xff\xfe,,\n")


def no_boxes(path: Path) -> None:
    (path / layout.BOXES_FILE).unlink()


def unreadable_frames(path: Path) -> None:
    for image in (path / layout.IMAGES_DIR).iterdir():
        image.write_bytes(b"no image")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("damage", [no_outcomes, broken_outcomes, no_boxes, unreadable_frames])
def test_a_damaged_folder_never_ends_in_a_traceback(open_page: OpenPage, data_folder: Path, name: str, damage) -> None:
    damage(data_folder)
    app = open_page(name, data_folder)
    assert not app.exception
    assert str(PROJECT) not in text_of(app)


def type_folder(app, folder: Path | str) -> None:
    app.text_input[0].input(str(folder))
    next(button for button in app.button if button.label == "Open folder").click().run()


@pytest.mark.slow
def test_another_folder_is_opened_and_remembered(open_page: OpenPage, data_folder: Path, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "other", surgeons=4)
    app = open_page("dataset", data_folder)
    assert metrics_of(app)["Trials"] == "20"
    type_folder(app, other)
    assert metrics_of(app)["Trials"] == "8"
    assert remembered_data_folder(str(data_folder)) == str(other)
    assert metrics_of(open_page("app", data_folder))["Trials"] == "8"


def test_a_folder_that_does_not_open_leaves_the_one_in_use(open_page: OpenPage, data_folder: Path) -> None:
    app = open_page("dataset", data_folder)
    type_folder(app, data_folder / "nowhere")
    assert any("nowhere" in error.value for error in app.sidebar.error)
    assert metrics_of(app)["Trials"] == "20"
    assert remembered_data_folder(str(data_folder)) == str(data_folder)


@pytest.mark.parametrize("typed", ["", "   ", "~nobody-of-this-name/data", "nul\0"])
def test_odd_folders_are_answered(open_page: OpenPage, shared_data_folder: Path, typed: str) -> None:
    app = open_page("dataset", shared_data_folder)
    type_folder(app, typed)
    assert not app.exception
    assert len(app.sidebar.error) + len(app.sidebar.warning) == 1


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PAGES)
def test_an_error_in_the_sidebar_leaves_the_page(
    open_page: OpenPage, shared_data_folder: Path, data_folder: Path, workspace: Path, name: str
) -> None:
    app = open_page(name, shared_data_folder)
    (workspace / "settings.json").mkdir()  # the choice cannot be stored
    type_folder(app, data_folder)
    assert not app.exception
    assert len(app.error) == 1
    assert as_read(app.error[0].value).startswith("The app cannot write to its own folder")
    assert links(app) == MENU


def test_a_change_on_disk_is_seen(open_page: OpenPage, data_folder: Path) -> None:
    app = open_page("dataset", data_folder)
    assert not app.main.error
    with (data_folder / layout.BOXES_FILE).open("a") as file:
        file.write("S100T1_frame_00000001.jpeg,5,5,6,6,drill\n")
    before = int(metrics_of(app)["Boxes"].replace(",", ""))
    assert int(metrics_of(app.run())["Boxes"].replace(",", "")) == before + 1


@pytest.mark.slow
def test_the_demo_is_called_synthetic_and_shows_no_path(open_page: OpenPage) -> None:
    write_demo(demo_folder(), surgeons=4)
    app = open_page("dataset")
    assert not app.exception
    assert "synthetic" in text_of(app)
    assert str(demo_folder().parent) not in text_of(app)


@pytest.mark.slow
def test_pages_that_only_look_load_no_torch(shared_data_folder: Path, tmp_path: Path) -> None:
    """In a separate process, where no other test has loaded it."""
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
sys.argv = ["app.py", {str(shared_data_folder)!r}]
app = AppTest.from_file({str(PROJECT / "app.py")!r}, default_timeout=60).run()
for page in {PAGES[1:]!r}:
    app.switch_page(f"pages/{{page}}.py").run()
    assert not app.exception, page
    assert "torch" not in sys.modules, page
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
