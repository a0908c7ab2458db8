"""Frozen runs on the pages."""

import json
from pathlib import Path

import pytest

from pages.components.training.clip_cache import needed_by
from socal_core.clips.clip_cache import list_stores
from socal_core.dataset.opening import open_dataset
from socal_core.jobs.job import JobState
from socal_core.lifecycle.state import RunState
from socal_core.settings import TINY, TrainConfig
from socal_core.workspace import runs_root
from tests.made_runs import write_frozen_events, write_run
from tests.pages.conftest import OpenPage, text_of
from tests.pages.test_clip_cache import fill_here
from tests.pages.test_training import setting

TRIALS = 20
"""Number in the data folder that the tests use."""


def titles(app) -> list[str]:
    return [json.loads(item.proto.spec)["layout"]["title"]["text"] for item in app.get("plotly_chart")]


def test_the_form_asks_for_what_applies(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    setting(app, "recipe").set_value("frozen").run()
    assert not app.exception
    keys = {str(widget.key) for kind in ("number_input", "selectbox", "toggle") for widget in app.sidebar.get(kind)}
    assert "setting-encoder" in keys
    assert not {"setting-learning_rate", "setting-mixup", "setting-scheduler_patience", "setting-gpus"} & keys
    assert not {"Optimisation", "Schedule", "Augmentation"} & {group.label for group in app.sidebar.expander}
    text = text_of(app)
    assert f"the features of {2 * TRIALS} clips are computed once, then a logistic regression is fitted" in text
    assert "epochs on this machine" not in text
    setting(app, "recipe").set_value("finetune").run()
    assert setting(app, "learning_rate").value
    assert "epochs on this machine" in text_of(app)


def test_a_frozen_run_shows_its_folds_and_what_was_chosen(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_run(runs_root() / "run-1", shared_data_folder, RunState.STOPPED, recipe="frozen")
    app = open_page("training", shared_data_folder)
    assert not app.exception
    assert titles(app) == ["Inner folds of the training trials", "Candidates in the inner cross-validation"]
    text = text_of(app)
    assert (
        "the mean of 1 of 2 logistic regressions, those that beat chance in the inner folds. Features: EfficientNet"
        in text
    )
    assert (
        "In the inner folds: log loss 0.410, AUROC 0.83; on the validation trials: log loss 0.520, AUROC 0.80" in text
    )
    table = app.dataframe[-1].value
    assert table["Best validation loss"].tolist() == [0.52]
    assert table["Epochs"].isna().all()


def test_a_frozen_run_without_a_head_waits_for_it(open_page: OpenPage, shared_data_folder: Path) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder, RunState.STOPPED, recipe="frozen")
    run.events_file.unlink()
    write_frozen_events(run, folds=2, fitted=False)
    app = open_page("training", shared_data_folder)
    assert not app.exception
    assert "**Chosen**" not in text_of(app)
    assert len(titles(app)) == 2


def test_the_results_name_what_predicts(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_run(runs_root() / "run-1", shared_data_folder, recipe="frozen")
    text = text_of(open_page("evaluation", shared_data_folder))
    assert "logistic regression on frozen features of EfficientNet-Lite0" in text
    assert "weights of epoch" not in text


@pytest.mark.slow
def test_both_sizes_of_frames_are_counted_and_filled(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    config = TrainConfig.from_flat({"model": TINY, "recipe": "frozen", "num_frames": 4, "sampling": "segments"})
    need = needed_by(dataset, config, list_stores())
    assert (need.frames, need.of_frames) == (0, 2 * TRIALS * 4)
    assert need.estimated_bytes == TRIALS * 4 * 3 * (96**2 + 224**2)
    settings = {"recipe": "frozen", "num_frames": 4, "test_clips": 1}
    assert fill_here(shared_data_folder, **settings)["state"] == JobState.DONE
    assert {info.shape for info in list_stores()} == {(3, 96, 96), (3, 224, 224)}
    assert needed_by(dataset, config, list_stores()).complete
