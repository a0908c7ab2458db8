"""A cross-validation in the app: it starts, and all pages open it like a run."""

import os
from pathlib import Path

import pytest

from socal_core.lifecycle import launch
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState
from socal_core.runs.cross_validation import folds_of, read_cross_validation
from socal_core.runs.events import EventLog
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_runs
from socal_core.workspace import runs_root
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_events
from tests.pages.conftest import OpenPage, metrics_of, text_of
from tests.pages.test_all_runs import choose


@pytest.mark.slow
def test_all_folds_start_as_one_job(
    open_page: OpenPage, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[RunFolder] = []
    monkeypatch.setattr(launch, "start", lambda run, resume=False: started.append(run))
    app = open_page("training", shared_data_folder)
    assert "Train all folds" not in [button.label for button in app.button]
    app.sidebar.selectbox(key="setting-split_method").set_value("k-fold").run()
    app.sidebar.number_input(key="setting-folds").set_value(4).run()
    app.number_input(key="repeats").set_value(2).run()
    assert "Train all folds trains 8 runs" in text_of(app).replace("*", "")
    app.button(key="train-folds").click().run()
    assert not app.exception
    (run,) = started
    assert run.name.startswith("cv-")
    found = read_cross_validation(run)
    assert (found.folds, found.repeats) == (4, 2)


def test_too_many_folds_are_refused_before_the_start(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    app.sidebar.selectbox(key="setting-split_method").set_value("k-fold").run()
    app.sidebar.number_input(key="setting-folds").set_value(11).run()
    assert app.button(key="train-folds").disabled
    assert list_runs(runs_root()) == []


def test_the_live_view_shows_the_folds_and_the_one_at_work(open_page: OpenPage, shared_data_folder: Path) -> None:
    run = write_cross_validation(runs_root() / "cv", shared_data_folder, done=1, state=RunState.RUNNING)
    fold = folds_of(run)[1].run
    fold.path.mkdir()
    write_events(fold, 2, 4)
    lock = take_lock(run.lock_file, run.name)
    app = open_page("training", shared_data_folder)
    os.close(lock)
    assert not app.exception
    assert any("Fold 2 of 3: Epoch 2 of 4 done" in element.proto.text for element in app.get("progress"))
    table = next(frame.value for frame in app.dataframe if "Test trials" in frame.value)
    assert table["Fold"].tolist() == ["fold-1", "fold-2", "fold-3"]
    assert table["State"].tolist()[0] == "done"
    assert app.selectbox(key="fold-of-cv").options == ["the newest fold", "fold-1", "fold-2"]
    runs = next(frame.value for frame in app.dataframe if "Epochs" in frame.value)
    assert runs["Run"].tolist() == ["cv"], "its folds are no rows of their own"
    assert runs["Epochs"].tolist() == ["1 of 3 folds"]


def test_a_failed_fold_is_named_and_its_curves_can_be_chosen(open_page: OpenPage, shared_data_folder: Path) -> None:
    run = write_cross_validation(runs_root() / "cv", shared_data_folder, done=1, state=RunState.FAILED)
    EventLog(run.events_file).append("notice", message="Fold 1 (seed 0): all test trials have the same outcome.")
    app = open_page("training", shared_data_folder)
    assert "Fold 2 of 3 (fold-2) failed" in text_of(app)
    assert "all test trials have the same outcome" in text_of(app)
    assert any(button.label == "Resume" for button in app.button)
    app.selectbox(key="fold-of-cv").set_value("fold-1").run()
    assert not app.exception


@pytest.mark.slow
def test_the_evaluation_shows_the_spread_over_folds(open_page: OpenPage, shared_data_folder: Path) -> None:
    run = write_cross_validation(runs_root() / "cv", shared_data_folder, repeats=2)
    app = open_page("evaluation", shared_data_folder)
    assert not app.exception
    text = text_of(app)
    assert "By fold" in text
    assert "AUROC over 6 folds: " in text
    assert "AUROC over 2 seeds: " in text
    assert "reaches the threshold of this fold" in text
    assert "cross-validation with 3 folds by surgeon, repeated with 2 seeds" in text
    assert metrics_of(app)["AUROC"] == f"{run.read_metrics()['auroc']:.2f}"
    table = next(table.value for table in app.table if "Surgeons" in table.value)
    assert len(table) == 8, "six folds and two seeds"


@pytest.mark.slow
def test_the_trial_viewer_shows_predictions_of_a_model_that_never_saw_the_surgeon(
    open_page: OpenPage, shared_data_folder: Path
) -> None:
    write_cross_validation(runs_root() / "cv", shared_data_folder)
    app = open_page("trial_viewer", shared_data_folder)
    next(button for button in app.button if button.label == "Select 10 random trials").click().run()
    assert not app.exception
    assert "This is a test trial of its fold" in text_of(app).replace("*", "")


@pytest.mark.slow
def test_actions_that_need_one_model_are_not_offered(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_cross_validation(runs_root() / "cv", shared_data_folder)
    app = choose(open_page("training", shared_data_folder), "cv")
    assert app.button(key="further-run").disabled
    app.button(key="duplicate-run").click().run()
    assert "then train all folds" in text_of(app)
    assert app.sidebar.number_input(key="setting-folds").value == 3
