"""Explanations on the Trial viewer page, and the job that computes them."""

from dataclasses import replace
from pathlib import Path

import pytest

from pages.components.trial_viewer.explanation import EXPLAINING
from socal_core.explanations.record import write_explanation
from socal_core.jobs.explain_trial import explain_trial
from socal_core.jobs.harness import carry_out
from socal_core.jobs.job import REQUEST, JobState
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.workspace import runs_root
from tests.explanations.test_write import FOUND
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of


@pytest.fixture
def run(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-1", shared_data_folder)


def buttons(app) -> list[str]:
    return [button.key for button in app.button]


def test_an_explanation_is_shown_with_what_limits_it(open_page: OpenPage, shared_data_folder: Path, run) -> None:
    write_explanation(run, replace(FOUND, epoch=run.read_metrics()["epoch"]))
    app = open_page("trial_viewer", shared_data_folder)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 2
    assert len(app.get("image")) == 1
    text = text_of(app)
    assert "Blue bars (suction) exceed the change by boxes of the same size at other places." in text
    assert "This map is not better than a random map (p = 0.30)." in text
    assert "explain" not in buttons(app)
    better = replace(FOUND.faithfulness, p_value=0.01)
    write_explanation(run, replace(FOUND, epoch=run.read_metrics()["epoch"], faithfulness=better, tools=()))
    text = text_of(app.run())
    assert "The map is better than a random map (p = 0.01, sensitivity-n)." in text


def test_an_explanation_of_another_checkpoint_is_not_shown(open_page: OpenPage, shared_data_folder: Path, run) -> None:
    write_explanation(run, replace(FOUND, epoch=run.read_metrics()["epoch"] + 1))
    app = open_page("trial_viewer", shared_data_folder)
    assert not app.exception
    assert "The last explanation is of another checkpoint" in text_of(app)
    assert "explain" in buttons(app)


def test_a_damaged_explanation_is_named_and_offered_again(open_page: OpenPage, shared_data_folder: Path, run) -> None:
    write_explanation(run, FOUND)
    (run.path / "explanations" / "S100T1.json").write_text("{")
    app = open_page("trial_viewer", shared_data_folder)
    assert not app.exception
    assert "S100T1.json cannot be read: it is damaged" in text_of(app)
    assert "explain" in buttons(app)


def test_the_job_says_what_is_missing(run: RunFolder) -> None:
    EXPLAINING.folder.mkdir(parents=True)
    write_json(EXPLAINING.folder / REQUEST, {"run": str(run.path), "trial": "S100T1"})
    assert carry_out(explain_trial, EXPLAINING.folder) is JobState.FAILED
    assert "run-1 has no checkpoint" in EXPLAINING.status().error
