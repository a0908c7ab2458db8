"""The strip of what the model sees, on the Training page."""

import base64
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.components.training.strip import RENDERING
from socal_core.clips.strip import GAP
from socal_core.dataset.table_cache import KEPT
from socal_core.jobs.harness import carry_out
from socal_core.jobs.job import JobState
from socal_core.jobs.render_strip import render_strip
from socal_core.settings import PRETRAINED, TINY
from tests.factories import write_outcomes
from tests.jobs.made_jobs import carry_out_here, running, wait_for
from tests.models.checkpoints import write_classifier
from tests.pages.conftest import PROJECT, OpenPage, as_read, fine_tuning, text_of

Ask = Callable[..., dict[str, Any]]

TITLES = ["Validation and test", *(f"Training, epoch {epoch}" for epoch in (1, 2, 3))]


def show(app: AppTest) -> AppTest:
    return next(toggle for toggle in app.toggle if toggle.key == "strip-on").set_value(True).run()


def setting(app: AppTest, name: str) -> Any:
    return next(widget for widget in app.sidebar.number_input if widget.key == f"setting-{name}")


def choose(app: AppTest, trial_id: str) -> AppTest:
    return next(box for box in app.selectbox if box.key == "strip-trial").set_value(trial_id).run()


def trials(app: AppTest) -> list[str]:
    return next(box for box in app.selectbox if box.key == "strip-trial").options


def pictures(app: AppTest) -> list[str]:
    """The address of each picture, which goes by its content."""
    return [image.url for element in app.get("image") for image in element.proto.imgs]


@pytest.fixture
def at_work() -> Iterator[None]:
    """Another strip is being rendered, so no process is started."""
    with running(RENDERING):
        yield


