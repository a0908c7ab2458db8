"""The predictions of several runs for a trial, and the prediction over time."""

from pathlib import Path

import pytest

from pages.components.trial_viewer.course_view import FOLLOWING, course_data, course_table
from pages.components.trial_viewer.side_by_side import table_of
from socal_core.evaluation.calibration import fit_temperature
from socal_core.evaluation.trial_prediction import prediction_of
from socal_core.jobs.follow_trial import follow_trial
from socal_core.jobs.harness import carry_out
from socal_core.jobs.job import REQUEST, JobState
from socal_core.runs.files.trial_course import CoursePoint, TrialCourse, write_course
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.made_target_runs import NUMBER, write_target_dataset, write_target_run
from tests.pages.conftest import OpenPage, text_of
from tests.pages.test_trial_viewer import choose_trial, played


@pytest.fixture
def run(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-1", shared_data_folder, test_fraction=0.4, validation_fraction=0.3)


@pytest.mark.slow
def test_runs_stand_side_by_side_with_the_subset_in_each(
    open_page: OpenPage, shared_data_folder: Path, run: RunFolder
) -> None:
    other = write_run(runs_root() / "run-2", shared_data_folder, seed=3, test_fraction=0.4)
    tested = set(run.read_split().test) & set(other.read_split().train)
    trial = sorted(tested)[0]
    app = choose_trial(open_page("trial_viewer", shared_data_folder), trial)
    app.selectbox(key="run-trial_viewer").set_value("run-1").run()
    app.multiselect(key="runs-beside").set_value(["run-2"]).run()
    assert not app.exception
    table = app.dataframe[0].value.set_index("Run")
    assert table["In this run"].to_dict() == {"run-1": "test", "run-2": "seen in training"}
    predictions = run.read_predictions().set_index("trial_id")
    assert table.loc["run-1", "Probability"] == f"{predictions['prob_success'][trial]:.0%}"
    assert table.loc["run-1", "Threshold"] == f"{run.read_metrics()['threshold']:.2f}"
    assert "From a probability of" in text_of(app)


def test_the_calibrated_probability_is_that_of_the_temperature(run: RunFolder) -> None:
    predictions = run.read_predictions()
    row = predictions[predictions["split"] == "test"].iloc[0]
    validation = predictions[predictions["split"] == "validation"]
    temperature = fit_temperature(validation["label"], validation["prob_success"])
    found = prediction_of(run, row["trial_id"])
    expected = None if len(validation) < 10 else float(temperature.scale([row["prob_success"]])[0])
    assert found.calibrated == expected


@pytest.mark.slow
def test_another_target_shows_its_unit_and_a_missing_trial_says_so(tmp_path: Path, run: RunFolder) -> None:
    target_run = write_target_run(tmp_path / "loss", write_target_dataset(tmp_path / "data"), NUMBER)
    trial = target_run.read_predictions()["trial_id"].iloc[0]
    found = [prediction_of(target_run, trial), prediction_of(run, "S999T1"), prediction_of(RunFolder(tmp_path), trial)]
    table = table_of(found)
    assert table["Predicted"][0].endswith(f" {target_run.read_target().unit}")
    assert table["Probability"].tolist() == ["–"] * 3
    assert [each.problem == "" for each in found] == [True, False, False]


def test_the_curve_is_in_the_player_and_the_sentence_on_the_page(
    open_page: OpenPage, shared_data_folder: Path, run: RunFolder
) -> None:
    points = (CoursePoint(10, (0.9, 0.1)), CoursePoint(None, (0.05, 0.95)))
    course = TrialCourse("S100T1", "0:60", run.read_metrics()["epoch"], 0, points, ((0.1, 0.9), (0.0, 1.0)))
    write_course(run.path, course)
    app = open_page("trial_viewer", shared_data_folder)
    assert played(app)["course"] == course_data(course, run)
    assert (played(app)["course"]["seconds"], played(app)["course"]["values"]) == ([10, None], [0.1, 0.95])
    assert "The prediction changes until all of the window has been watched." in text_of(app)
    assert course_table(course, run.read_target())["Watched"].tolist() == ["10 s", "all of the window"]
    (run.path / "courses" / "S100T1.json").write_text("{")
    app.run()
    assert not app.exception
    assert "course" not in played(app)


def test_the_job_says_what_is_missing(run: RunFolder) -> None:
    FOLLOWING.folder.mkdir(parents=True)
    write_json(FOLLOWING.folder / REQUEST, {"run": str(run.path), "trial": "S100T1"})
    assert carry_out(follow_trial, FOLLOWING.folder) is JobState.FAILED
    assert "run-1 has no checkpoint" in FOLLOWING.status().error
