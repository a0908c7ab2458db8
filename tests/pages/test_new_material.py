"""New material on the Trial viewer page."""

import shutil
from pathlib import Path

import pytest

from pages.components.trial_viewer.live import FOLLOWING, PREDICTIONS
from pages.components.trial_viewer.new_material import FOLDER, LIVE, PREDICTING
from pages.components.trial_viewer.new_prediction import notes_of
from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.evaluation.predict_trials import decision_of
from socal_core.jobs.follow_folder import follow_folder
from socal_core.jobs.harness import carry_out
from socal_core.jobs.job import REQUEST, JobState
from socal_core.jobs.predict_material import predict_material
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.training.worker import work
from socal_core.workspace import runs_root
from tests.pages.conftest import OpenPage, metrics_of, text_of
from tests.test_cli_predict import frames_of
from tests.training.small_runs import new_run


@pytest.fixture
def run(shared_data_folder: Path) -> RunFolder:
    run = new_run(runs_root() / "run-1", shared_data_folder, num_epochs=1, window="0:10")
    work(run, resume=False)
    return run


@pytest.mark.slow
def test_a_folder_is_played_and_predicted_without_an_outcome(
    open_page: OpenPage, run: RunFolder, shared_data_folder: Path, tmp_path: Path
) -> None:
    new = frames_of(shared_data_folder, "S100T1", tmp_path / "S100T1")
    app = open_page("trial_viewer", shared_data_folder)
    app.segmented_control(key="material").set_value("New material").run()
    assert {button.key for button in app.button} & {"predict-material", "follow"} == set()
    uploader = app.get("file_uploader")
    assert len(uploader) == 1
    assert uploader[0].proto.max_upload_size_mb == 500
    app.segmented_control(key="new-kind").set_value(FOLDER).run()
    app.text_input(key="new-folder").set_value(str(tmp_path / "none")).run()
    assert "none: there is no such file or folder" in text_of(app)
    app.text_input(key="new-folder").set_value(str(new)).run()
    assert not app.exception
    assert "This trial is **not in the data set**" in text_of(app)
    assert "True outcome" not in metrics_of(app)

    request = {"run": str(run.path.resolve()), "material": str(new), "name": "S100T1"}
    PREDICTING.folder.mkdir(parents=True)
    write_json(PREDICTING.folder / REQUEST, request)
    assert carry_out(predict_material, PREDICTING.folder) is JobState.DONE
    app.run()
    assert not app.exception
    assert metrics_of(app)["Prediction"] in {"Success", "Failure"}
    assert "trial with this id" in text_of(app)
    assert f"From a probability of {decision_of(run).threshold:.0%}" in text_of(app)
    assert PREDICTING.request() is None, "the job is free for others"
    assert metrics_of(app.run())["Prediction"], "and its result stays"

    live = {"run": str(run.path.resolve()), "folder": str(new), "out": str(FOLLOWING.folder / PREDICTIONS)}
    app.segmented_control(key="new-kind").set_value(LIVE).run()
    app.text_input(key="live-folder").set_value(str(new)).run()
    FOLLOWING.folder.mkdir(parents=True)
    write_json(FOLLOWING.folder / REQUEST, live)
    assert carry_out(follow_folder, FOLLOWING.folder) is JobState.DONE
    app.run()
    assert not app.exception
    assert "Prediction after 12 s" in metrics_of(app)
    assert "The window of the run is over" in text_of(app)
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.slow
def test_the_job_shows_no_path(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    shutil.rmtree(tmp_path / "away")
    PREDICTING.folder.mkdir(parents=True)
    material = str(tmp_path / "away")
    write_json(PREDICTING.folder / REQUEST, {"run": str(run.path), "material": material, "name": "away"})
    assert carry_out(predict_material, PREDICTING.folder) is JobState.FAILED
    assert PREDICTING.status().error.startswith("away: there is no such file or folder")


def test_what_is_known_about_a_prediction_is_said() -> None:
    row = {"threshold": 0.4, "calibrated": 0.61, "clips": [0.5, 0.75]}
    assert notes_of(SUCCESS_TARGET, row) == [
        "From a probability of 40%, the run predicts success.",
        "Calibrated on the validation trials, the probability of success is 61%.",
        "The 2 clips of the trial give 50% to 75%.",
    ]
    assert notes_of(SUCCESS_TARGET, {"threshold": 0.4, "calibrated": None, "clips": [0.5]})[1:] == []