def test_nothing_is_rendered_without_a_request(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    assert not pictures(app)
    assert RENDERING.request() is None


@pytest.fixture
def no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """After the call, every rendering process ends at its first import, without a result."""

    def no_process() -> None:
        (tmp_path / "torch.py").write_text("raise SystemExit('no memory')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return no_process


@pytest.mark.slow
def test_a_process_renders_the_strip_and_changed_settings_another(
    open_page: OpenPage, shared_data_folder: Path, no_process: Callable[[], None]
) -> None:
    app = show(fine_tuning(open_page("training", shared_data_folder)))
    assert not app.exception
    first = trials(app)[0]
    assert f"Trial {first}** is being prepared" in text_of(app)
    wait_for(RENDERING)
    app.run()
    drawn = pictures(app)
    assert len(drawn) == len(TITLES)
    assert all(f"**{title}**" in text_of(app) for title in TITLES)
    assert "8 of the 16 frames of a clip, at the input size of the model, 96x96 pixels" in text_of(app)
    for name, value in [("learning_rate", 1e-3), ("batch_size", 2), ("dropout_rate", 0.5), ("num_workers", 0)]:
        setting(app, name).set_value(value).run()
        assert pictures(app) == drawn, f"{name} has no part in it"
    no_process()
    setting(app, "rotation_degrees").set_value(20.0).run()
    assert f"Trial {first}** is being prepared" in text_of(app)
    assert f"Until then, trial {first} with the previous settings" in text_of(app)
    assert pictures(app) == drawn, "the old strip stays"
    wait_for(RENDERING)
    # Here: a second process would have to load PyTorch again.
    assert carry_out(render_strip, RENDERING.folder) is JobState.DONE
    app.run()
    assert "Until then" not in text_of(app)
    assert "rotated by" in text_of(app)
    assert pictures(app)[0] == drawn[0]
    assert not set(pictures(app)[1:]) & set(drawn)
    assert not app.exception
    with running(RENDERING):  # from here on nothing is drawn
        setting(app, "rotation_degrees").set_value(0.0).run()
        assert pictures(app) == drawn, "a strip that was drawn before is there at once"
        for name, value in [("color_jitter", 0.5), ("num_frames", 8), ("seed", 1), ("mixup", 0.8)]:
            before = setting(app, name).value
            setting(app, name).set_value(value).run()
            assert "is being prepared" in text_of(app), f"the strip depends on {name}"
            setting(app, name).set_value(before).run()
            assert "is being prepared" not in text_of(app)
        changed = shared_data_folder / "JPEGImages" / f"{first}_frame_00000002.jpeg"
        times = changed.stat()
        os.utime(changed, (1, 1))
        assert "is being prepared" in text_of(app.run()), "a frame has changed"
        os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_another_trial_is_shown_below_its_own_name(
    open_page: OpenPage, shared_data_folder: Path, at_work: None
) -> None:
    app = show(open_page("training", shared_data_folder))
    chosen = trials(app)[-1]
    choose(app, chosen)
    assert f"Trial {chosen}** is being prepared" in text_of(app)
    setting(app, "test_fraction").set_value(0.7).run()
    assert not app.exception
    left = next(box for box in app.selectbox if box.key == "strip-trial")
    assert chosen not in left.options, "the split has moved it to another subset"
    assert left.value in left.options
    assert f"Trial {left.value}** is being prepared" in text_of(app)


def test_a_window_without_frames_is_reported_without_a_process(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    next(box for box in app.sidebar.radio if box.key == "setting-window_choice").set_value("other").run()
    next(box for box in app.sidebar.number_input if box.label == "To second").set_value(160)
    next(box for box in app.sidebar.number_input if box.label == "From second").set_value(100).run()
    app = show(app)
    assert not app.exception
    assert any("no frame in the window (seconds 100 to 160)" in as_read(warning.value) for warning in app.main.warning)
    assert RENDERING.request() is None


@pytest.mark.slow
def test_a_process_that_dies_is_reported_and_not_restarted_without_a_request(
    open_page: OpenPage, shared_data_folder: Path, no_process: Callable[[], None]
) -> None:
    no_process()
    app = show(open_page("training", shared_data_folder))
    for _ in range(2):
        assert "is being prepared" in text_of(app)
        wait_for(RENDERING)
        for _ in range(2):
            app.run()
            assert [error.value for error in app.main.error] == ["Preparing these frames ended unexpectedly."]
            assert not pictures(app)
        next(button for button in app.button if button.label == "Try again").click().run()
    wait_for(RENDERING)
    assert (RENDERING.folder / "log").read_text().count("no memory") == 3


@pytest.fixture
def ask(workspace: Path) -> Ask:
    """Let the job render a strip, and return its result."""

    def ask(data: Path, number: int = 0, **settings: Any) -> dict[str, Any]:
        out = workspace / "strips" / f"{number}.json"
        out.parent.mkdir(exist_ok=True)
        request = {"data": str(data), "options": {}, "trial_id": "S101T1", "trained": ["S101T1", "S102T1"]}
        known = {"model": TINY, "recipe": "finetune", "num_frames": 4, "allow_download": False, **settings}
        ended = carry_out_here(RENDERING, render_strip, {**request, "settings": known, "out": str(out)})
        result = json.loads(out.read_text())
        assert ended["error"] == result.get("error", "")
        return dict(result)

    return ask


def test_the_worker_leaves_rows_as_pictures(ask: Ask, shared_data_folder: Path) -> None:
    result = ask(shared_data_folder, mixup=0.8)
    assert [row["title"] for row in result["rows"][:-1]] == TITLES
    assert "S102T1" in result["rows"][-1]["text"]
    for row in result["rows"]:
        with Image.open(io.BytesIO(base64.b64decode(row["png"]))) as picture:
            assert picture.size == (4 * 2 * 96 + 3 * GAP, 2 * 96)
    assert (result["shown"], result["num_frames"], result["size"], result["notes"]) == (4, 4, "96x96", [])


@pytest.mark.slow
def test_the_note_about_the_head_is_for_the_target_of_the_run(ask: Ask, data_folder: Path, tmp_path: Path) -> None:
    write_outcomes(data_folder, blood_loss=[str(100 + trial) for trial in range(20)])
    write_classifier(tmp_path / "model", id2label={"0": "failure", "1": "success"}, label2id=None)
    ((note,), (other,)) = (
        ask(data_folder, number, model=str(tmp_path / "model"), target=target)["notes"]
        for number, target in enumerate(("success", "blood_loss"))
    )
    assert "trained classifier for success and failure is used" in note
    assert "its head (failure, success) is not used" in other


@pytest.mark.slow
def test_a_missing_model_is_reported_and_replaced(ask: Ask, shared_data_folder: Path) -> None:
    result = ask(shared_data_folder, model=PRETRAINED, num_frames=2)
    assert result["size"] == "224x224"
    assert f"{PRETRAINED} is not on this machine" in result["notes"][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "settings", "message"),
    [
        ("frames", {}, "S101T1: 4 of the clip's 4 frames cannot be read"),
        ("folder", {}, "data"),
        ("none", {"window": "100:160"}, "S101T1: no frame in the window"),
        ("none", {"num_frames": 3}, "num_frames: must be even"),
    ],
)
def test_the_worker_reports_what_is_wrong(
    ask: Ask, data_folder: Path, spoil: str, settings: dict[str, Any], message: str
) -> None:
    if spoil == "frames":
        for frame in (data_folder / "JPEGImages").glob("S101T1_*"):
            frame.write_bytes(b"broken")
    elif spoil == "folder":
        shutil.rmtree(data_folder)
    error = ask(data_folder, **settings)["error"]
    assert message in error
    assert str(data_folder) not in error


@pytest.mark.slow
def test_only_the_newest_strips_are_kept(ask: Ask, shared_data_folder: Path, workspace: Path) -> None:
    for number in range(KEPT + 2):
        ask(shared_data_folder, number, window="100:160")
    kept = {int(file.stem) for file in (workspace / "strips").glob("*.json")}
    assert kept == set(range(2, KEPT + 2))


@pytest.mark.slow
def test_the_page_loads_no_torch() -> None:
    code = (
        "import sys, pages.components.training.strip; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert result.stdout.strip() == "[]"
