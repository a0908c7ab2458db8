"""Runs that were started in the background and waited in the queue, from their start to their end."""

import os
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from socal_core.lifecycle import launch, run_queue
from socal_core.lifecycle.state import RunState, RunStatus, read_status
from socal_core.lifecycle.waiting import HOOK_VARIABLE
from socal_core.runs.activity import STOPPED_BY_USER
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.events import read_events
from tests.lifecycle.workers import first_in_queue, log_of, pid_of, until
from tests.training.small_runs import new_run
from tests.training.test_cross_validation import new_cross_validation


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A run that is first in the queue while the only slot is taken; the function lets it end, and the slot go."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with first_in_queue(tmp_path / "first") as end:
        yield end


@pytest.mark.slow
def test_the_worker_of_a_stopped_run_calls_the_hook(
    first: Callable[[], None], tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOOK_VARIABLE, shlex.join(["touch", str(tmp_path / "called")]))
    run = new_run(tmp_path / "run-2", shared_data_folder)
    launch.start(run)
    until(lambda: "Waiting: number 2" in log_of(run))
    os.kill(pid_of(run), signal.SIGTERM)
    until(lambda: (tmp_path / "called").exists())
    assert read_status(run) == RunStatus(RunState.STOPPED, STOPPED_BY_USER)
    assert read_events(run.events_file)[-1]["type"] == "ended"


@pytest.mark.slow
def test_a_run_and_a_cross_validation_train_in_their_order_with_the_settings_of_that_time(
    tmp_path: Path, shared_data_folder: Path, first: Callable[[], None]
) -> None:
    run, whole = (
        new_run(tmp_path / "run-2", shared_data_folder),
        new_cross_validation(tmp_path / "cv", shared_data_folder),
    )
    for each in (run, whole):
        launch.start(each)
    until(lambda: all("Waiting: number" in log_of(each) for each in (run, whole)))
    assert [read_status(each).state for each in (run, whole)] == [RunState.QUEUED] * 2
    pids = [pid_of(each) for each in (run, whole)]
    run_queue.edit(run, run.read_config().replace(num_epochs=1))
    first()
    for each in (run, *(fold.run for fold in folds_of(whole)), whole):
        until(lambda each=each: each.status_file.exists() and not read_status(each).state.alive)
        assert read_status(each) == RunStatus(RunState.DONE)
    assert [pid_of(each) for each in (run, whole)] == pids
    assert [event["epoch"] for event in read_events(run.events_file) if event["type"] == "epoch"] == [1]
    ends, begins = read_events(run.events_file)[-1], read_events(folds_of(whole)[0].run.events_file)
    assert ends["time"] <= next(event["time"] for event in begins if event["type"] == "started")
