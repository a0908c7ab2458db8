"""Notes on test trials, and the way from the Evaluation page to the Trial viewer."""

from pathlib import Path

import pytest

from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun
from socal_core.runs.trial_notes import read_trial_notes, write_trial_note
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.made_target_runs import NUMBER, write_target_dataset, write_target_run
from tests.pages.conftest import OpenPage, text_of
from tests.pages.test_dataset import press


@pytest.fixture
def done(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-done", shared_data_folder, test_fraction=0.4, skill=0.2)


def test_a_note_is_kept_with_the_run_and_shown(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    app = open_page("evaluation", shared_data_folder)
    trial = app.dataframe[0].value["Trial"].iloc[2]
    app.selectbox(key="noted-trial-run-done").set_value(trial).run()
    app.text_area(key=f"trial-note-{KnownRun.of(done).key}-{trial}").set_value("blood on the lens")
    press(app, "Save note")
    assert not app.exception
    assert read_trial_notes(done) == {trial: "blood on the lens"}
    table = app.dataframe[0].value.set_index("Trial")
    assert table.loc[trial, "Note"] == "blood on the lens"
    assert (table["Note"] == "").sum() == len(table) - 1
    assert table.loc[trial, "View"] == f"trial_viewer?run=run-done&trial={trial}"
    assert "CSV" in [button.label for button in app.get("download_button")]


@pytest.mark.slow
def test_notes_of_another_target(open_page: OpenPage, tmp_path: Path) -> None:
    data = write_target_dataset(tmp_path / "data")
    run = write_target_run(runs_root() / "run", data, NUMBER)
    trial = run.read_metrics()["trials"][0]["trial_id"]
    write_trial_note(run, trial, "much blood")
    app = open_page("evaluation", data)
    assert app.dataframe[0].value.set_index("Trial").loc[trial, "Note"] == "much blood"


def test_damaged_notes_are_said_and_cannot_be_overwritten(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    (done.path / "trial_notes.json").write_text("{")
    app = open_page("evaluation", shared_data_folder)
    assert "trial_notes.json cannot be read: it is damaged" in text_of(app)
    assert not app.text_area


def test_a_trial_opens_in_the_trial_viewer(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    trial = done.read_metrics()["trials"][-1]["trial_id"]
    app = open_page("app", shared_data_folder)
    app.query_params["run"], app.query_params["trial"] = done.name, trial
    app.switch_page("pages/trial_viewer.py").run()
    assert not app.exception
    assert app.selectbox(key="trial").value == trial
    assert app.selectbox(key="run-trial_viewer").value == done.name
    app.query_params["trial"] = "S999T1"
    assert "Trial S999T1 is not among the trials" in text_of(app.run())
    assert app.selectbox(key="trial").value == trial
