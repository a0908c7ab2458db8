"""All runs on the Training page: the table, the curves of chosen runs, and actions on them."""

import json
import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from socal_core.lifecycle import run_queue
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, write_status
from socal_core.lifecycle.trash import TRASH, list_trash, trash
from socal_core.runs.checkpoint_folders import write_manifest, write_training_state
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import RunNotes, read_notes, write_notes
from socal_core.runs.run_list import list_runs
from socal_core.settings import default_config
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of


def table(app: AppTest):
    (found,) = [element.value for element in app.dataframe if str(element.key).startswith("runs-table-")]
    return found.set_index("Folder")


def choose(app: AppTest, *names: str) -> AppTest:
    """Tick the boxes of runs."""
    (key,) = [element.key for element in app.dataframe if str(element.key).startswith("runs-table-")]
    rows = [list(table(app).index).index(name) for name in names]
    app.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    return app.run()


def enabled(app: AppTest, key: str) -> bool:
    return not app.button(key=key).disabled


def charts(app: AppTest) -> set[str]:
    return {element.key for element in app.get("plotly_chart")}


def no_path_in(app: AppTest) -> bool:
    return str(runs_root()) not in text_of(app)


@pytest.fixture
def runs(shared_data_folder: Path) -> list[RunFolder]:
    """One done, one stopped, with another window and another learning rate."""
    return [
        write_run(runs_root() / "run-1", shared_data_folder, epochs=4),
        write_run(runs_root() / "run-2", shared_data_folder, RunState.STOPPED, 2, window="whole", learning_rate=2e-4),
    ]


