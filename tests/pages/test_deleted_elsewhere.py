"""A button acts on what was shown when it was pressed, or says that it is gone, and never on something else."""

import shutil
from pathlib import Path

import pytest

from pages.components.actions import act_on
from socal_core.annotations.alignment import read_answers
from socal_core.dataset.filters import TrialFilter
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.saved_views import delete_view, rename_view, save_view, saved_views
from socal_core.dataset.trial_events import add_events, delete_events, read_events, typed_event
from socal_core.errors import DataError, RunError
from socal_core.jobs.job import ID, Job
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.state import RunState
from socal_core.lifecycle.trash import trash
from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun
from socal_core.storage import try_lock, write_json
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of
from tests.pages.test_all_runs import choose

GONE = "no longer exists"


def content(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by name."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def others(run: RunFolder) -> dict[str, bytes]:
    """The files of all other runs and of the queue."""
    mine = f"{run.path}/"
    files = content(runs_root()) | content(runs_root().parent / "queue")
    return {name: data for name, data in files.items() if not name.startswith(mine)}


def delete(run: RunFolder, data: Path) -> None:
    trash(run)


def replace(run: RunFolder, data: Path) -> None:
    shutil.rmtree(run.path)
    write_run(run.path, data, RunState.STOPPED)


@pytest.fixture
def runs(shared_data_folder: Path) -> list[RunFolder]:
    return [write_run(runs_root() / f"run-{number}", shared_data_folder, RunState.STOPPED) for number in (1, 2)]


@pytest.mark.parametrize("happens", [delete, replace])
def test_resume_in_the_live_view(open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder], happens) -> None:
    app = open_page("training", shared_data_folder)
    assert app.selectbox(key="run-training").value == "run-2"
    happens(runs[1], shared_data_folder)
    before = others(runs[1]), content(runs[1].path)
    app.button(key="resume").click().run()
    assert not app.exception
    assert f"Run run-2 {GONE}" in text_of(app)
    assert (others(runs[1]), content(runs[1].path)) == before
    assert run_queue.waiting() == []


@pytest.mark.sampled(4)
@pytest.mark.parametrize("happens", [delete, replace])
@pytest.mark.parametrize("key", ["resume-runs", "further-run", "delete-runs", "save-notes"])
def test_actions_on_chosen_runs(
    open_page: OpenPage, shared_data_folder: Path, runs: list[RunFolder], key: str, happens
) -> None:
    app = choose(open_page("training", shared_data_folder), "run-2")
    app.button(key="resume-runs")
    happens(runs[1], shared_data_folder)
    before = others(runs[1]), content(runs[1].path)
    saves = [button for button in app.button if button.label == "Save"]
    (saves[0] if key == "save-notes" else app.button(key=key)).click().run()
    assert not app.exception
    assert GONE in text_of(app)
    assert (others(runs[1]), content(runs[1].path)) == before


@pytest.mark.parametrize("replaced", [False, True])
def test_a_control_and_a_note_on_the_evaluation_page(
    open_page: OpenPage, shared_data_folder: Path, replaced: bool
) -> None:
    runs = [write_run(runs_root() / f"run-{number}", shared_data_folder) for number in (1, 2)]
    for label in ("Train on shuffled frames", "Save note"):
        app = open_page("evaluation", shared_data_folder)
        app.selectbox(key="run-evaluation").set_value("run-2").run()
        delete(runs[1], shared_data_folder)
        if replaced:
            write_run(runs[1].path, shared_data_folder)
        before = others(runs[1]), content(runs[1].path)
        next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
        assert f"Run run-2 {GONE}" in text_of(app)
        assert (others(runs[1]), content(runs[1].path)) == before
        if not runs[1].path.exists():
            write_run(runs[1].path, shared_data_folder)


