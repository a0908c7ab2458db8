"""A trial without a prediction on the Trial viewer page."""

from pathlib import Path

import pytest

from pages.components.trial_viewer.missing_prediction import OF_NO_SUBSET, OF_SUBSET, PREDICTING, SEEN_SURGEON
from socal_core.dataset import layout
from socal_core.evaluation.predict_sources import forecaster_of
from socal_core.jobs.harness import carry_out
from socal_core.jobs.job import REQUEST, JobState
from socal_core.jobs.predict_trial import predict_trial
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.training.worker import work
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, metrics_of, text_of
from tests.training.small_runs import new_run

TRIAL = "S100T1"


@pytest.fixture
def without_outcome(data_folder: Path) -> Path:
    """A data folder in which the outcome of one trial is unknown."""
    file = data_folder / layout.OUTCOMES_FILE
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line for line in lines if not line.startswith(TRIAL)))
    return data_folder


def ask(run: RunFolder, trial: str) -> None:
    """Leave the request of the page, as it does before the job starts."""
    PREDICTING.folder.mkdir(parents=True, exist_ok=True)
    fingerprint = run.open_dataset().fingerprint
    write_json(
        PREDICTING.folder / REQUEST, {"run": str(run.path.resolve()), "trial": trial, "fingerprint": fingerprint}
    )


@pytest.mark.slow
def test_a_trial_without_an_outcome_is_predicted(open_page: OpenPage, without_outcome: Path) -> None:
    run = new_run(runs_root() / "run-1", without_outcome, num_epochs=1, window="0:10")
    work(run, resume=False)
    app = open_page("trial_viewer", without_outcome)
    app.query_params["trial"] = TRIAL
    app.run()
    assert metrics_of(app) == {"True outcome": "–", "Prediction": "–"}
    assert not app.button(key="predict-trial").disabled

    ask(run, TRIAL)
    assert carry_out(predict_trial, PREDICTING.folder) is JobState.DONE
    app.run()
    assert not app.exception
    expected = forecaster_of(run).predict_trial(run.open_dataset(), TRIAL)
    assert metrics_of(app)["Prediction"] == ("Success" if expected["predicted"] else "Failure")
    assert f"Probability of success: {expected['prob_success']:.0%}" in [b.proto.text for b in app.get("progress")]
    trained = {trial.split("T")[0] for trial in run.read_split().train}
    assert (SEEN_SURGEON in text_of(app)) == ("S100" in trained)
    app.query_params["trial"] = "S101T1"
    app.run()
    app.query_params["trial"] = TRIAL
    assert metrics_of(app.run())["Prediction"] != "–", "the result stays"


@pytest.mark.parametrize(
    ("subset", "about"),
    [(None, f"{OF_NO_SUBSET} {SEEN_SURGEON}"), ("train", OF_SUBSET.format(subset="training"))],
)
def test_the_subset_of_the_trial_is_named(
    open_page: OpenPage, without_outcome: Path, subset: str | None, about: str
) -> None:
    run = write_run(runs_root() / "run-done", without_outcome)
    row = {"trial_id": TRIAL, "predicted": 1, "prob_success": 0.7, "prob_failure": 0.3, "threshold": 0.5}
    row |= {"clips": [0.7], "subset": subset}
    ask(run, TRIAL)
    assert carry_out(lambda *_: {"row": row}, PREDICTING.folder) is JobState.DONE
    app = open_page("trial_viewer", without_outcome)
    app.query_params["trial"] = TRIAL
    app.run()
    assert metrics_of(app)["Prediction"] == "Success"
    assert any(trial.startswith("S100") for trial in run.read_split().train)
    assert about in text_of(app)


def test_a_failure_is_reported_and_the_button_stays(open_page: OpenPage, without_outcome: Path) -> None:
    run = write_run(runs_root() / "run-done", without_outcome)
    ask(run, TRIAL)
    assert carry_out(predict_trial, PREDICTING.folder) is JobState.FAILED  # a run that was written has no checkpoint
    app = open_page("trial_viewer", without_outcome)
    app.query_params["trial"] = TRIAL
    app.run()
    assert not app.exception
    assert metrics_of(app)["Prediction"] == "–"
    assert app.error
    assert not app.button(key="predict-trial").disabled