@pytest.mark.slow
def test_runs_are_listed_with_scores_and_what_differs(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    write_notes(runs[0], RunNotes("Baseline", "a note", ("x", "y")))
    rows = table(open_page("training", shared_data_folder))
    assert rows["State"].to_dict() == {"run-1": "done", "run-2": "stopped"}
    assert rows["Run"].to_dict() == {"run-1": "Baseline", "run-2": "run-2"}
    done = rows.loc["run-1"]
    assert (done["Epochs"], done["Best epoch"], done["Note"]) == ("4 of 40", 3, "a note")
    assert list(done["Tags"]) == ["x", "y"]
    assert done["Best validation loss"] == pytest.approx(0.60)
    metrics = json.loads(runs[0].metrics_file.read_text())
    assert metrics["intervals"]["auroc"] is None
    assert done["Test AUROC"] == f"{metrics['auroc']:.2f}"
    assert rows.loc["run-2", "Window"] == "whole trial"
    assert rows["LR"].to_dict() == {"run-1": 1e-4, "run-2": 2e-4}
    assert not {"Batch", "Model", "Seed"} & set(rows), "in these they do not differ"
    write_notes(runs[0], RunNotes())
    assert not {"Tags", "Note"} & set(table(open_page("training", shared_data_folder)))


@pytest.mark.slow
def test_unreadable_runs_are_listed_and_do_not_affect_others(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    broken = write_run(runs_root() / "run-3", shared_data_folder)
    broken.config_file.write_text("{")
    ruin = write_run(runs_root() / "run-4", shared_data_folder)
    ruin.config_file.unlink()
    app = open_page("training", shared_data_folder)
    assert not app.exception
    assert table(app)["State"].to_dict() == {
        "run-1": "done",
        "run-2": "stopped",
        "run-3": "cannot be read",
        "run-4": "cannot be read",
    }
    assert all(name in text_of(app) for name in ("Run run-3", "Run run-4", "config.json", "the trash keeps it"))
    choose(app, "run-3", "run-4")
    assert not any(enabled(app, key) for key in ("stop-runs", "resume-runs", "duplicate-run"))
    app.button(key="delete-runs").click().run()
    assert set(table(app).index) == {"run-1", "run-2"}
    assert {entry.name for entry in list_trash(runs_root())} == {"run-3", "run-4"}
    assert no_path_in(app)


def test_the_curves_of_the_chosen_runs_are_laid_over_each_other(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    app = open_page("training", shared_data_folder)
    assert not {"compare-loss", "compare-auroc"} & charts(app)
    choose(app, "run-1", "run-2")
    assert {"compare-loss", "compare-auroc"} <= charts(app)
    assert enabled(app, "resume-runs")
    assert not enabled(app, "duplicate-run")


@pytest.mark.slow
def test_the_choice_outlives_another_list_of_runs(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    app = choose(open_page("training", shared_data_folder), "run-1")
    write_run(runs_root() / "run-0", shared_data_folder)
    app.run()
    assert app.session_state["chosen-runs"] == ["run-1"]
    trash(runs[0])
    app.run()
    assert app.session_state["chosen-runs"] == []


@pytest.mark.slow
def test_a_name_a_note_and_tags_are_kept(open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]) -> None:
    app = choose(open_page("training", shared_data_folder), "run-1")
    next(item for item in app.text_input if item.label == "Name").set_value("Best *so* far")
    next(item for item in app.text_area if item.label == "Note").set_value("told\nat length")
    next(item for item in app.text_input if item.label == "Tags").set_value("a, b")
    next(item for item in app.button if item.label == "Save").click().run()
    assert read_notes(runs[0]) == RunNotes("Best *so* far", "told\nat length", ("a", "b"))
    assert app.session_state["chosen-runs"] == ["run-1"]
    assert "Best *so* far (run-1)" in app.selectbox(key="run-training").options
    again = open_page("evaluation", shared_data_folder)
    assert "Best *so* far (run-1)" in again.selectbox(key="run-evaluation").options
    assert again.selectbox(key="run-evaluation").value == "run-1"


@pytest.mark.slow
def test_notes_that_are_too_long_are_refused_and_earlier_notes_stay(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    write_notes(runs[0], RunNotes("old"))
    app = choose(open_page("training", shared_data_folder), "run-1")
    next(item for item in app.text_input if item.label == "Tags").set_value("t" * 31)
    next(item for item in app.button if item.label == "Save").click().run()
    assert any("tag has 1 to 30 characters" in error.value for error in app.error)
    assert not choose(app, "run-2").error, "said of another choice"
    assert read_notes(runs[0]) == RunNotes("old")


@pytest.mark.slow
def test_a_deleted_run_can_be_brought_back_in_a_later_session(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    before = {path.name for path in runs[0].path.iterdir()}
    app = choose(open_page("training", shared_data_folder), "run-1")
    app.button(key="delete-runs").click().run()
    assert not app.exception
    (entry,) = list_trash(runs_root())
    assert before <= {path.name for path in entry.path.iterdir()}
    assert list(table(app).index) == ["run-2"]
    assert app.selectbox(key="run-training").options == ["run-2"]
    later = open_page("training", shared_data_folder)
    later.button(key="bring-back").click().run()
    assert set(table(later).index) == {"run-1", "run-2"}
    assert "bring-back" not in {button.key for button in later.button}


def test_all_runs_deleted_then_the_trash_emptied(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    app = choose(open_page("training", shared_data_folder), "run-1", "run-2")
    app.button(key="delete-runs").click().run()
    assert list_runs(runs_root()) == []
    assert "There are no runs yet" in text_of(app)
    assert "**2 runs** will be deleted permanently" in text_of(app)
    app.button(key="empty-trash").click().run()
    assert not app.exception
    assert list_trash(runs_root()) == []
    assert "bring-back" not in {button.key for button in app.button}


@pytest.mark.slow
def test_two_tabs_delete_one_run(open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]) -> None:
    first, second = [choose(open_page("training", shared_data_folder), "run-1") for _ in range(2)]
    first.button(key="delete-runs").click().run()
    second.button(key="delete-runs").click().run()
    assert not second.exception
    assert any("run-1 no longer exists" in error.value for error in second.error)
    assert no_path_in(second)
    assert len(list_trash(runs_root())) == 1
    assert list(table(second).index) == ["run-2"]


@pytest.mark.slow
def test_a_living_run_is_stopped_but_not_deleted(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    write_status(runs[1], RunState.RUNNING)
    lock = take_lock(runs[1].lock_file, "run-2")
    try:
        app = choose(open_page("training", shared_data_folder), "run-2")
        assert table(app).loc["run-2", "State"] == "running"
        assert not enabled(app, "resume-runs")
        assert not enabled(app, "further-run")
        app.button(key="delete-runs").click().run()
        assert any("Stop it, then delete it" in error.value for error in app.error)
        assert list_trash(runs_root()) == []
        app.button(key="stop-runs").click().run()
        assert runs[1].stop_file.exists()
        assert table(app).loc["run-2", "State"] == "stopping"
        assert not enabled(app, "stop-runs")
    finally:
        os.close(lock)


@pytest.mark.slow
def test_stopped_runs_are_resumed(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a Python that ends at once in place of the worker's."""
    monkeypatch.setattr("sys.executable", "/bin/true")
    app = choose(open_page("training", shared_data_folder), "run-1", "run-2")
    app.button(key="resume-runs").click().run()
    assert not app.exception
    assert not app.error or "run-2" not in app.error[0].value
    assert "queued" in runs[1].status_file.read_text() or "interrupted" in runs[1].status_file.read_text()
    assert "done" in runs[0].status_file.read_text()


@pytest.mark.slow
def test_a_run_is_the_starting_point_of_another(
    open_page: OpenPage, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/true")
    settings = {"learning_rate": 3e-4, "mixup": 0.5, "window": "0:-5", "sampling": "dense", "stride": 7}
    run = write_run(runs_root() / "run-1", shared_data_folder, **settings)
    app = choose(open_page("training", shared_data_folder), "run-1")
    app.button(key="duplicate-run").click().run()
    assert "The settings of **run-1** are in the sidebar" in text_of(app)
    next(item for item in app.button if item.label == "Start training").click().run()
    assert not app.exception
    (made,) = [other for other in list_runs(runs_root()) if other != run]
    assert made.read_config() == run.read_config()


@pytest.mark.slow
def test_a_finished_run_is_trained_further(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/true")
    old = runs[0]
    (old.checkpoints / "epoch-0003").mkdir()
    write_training_state(old.checkpoints / "epoch-0003", TrainingState(3, 3, 0.6))
    write_manifest(old.checkpoints / "epoch-0003")
    app = open_page("training", shared_data_folder)
    assert not enabled(choose(app, "run-1", "run-2"), "further-run"), "one at a time"
    choose(app, "run-1").button(key="further-run").click().run()
    assert not app.exception
    assert not any("run-1" in error.value for error in app.error)
    new = RunFolder(runs_root() / "run-1-further")
    assert new.read_config() == old.read_config().replace(model=str(old.checkpoints / "epoch-0003"))
    assert new.read_split() == old.read_split()
    assert app.selectbox(key="run-training").value == "run-1-further"
    assert "Started from the checkpoint epoch-0003 of run run-1." in text_of(app)


@pytest.mark.slow
def test_a_run_without_a_checkpoint_is_not_trained_further(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    app = choose(open_page("training", shared_data_folder), "run-2")
    app.button(key="further-run").click().run()
    assert any("no epoch was finished" in error.value for error in app.error)
    assert len(list_runs(runs_root())) == 2


@pytest.mark.slow
def test_waiting_runs_change_positions_and_settings(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    fresh = [RunFolder.create(runs_root() / f"run-{n}", default_config("tiny"), shared_data_folder) for n in (3, 4)]
    locks = [take_lock(run.lock_file, run.name) for run in fresh]
    try:
        for run in fresh:
            write_status(run, RunState.QUEUED)
            run_queue.enter(run)
        app = choose(open_page("training", shared_data_folder), "run-4")
        assert table(app).loc["run-4", "State"] == "queued (2)"
        assert not enabled(app, "down-run")
        app.button(key="up-run").click().run()
        assert table(app)["State"].loc[["run-3", "run-4"]].tolist() == ["queued (2)", "queued (1)"]
        app.button(key="edit-run").click().run()
        app.sidebar.number_input(key="setting-seed").set_value(77).run()
        app.button(key="save-run").click().run()
        assert not app.exception
        assert not app.error
        assert fresh[1].read_config().split.seed == 77
        assert "save-run" not in {button.key for button in app.button}
    finally:
        for lock in locks:
            os.close(lock)


@pytest.mark.slow
def test_a_trash_that_cannot_be_created_is_reported(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    (runs_root() / TRASH).write_text("in the way")
    app = choose(open_page("training", shared_data_folder), "run-1")
    app.button(key="delete-runs").click().run()
    assert any("run-1 cannot be deleted" in error.value for error in app.error)
    assert no_path_in(app)
    assert set(table(app).index) == {"run-1", "run-2"}


@pytest.mark.slow
def test_two_runs_are_compared_on_their_test_trials(open_page: OpenPage, shared_data_folder: Path) -> None:
    for name, skill, settings in (("a", 0.7, {}), ("b", 0.3, {}), ("c", 0.7, {"seed": 1})):
        write_run(runs_root() / name, shared_data_folder, skill=skill, test_fraction=0.6, **settings)
    app = choose(open_page("training", shared_data_folder), "a", "b")
    assert not app.exception
    assert "Test results of the two runs" in text_of(app)
    assert "The runs cannot be distinguished by their accuracy." in text_of(app)
    rows = next(item.value for item in app.table if "Difference" in item.value)
    assert list(rows.index) == ["AUROC", "Accuracy"]
    assert "were tested on different trials" in text_of(choose(open_page("training", shared_data_folder), "a", "c"))
