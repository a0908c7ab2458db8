"""The clip cache on the Training page: what a run needs, filling it ahead of the run, removal."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.components.training.clip_cache import FILLING, needed_by
from pages.components.words import size_text
from socal_core.clips.clip_cache import LIMIT_VARIABLE, list_stores
from socal_core.clips.fill import CacheStatus, all_frames, stamp_of_frame
from socal_core.clips.store import FrameStore
from socal_core.dataset.opening import open_dataset
from socal_core.jobs.fill_cache import fill_cache
from socal_core.jobs.harness import carry_out
from socal_core.jobs.job import JobState
from socal_core.settings import TINY, TrainConfig
from tests.jobs.made_jobs import ask, carry_out_here, end, running, wait_for
from tests.pages.conftest import PROJECT, OpenPage, as_read, fine_tuning, metrics_of, text_of
from tests.pages.test_training import button, setting

SHAPE = (3, 96, 96)
FRAME_BYTES = 3 * 96**2
TRIALS, FRAMES = 20, 12
"""Number in the data folder that the tests use."""


def keep_frames(data: Path, trials: int, scaled: bool = False, shape: tuple[int, int, int] = SHAPE) -> FrameStore:
    """A store that holds all frames of the first trials."""
    dataset = open_dataset(data)
    store = FrameStore(data, {"scaled": scaled}, shape)
    with store.in_use():
        for trial, places in all_frames(dataset)[:trials]:
            for place in places:
                stamp = stamp_of_frame(dataset, trial.frames[place])
                store.write(trial, place, np.full(shape, place, np.uint8), stamp)
    return store


def open_cache(open_page: OpenPage, data: Path) -> AppTest:
    app = fine_tuning(open_page("training", data))
    return next(toggle for toggle in app.main.toggle if toggle.label == "Clip cache").set_value(True).run()


def fill_here(data: Path, **settings: object) -> dict[str, Any]:
    """Fill for a run with these settings in this process; returns how it ended."""
    return carry_out_here(
        FILLING, fill_cache, {"config": {"model": TINY, **settings}, "data": str(data), "data_options": {}}
    )


def need_of(folder: Path, **settings: object) -> CacheStatus:
    return needed_by(open_dataset(folder), TrainConfig.from_flat({"model": TINY, **settings}), list_stores())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "frames"),
    [
        ({}, TRIALS * FRAMES),
        ({"num_frames": 4}, TRIALS * 4),
        ({"num_frames": 4, "window": "0:2"}, TRIALS * 2),
        # 12 trials train, and may draw any frame of the window; the others' clips are fixed.
        ({"num_frames": 4, "sampling": "segments"}, 12 * FRAMES + 8 * 4),
    ],
)
def test_what_a_run_needs(shared_data_folder: Path, settings: dict[str, object], frames: int) -> None:
    need = need_of(shared_data_folder, **settings)
    assert (need.frames, need.of_frames, need.estimated_bytes) == (0, frames, frames * FRAME_BYTES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "frames"),
    [
        ({}, 3 * FRAMES),
        ({"scaled": True}, 0),
        ({"shape": (3, 32, 32)}, 0),
    ],
    ids=["the run's", "scaled decoding", "another size"],
)
def test_only_what_fits_the_run_counts_as_kept(shared_data_folder: Path, store: dict[str, object], frames: int) -> None:
    keep_frames(shared_data_folder, 3, **store)
    assert need_of(shared_data_folder).frames == frames


def test_a_file_that_changed_is_not_kept(data_folder: Path) -> None:
    keep_frames(data_folder, 3)
    frame = data_folder / "JPEGImages" / "S100T1_frame_00000001.jpeg"
    os.utime(frame, ns=(1, 1))
    assert need_of(data_folder).frames == 3 * FRAMES - 1


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 GB"), (12_300, "12 kB"), (7_654_321, "7.7 MB"), (4.73e9, "4.7 GB"), (20e9, "20 GB")]
)
def test_sizes_in_words(size: float, words: str) -> None:
    assert size_text(size) == words


@pytest.mark.slow
def test_closed_it_is_a_line(open_page: OpenPage, shared_data_folder: Path) -> None:
    keep_frames(shared_data_folder, 3)
    app = open_page("training", shared_data_folder)
    assert "of at most 20 GB." in text_of(app)
    assert "Frames this run needs" not in metrics_of(app)
    assert "Fill now" not in {button.label for button in app.button}


def test_the_open_view_shows_what_the_run_needs_and_what_is_cached(
    open_page: OpenPage, shared_data_folder: Path
) -> None:
    keep_frames(shared_data_folder, 3)
    app = open_cache(open_page, shared_data_folder)
    tiles = metrics_of(app)
    assert tiles["Frames this run needs"] == "240"
    assert tiles["Their size"] == size_text(240 * FRAME_BYTES)
    assert tiles["Already in the cache"] == "36 (15%)"
    row = app.dataframe[0].value.iloc[0]
    assert (row["Data set"], row["Frame size"], row["Decoding"]) == ("data", "96x96 px", "full")
    assert row["Last used"].endswith("s ago")
    assert str(shared_data_folder.parent) not in text_of(app) + app.dataframe[0].value.to_csv()


@pytest.mark.slow
def test_filled_from_the_page_to_the_end(open_page: OpenPage, data_folder: Path, workspace: Path) -> None:
    """Run a real process until it ends; it reports a broken frame."""
    (data_folder / "JPEGImages" / "S103T1_frame_00000005.jpeg").write_bytes(b"broken")
    ask(FILLING, {})
    FILLING.stop()  # meant for an earlier filling
    app = open_cache(open_page, data_folder)
    button(app, "Fill now").click().run()
    assert not app.exception
    assert app.get("progress")[0].proto.text
    assert button(app, "Stop")
    assert "It is being filled now." in text_of(app)
    wait_for(FILLING)
    app.run()
    assert not app.exception
    assert metrics_of(app)["Already in the cache"] == "239 (99%)"
    assert "All readable frames of this run are in the cache" in app.success[0].value
    assert any("S103T1_frame_00000005.jpeg cannot be read" in as_read(warning.value) for warning in app.warning)
    assert button(app, "Fill now").disabled
    assert FILLING.status().state is JobState.DONE
    setting(app, "scaled_decoding").set_value(True).run()
    assert metrics_of(app)["Already in the cache"] == "0 (0%)"
    assert not app.success


@pytest.mark.slow
def test_a_filling_under_way_is_shown_in_every_tab_and_can_be_stopped(
    open_page: OpenPage, shared_data_folder: Path
) -> None:
    with running(FILLING, done=60, total=240):
        app = open_cache(open_page, shared_data_folder)
        assert [bar.proto.text for bar in app.get("progress")] == ["Filling the clip cache: 60 of 240 frames"]
        assert "Fill now" not in {button.label for button in app.button}
        button(app, "Stop").click().run()
        assert FILLING.status().stopping
        assert button(app, "Stopping").disabled
    app.run()
    assert button(app, "Fill now")


def test_the_job_ends_when_asked(shared_data_folder: Path) -> None:
    ask(FILLING, {})
    FILLING.stop()
    assert fill_here(shared_data_folder)["state"] == JobState.STOPPED


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"model": "nobody/nothing"}, "nobody/nothing"), ({"test_fraction": 0.9}, "test_fraction")],
)
def test_the_job_reports_why_it_failed(shared_data_folder: Path, settings: dict[str, object], words: str) -> None:
    ended = fill_here(shared_data_folder, **settings)
    assert ended["state"] == JobState.FAILED
    assert words in ended["error"]


def test_the_job_gives_no_path_away(tmp_path: Path) -> None:
    error = fill_here(tmp_path / "gone")["error"]
    assert "gone" in error and str(tmp_path) not in error


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_to_is_reported(workspace: Path, shared_data_folder: Path) -> None:
    (workspace / "cache").mkdir(exist_ok=True)
    (workspace / "cache" / "clips").write_text("in the way")
    assert fill_here(shared_data_folder)["error"].startswith("The clip cache cannot be written to: ")


@pytest.mark.slow
def test_a_lack_of_space_is_shown_until_there_is_space(
    open_page: OpenPage, shared_data_folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "0.001")
    keep_frames(shared_data_folder, 2, scaled=True)
    app = open_cache(open_page, shared_data_folder)
    monkeypatch.setattr("sys.executable", "/bin/true")
    button(app, "Fill now").click().run()
    wait_for(FILLING)
    assert carry_out(fill_cache, FILLING.folder) is JobState.DONE
    app.run()
    told = [warning.value for warning in app.warning if "0.001 GB are allowed" in warning.value]
    assert len(told) == 1
    button(app, "Remove").click().run()
    button(app, "Yes, remove").click().run()
    assert not any("are allowed" in warning.value for warning in app.warning)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (None, "", "The filling ended unexpectedly. Click *Fill now* to continue."),
        (JobState.STOPPED, "", "The filling was stopped. The frames decoded so far are kept"),
        (JobState.FAILED, "The model is not here.", "The model is not here."),
    ],
)
def test_how_a_filling_ended_stays_with_the_settings_it_was_for(
    open_page: OpenPage,
    shared_data_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: JobState | None,
    error: str,
    message: str,
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/true")
    app = open_cache(open_page, shared_data_folder)
    button(app, "Fill now").click().run()
    wait_for(FILLING)
    if state is not None:
        end(FILLING, state, error=error)
    setting(app, "batch_size").set_value(3).run()
    assert message in text_of(app)
    setting(app, "num_frames").set_value(8).run()
    assert message not in text_of(app)


@pytest.mark.slow
def test_one_store_is_removed_after_a_yes(open_page: OpenPage, shared_data_folder: Path) -> None:
    one, other = keep_frames(shared_data_folder, 1), keep_frames(shared_data_folder, 1, scaled=True)
    app = open_cache(open_page, shared_data_folder)
    chosen = next(box for box in app.main.selectbox if box.label == "Free space")
    assert [label.rpartition(",")[0] for label in chosen.options] == [
        "data, 96x96 px, scaled decoding",
        "data, 96x96 px",
        "Everything",
    ]
    chosen.set_value(one.folder.name).run()
    button(app, "Remove").click().run()
    button(app, "No, keep").click().run()
    assert len(list_stores()) == 2
    next(box for box in app.main.selectbox if box.label == "Free space").set_value(one.folder.name).run()
    button(app, "Remove").click().run()
    button(app, "Yes, remove").click().run()
    assert not app.exception
    assert [info.folder for info in list_stores()] == [other.folder]
    assert app.success[0].value.startswith("Removed: ")
    assert not app.run().success, "said once"


@pytest.mark.slow
def test_all_is_removed_but_what_is_in_use(open_page: OpenPage, shared_data_folder: Path) -> None:
    keep_frames(shared_data_folder, 1)
    keep_frames(shared_data_folder, 1, shape=(3, 32, 32))
    used = keep_frames(shared_data_folder, 1, scaled=True)
    app = open_cache(open_page, shared_data_folder)
    with used.in_use():
        next(box for box in app.main.selectbox if box.label == "Free space").set_value("").run()
        button(app, "Remove").click().run()
        button(app, "Yes, remove").click().run()
        assert not app.exception
        assert [info.folder for info in list_stores()] == [used.folder]
        assert list(app.dataframe[0].value["Last used"]) == ["in use now"]
        assert "data, 96x96 px, scaled decoding is in use by a run or a filling" in text_of(app)
    button(app, "Remove").click().run()
    button(app, "Yes, remove").click().run()
    assert list_stores() == []
    assert "The cache is empty." in text_of(app)


@pytest.mark.slow
def test_a_store_that_is_gone_meanwhile_is_no_question(open_page: OpenPage, shared_data_folder: Path) -> None:
    store = keep_frames(shared_data_folder, 1)
    keep_frames(shared_data_folder, 1, scaled=True)
    app = open_cache(open_page, shared_data_folder)
    next(box for box in app.main.selectbox if box.label == "Free space").set_value(store.folder.name).run()
    button(app, "Remove").click().run()
    (store.folder / "store.json").unlink()
    app.run()
    assert not app.exception
    assert button(app, "Remove")


def test_a_cache_that_is_off_is_called_so(
    open_page: OpenPage, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "0")
    app = open_cache(open_page, shared_data_folder)
    assert "SOCAL_CACHE_GB turns the clip cache off" in text_of(app)
    assert button(app, "Fill now").disabled


def test_a_limit_that_is_no_number_is_named_and_the_rest_of_the_page_stays(
    open_page: OpenPage, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "much")
    app = open_cache(open_page, shared_data_folder)
    assert not app.exception
    assert any(LIMIT_VARIABLE in as_read(error.value) for error in app.error)
    assert button(app, "Start training")


@pytest.mark.slow
def test_the_page_loads_no_torch() -> None:
    module = "pages.components.training.clip_cache"
    code = f"import sys, {module}; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert result.stdout.strip() == "[]"
