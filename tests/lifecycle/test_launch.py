"""socal_core.lifecycle.launch: one worker per run, however often it is started, and errors if none can start."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from socal_core.errors import RunError
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.launch import request_stop, start
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, RunStatus, read_status, write_status
from socal_core.runs.folder import RunFolder
from socal_core.storage import is_locked
from tests.lifecycle.workers import CONTEXT, new_run, until

STARTERS = 8


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return new_run(tmp_path / "run-1")


@pytest.fixture
def sleepers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[RunFolder], list[str]]]:
    """Workers that only write their process id, workspace and arguments to the log; they are killed after the test."""
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\necho "$$ $SOCAL_WORKSPACE ${HF_HUB_OFFLINE-online} $*"\nexec sleep 600\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    numbers: set[int] = set()

    def started(run: RunFolder) -> list[str]:
        until(lambda: run.log_file.exists() and run.log_file.read_text().endswith("\n"))
        lines = run.log_file.read_text().splitlines()
        numbers.update(int(line.split()[0]) for line in lines)
        return [line.split(maxsplit=1)[1] for line in lines]

    yield started
    for number in numbers:
        os.kill(number, signal.SIGKILL)


def attempt(run: RunFolder, _: int) -> str:
    try:
        start(run)
    except RunError as error:
        return str(error)
    return "started"


@pytest.mark.slow
@pytest.mark.parametrize(
    "pool",
    [ThreadPoolExecutor, partial(ProcessPoolExecutor, mp_context=CONTEXT)],
    ids=["threads", "processes"],
)
def test_many_starts_at_once_give_one_worker(
    run: RunFolder, sleepers: Callable[[RunFolder], list[str]], pool: Callable[..., ThreadPoolExecutor]
) -> None:
    with pool(STARTERS) as starters:
        answers = sorted(starters.map(partial(attempt, run), range(STARTERS)))
    assert answers == ["Run run-1 is already active. Wait until it ends, or stop it."] * (STARTERS - 1) + ["started"]
    assert len(sleepers(run)) == 1
    assert read_status(run) == RunStatus(RunState.QUEUED)


def test_a_worker_receives_its_run_and_workspace_independently_of_the_current_folder(
    run: RunFolder, sleepers: Callable[[RunFolder], list[str]], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.parent)
    monkeypatch.setenv("SOCAL_WORKSPACE", workspace.name)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    write_status(run, RunState.STOPPED, "Stopped by the user.")
    start(run, resume=True)
    command = f"-m socal_core.lifecycle.waiting socal_core.training.worker {run.path} --resume"
    assert sleepers(run) == [f"{workspace} 1 {command}"]


def test_the_queue_is_in_the_order_of_the_starts(
    run: RunFolder, sleepers: Callable[[RunFolder], list[str]], tmp_path: Path
) -> None:
    runs = [run, new_run(tmp_path / "run-0"), new_run(tmp_path / "run-2")]
    for each in runs:
        start(each)
        sleepers(each)
    assert run_queue.waiting() == runs
    assert [run_queue.position(each) for each in runs] == [1, 2, 3]


def test_a_run_can_be_asked_to_stop_before_it_has_started(
    run: RunFolder, sleepers: Callable[[RunFolder], list[str]]
) -> None:
    run.stop_file.touch()  # meant for an earlier worker
    start(run)
    sleepers(run)
    assert not run.stop_file.exists()
    request_stop(run)
    assert read_status(run) == RunStatus(RunState.STOPPING)


@pytest.mark.parametrize("resume", [False, True])
def test_a_done_run_is_not_started_again(run: RunFolder, resume: bool) -> None:
    write_status(run, RunState.DONE)
    before = run.status_file.read_bytes()
    with pytest.raises(RunError, match="is done"):
        start(run, resume)
    assert run.status_file.read_bytes() == before
    assert read_status(run).state is RunState.DONE


def remove(run: RunFolder) -> None:
    shutil.rmtree(run.path)


def lose_config(run: RunFolder) -> None:
    run.config_file.unlink()


def cut_config(run: RunFolder) -> None:
    run.config_file.write_bytes(run.config_file.read_bytes()[:-20])


def newer_config(run: RunFolder) -> None:
    run.config_file.write_text(run.config_file.read_text().replace('"format": 1', '"format": 99'))


def refused_setting(run: RunFolder) -> None:
    run.config_file.write_text(run.config_file.read_text().replace('"num_epochs": ', '"num_epochs": -'))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove, "run-1 cannot be started: its folder is missing"),
        (lose_config, r"run-1: config\.json is missing"),
        (cut_config, r"run-1: config\.json cannot be read"),
        (newer_config, "format 99"),
        (refused_setting, r"run-1 cannot be started: in its config\.json, num_epochs: must be between"),
    ],
)
def test_a_run_that_cannot_start_is_not_changed(
    run: RunFolder, damage: Callable[[RunFolder], None], message: str
) -> None:
    write_status(run, RunState.STOPPED, "Stopped by the user.")
    damage(run)
    before = sorted(run.path.rglob("*"))
    with pytest.raises(RunError, match=message) as caught:
        start(run, resume=True)
    assert str(run.path) not in str(caught.value)
    assert sorted(run.path.rglob("*")) == before
    assert run.path.exists() == (damage is not remove)
    if run.path.exists():
        assert read_status(run) == RunStatus(RunState.STOPPED, "Stopped by the user.")


def test_a_process_that_cannot_be_started_leaves_a_reason(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(RunError, match="run-1 cannot be started: No such file"):
        start(run)
    assert not is_locked(run.lock_file)
    status = read_status(run)
    assert status.state is RunState.FAILED
    assert status.reason == "The training process could not be started: No such file or directory."
    assert run_queue.waiting() == []


def test_a_second_worker_is_refused_while_one_is_active(run: RunFolder) -> None:
    lock = take_lock(run.lock_file, run.name)
    write_status(run, RunState.RUNNING)
    with pytest.raises(RunError, match="is already active"):
        start(run)
    assert read_status(run).state is RunState.RUNNING
    os.close(lock)