def test_a_run_of_an_earlier_version_is_known_by_its_folder(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "run-1", shared_data_folder)
    (run.path / "identity.json").unlink()
    known = KnownRun.of(run)
    assert known.still_there() == run
    run.path.rename(tmp_path / "moved")
    write_run(run.path, shared_data_folder)
    with pytest.raises(RunError, match=GONE):
        known.still_there()
    with pytest.raises(RunError, match=GONE):
        KnownRun.of(RunFolder(tmp_path / "never")).still_there()


def test_a_restored_run_is_the_same_one(tmp_path: Path, shared_data_folder: Path) -> None:
    from socal_core.lifecycle.trash import restore

    run = write_run(tmp_path / "run-1", shared_data_folder)
    known = KnownRun.of(run)
    entry = trash(run)
    with pytest.raises(RunError, match=GONE):
        known.still_there()
    restore(entry)
    assert known.still_there() == run


def test_a_view_that_changed_is_neither_deleted_nor_renamed(open_page: OpenPage, shared_data_folder: Path) -> None:
    save_view(shared_data_folder, "a", TrialFilter(trial_numbers=(0,)))
    save_view(shared_data_folder, "b", TrialFilter(trial_numbers=(1,)))
    shown, other = saved_views(shared_data_folder)
    app = open_page("dataset", shared_data_folder)
    delete_view(shared_data_folder, "a")
    app.button(key="view-delete").click().run()
    assert not app.exception
    assert "changed or deleted in another window" in text_of(app)
    assert saved_views(shared_data_folder) == [other]
    save_view(shared_data_folder, "a", TrialFilter(trial_numbers=(2,)))
    with pytest.raises(DataError, match="Nothing was done"):
        delete_view(shared_data_folder, "a", shown)
    with pytest.raises(DataError, match="Nothing was done"):
        rename_view(shared_data_folder, "a", "c", shown)
    assert [view.name for view in saved_views(shared_data_folder)] == ["a", "b"]


def test_events_are_deleted_by_what_they_are(open_page: OpenPage, shared_data_folder: Path) -> None:
    events = [typed_event("S100T1", float(second), f"event {second}", "", "") for second in range(3)]
    add_events(shared_data_folder, events)
    app = open_page("trial_viewer", shared_data_folder)
    (key,) = [element.key for element in app.dataframe if str(element.key).startswith("events-")]
    app.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    delete_events(shared_data_folder, [events[0].id])
    add_events(shared_data_folder, [typed_event("S100T1", 0.0, "another", "", "")])
    app.button(key="delete-events").click().run()
    assert not app.exception
    assert "had been deleted in another window" in text_of(app)
    assert {event.event for event in read_events(shared_data_folder)} == {"another", "event 1", "event 2"}


def test_only_the_process_that_was_shown_is_stopped(workspace: Path) -> None:
    job = Job("example", "tests.jobs.example_job", "The example")
    job.folder.mkdir(parents=True)
    lock = try_lock(job.folder / "lock")
    write_json(job.folder / ID, {"id": "first"})
    shown = job.status().id
    write_json(job.folder / ID, {"id": "second"})
    with pytest.raises(RunError, match="Nothing was stopped"):
        job.stop(shown)
    assert not job.status().stopping
    job.stop(job.status().id)
    assert job.status().stopping
    assert lock is not None


def test_an_answer_is_about_the_file_that_was_shown(data_folder: Path) -> None:
    from socal_core.annotations.alignment import write_answer

    dataset = open_dataset(data_folder)
    write_answer(dataset, "a.csv", True)
    write_answer(dataset, "b.csv", False)
    assert {file: answer.fits for file, answer in read_answers(dataset).items()} == {"a.csv": True, "b.csv": False}


def test_nothing_is_done_to_a_run_that_is_gone(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "run-1", shared_data_folder)
    known, done = KnownRun.of(run), []

    def script() -> None:
        act_on(known, done.append)

    script()
    shutil.rmtree(run.path)
    script()
    assert done == [run]
