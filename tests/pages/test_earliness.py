"""Earliness on the Evaluation page, and the job that computes it."""

from dataclasses import replace
from pathlib import Path

import pytest

from pages.components.evaluation.early_view import EARLY
from socal_core.jobs.compute_earliness import compute_earliness
from socal_core.jobs.harness import Report, carry_out
from socal_core.jobs.job import REQUEST, STOP, JobState
from socal_core.runs.files.earliness_record import EARLINESS, Earliness, EarlinessPoint
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of

STALE = "are of another checkpoint than the results of this run"


@pytest.fixture
def done(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-done", shared_data_folder, test_fraction=0.4, skill=0.2)


def made_for(run: RunFolder) -> Earliness:
    metrics = run.read_metrics()
    early = EarlinessPoint(10, "prediction", metrics["n"], 0.5, None, 0.5, (0.2, 0.8))
    last = EarlinessPoint(None, "prediction", metrics["n"], metrics["auroc"], None, metrics["accuracy"], None)
    return Earliness("0:60", metrics["epoch"], metrics["threshold"], (early, last))


def test_the_scores_are_shown_with_their_figure(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    EARLINESS.write(done.path, made_for(done))
    app = open_page("evaluation", shared_data_folder)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 3
    table = next(table.value for table in app.table if "10 s" in table.value.index)
    assert table.loc["10 s", "95 % interval of the accuracy"] == "0.20 to 0.80"
    assert table.loc["60 s", "95 % interval of the accuracy"] == "too few surgeons for an interval"
    assert not [button for button in app.button if button.key == "compute-earliness"]


@pytest.mark.parametrize("change", [{"epoch": 9}, {"threshold": 0.123}, {"window": "0:30"}, {"points": ()}])
def test_scores_of_another_checkpoint_are_stale(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder, change: dict[str, object]
) -> None:
    found = made_for(done)
    assert found.is_of(done.read_metrics(), "0:60")
    assert not replace(found, **change).is_of(done.read_metrics(), "0:60")
    EARLINESS.write(done.path, replace(found, **change))
    if "epoch" in change:
        app = open_page("evaluation", shared_data_folder)
        assert STALE in text_of(app)
        assert len(app.get("plotly_chart")) == 2
        assert [button for button in app.button if button.key == "compute-earliness"]


def test_a_damaged_file_is_named_and_offered_again(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    (done.path / EARLINESS.name).write_text("{")
    app = open_page("evaluation", shared_data_folder)
    assert "earliness.json cannot be read: it is damaged" in text_of(app)
    assert [button for button in app.button if button.key == "compute-earliness"]


def test_the_job_says_what_is_missing_and_stops_when_asked(done: RunFolder) -> None:
    EARLY.folder.mkdir(parents=True)
    write_json(EARLY.folder / REQUEST, {"run": str(done.path)})
    assert carry_out(compute_earliness, EARLY.folder) is JobState.FAILED
    assert "run-done has no checkpoint" in EARLY.status().error
    (EARLY.folder / STOP).touch()
    assert carry_out(compute_earliness, EARLY.folder) is JobState.STOPPED


def test_a_stage_is_reported_in_words_and_numbers(tmp_path: Path) -> None:
    Report(tmp_path).stage("First 10 s: reading clips", 3, 8)
    assert '"what": "First 10 s: reading clips"' in (tmp_path / "progress.json").read_text()
