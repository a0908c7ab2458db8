"""Similar trials on the Evaluation page: features computed by a real process, the map, neighbours, and the viewer."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.components.evaluation.similar import EMBEDDING
from pages.components.words import plain_text
from socal_core.jobs.embed_trials import embed
from socal_core.jobs.job import JobState
from socal_core.runs.folder import RunFolder
from socal_core.workspace import runs_root
from tests.jobs.made_jobs import carry_out_here, end, running
from tests.made_features import write_features
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of


@pytest.fixture
def done(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-done", shared_data_folder, test_fraction=0.4, skill=0.2)


def open_analysis(open_page: OpenPage, folder: Path) -> AppTest:
    app = open_page("evaluation", folder)
    return app.segmented_control(key="analysis").set_value("Similar trials").run()


def store_features(run: RunFolder) -> list[str]:
    """Store features of all trials of a run, where S100T1 and S105T2 show the same."""
    trials = list(run.read_predictions()["trial_id"])
    chance = np.random.default_rng(0)
    clips = run.read_config().clip.test_clips
    values = {trial: chance.normal(size=(clips, 2, 8)) for trial in trials}
    values["S105T2"] = values["S100T1"]
    write_features(run.open_dataset(), run.read_config(), values)
    return trials


@pytest.mark.slow
def test_the_features_are_computed_when_there_are_none(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    app = open_analysis(open_page, shared_data_folder)
    assert "The features of all of 20 trials have not been computed yet" in text_of(app)
    assert len(app.get("plotly_chart")) == 2, "those above"
    with running(EMBEDDING, {"run": str(done.path)}, done=3, total=20):
        assert app.run().get("progress")[0].proto.text == "Computing features: 3 of 20"
    store_features(done)
    assert not app.run().exception
    assert len(app.get("plotly_chart")) == 3


@pytest.mark.slow
def test_similar_trials_are_listed_and_opened(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    store_features(done)
    app = open_analysis(open_page, shared_data_folder)
    assert "**Nearly the same features:** S100T1 and S105T2 (0.000)" in text_of(app)
    app.selectbox(key="similar-to").set_value("S105T2").run()
    assert not app.exception
    table = next(table.value for table in app.table if "Distance" in table.value)
    assert table.index[0] == "S100T1"
    assert table["Distance"].iloc[0] == plain_text("0.000")
    assert len(table) == 5
    next(button for button in app.button if button.label == "View these trials").click().run()
    assert not app.exception
    assert app.title[0].value == "Trial viewer"
    assert app.selectbox(key="trial").value == "S105T2"
    assert len(app.selectbox(key="trial").options) == 6


def test_trials_that_could_not_be_embedded_are_named(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    end(EMBEDDING, JobState.DONE, {"run": str(done.path.resolve())}, notes=["The disk is full."])
    text = text_of(open_analysis(open_page, shared_data_folder))
    assert "20 of 20 trials have no features, because their frames cannot be read. The disk is full." in text


def test_the_job_embeds_the_trials_of_a_run(done: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work itself is tested in tests/evaluation/test_trial_features.py."""
    monkeypatch.setattr("socal_core.jobs.embed_trials.embed_trials_of", lambda run, progress: (run.name,))
    assert carry_out_here(EMBEDDING, embed, {"run": str(done.path)})["result"] == {"notes": ["run-done"]}
    ended = carry_out_here(EMBEDDING, embed, {"run": str(done.path / "gone")})
    assert ended["state"] == JobState.FAILED
