"""socal_core.jobs: work in a separate process, with progress, stop, result, error and log."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from socal_core.errors import SocalError
from socal_core.jobs.harness import Report, carry_out
from socal_core.jobs.job import PROGRESS, REQUEST, Job, JobState, JobStatus
from socal_core.storage import write_json
from socal_core.training.stop import StopRequested
from tests.jobs.example_job import work
from tests.jobs.made_jobs import ask, running, wait_for


@pytest.fixture
def job() -> Job:
    return Job("example", "tests.jobs.example_job", "The example")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_job_that_was_not_started_is_idle(job: Job) -> None:
    assert job.status() == JobStatus(JobState.IDLE)
    assert job.request() is None
    assert job.log_tail() == []
    assert not job.folder.exists(), "looking changes nothing"


@pytest.mark.slow
def test_from_start_to_result(job: Job, pipe: Path) -> None:
    request = {"do": "wait", "pipe": str(pipe)}
    assert job.start(request, {"OF_THE_TEST": "yes"})
    with pipe.open("w"):  # waits until the process has begun, and keeps it waiting
        assert replace(job.status(), id="") == JobStatus(JobState.RUNNING, done=1, total=4)
        assert job.status().running and job.status().fraction == 0.25
        assert not job.start({"do": "crash"}), "one at a time"
        assert job.request() == request
    wait_for(job)
    assert replace(job.status(), id="") == JobStatus(JobState.DONE, result={"variable": "yes"})
    assert job.result_of(request) == {"variable": "yes"}
    assert job.result_of({"other": 1}) is None


@pytest.mark.slow
def test_a_job_stops_when_asked_and_can_be_started_again(job: Job, pipe: Path) -> None:
    job.start({"do": "wait", "pipe": str(pipe)})
    with pipe.open("w"):
        job.stop()
        assert job.status().stopping
    wait_for(job)
    assert job.status() == JobStatus(JobState.STOPPED)
    job.start({"do": "count"})
    wait_for(job)
    assert job.status().state is JobState.DONE, "neither the wish to stop nor the end is left"


def test_an_error_message_is_reported_without_paths(job: Job) -> None:
    job.start({"do": "refuse"})
    wait_for(job)
    assert job.status() == JobStatus(JobState.FAILED, error="data is empty.")


def test_an_unexpected_error_is_reported_and_logged(job: Job) -> None:
    job.start({"do": "crash"})
    wait_for(job)
    assert job.status() == JobStatus(JobState.DIED, error="The example ended unexpectedly.")
    assert job.log_tail()[-1] == "MemoryError: no room in …/data"


def test_the_end_can_be_forgotten_but_not_of_a_job_that_runs(job: Job) -> None:
    with running(job, {"do": "count"}):
        job.forget()
        assert job.request() == {"do": "count"}
    job.forget()
    assert job.status().state is JobState.IDLE


def test_a_damaged_file_is_no_end(job: Job) -> None:
    ask(job, {})
    (job.folder / "end.json").write_text('{"state": "do')
    assert job.status().state is JobState.DIED


def test_a_job_that_cannot_be_started_is_reported(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(SocalError, match="The example cannot be started: No such file or directory"):
        job.start({"do": "count"})
    assert not job.running


def test_a_workspace_that_cannot_be_written_to_is_reported(job: Job, workspace: Path) -> None:
    (workspace / "jobs").write_text("in the way")
    with pytest.raises(SocalError, match="The example cannot be started: "):
        job.start({"do": "count"})


def test_counts_are_written_now_and_then_and_the_last_one_always(tmp_path: Path) -> None:
    report, told = Report(tmp_path), []
    for done in range(1, 1001):
        report.count(done, 1000)
        told.append(progress_in(tmp_path)["done"])
    assert (told[0], told[-1]) == (1, 1000)
    assert len(set(told)) < 500


def test_words_are_written_at_once(tmp_path: Path) -> None:
    report = Report(tmp_path)
    for what in ("Asking", "Unpacking"):
        report.describe(what)
        assert progress_in(tmp_path) == {"what": what}


@pytest.mark.parametrize("call", [lambda report: report.count(1, 2), lambda report: report.describe("x")])
def test_both_reports_hear_a_wish_to_stop(tmp_path: Path, call: Any) -> None:
    (tmp_path / "stop").touch()
    with pytest.raises(StopRequested):
        call(Report(tmp_path))


def test_work_can_be_carried_out_in_the_own_process(tmp_path: Path) -> None:
    write_json(tmp_path / REQUEST, {"do": "count"})
    assert carry_out(work, tmp_path) is JobState.DONE


def progress_in(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / PROGRESS).read_text()))
