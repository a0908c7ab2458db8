"""socal_core.lifecycle.run_queue, with real processes that wait, run, are stopped and are killed."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from socal_core.errors import ConfigError, RunError
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.launch import request_stop
from socal_core.lifecycle.state import RunState, read_status, written_status
from socal_core.runs.files.records import Origin
from socal_core.runs.folder import RunFolder
from socal_core.splits import Split
from tests.lifecycle.workers import Worker, new_run, until

GPUS = ("GPU-aaaa-0", "GPU-bbbb-1")
StartWorker = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartWorker]:
    """A function that starts a worker of a new run on a machine without a GPU; all are killed after the test."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    workers: list[Worker] = []

    def start_worker(name: str, kind: type[RunFolder] = RunFolder) -> Worker:
        workers.append(Worker(kind(new_run(tmp_path / name).path)))
        return workers[-1]

    yield start_worker
    for worker in workers:
        worker.kill()


@pytest.fixture
def queued(start: StartWorker) -> list[Worker]:
    """One active run and three that wait, in this order."""
    workers = [start("run-0")]
    assert workers[0].begins() is None
    for place in (1, 2, 3):
        workers.append(start(f"run-{place}"))
        assert workers[-1].hears() == (
            "Waiting for another run to end" if place == 1 else f"Waiting: number {place} in the queue"
        )
    return workers


def two_gpus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a script in place of nvidia-smi that lists two GPUs."""
    folder.mkdir()
    lines = "\n".join(f"echo 'GPU {number}: A card (UUID: {uuid})'" for number, uuid in enumerate(GPUS))
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{lines}\n")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


class WantsTwo(RunFolder):
    """A run whose settings ask for two GPUs."""

    def read_config(self) -> Any:
        return SimpleNamespace(processes=2)


def names() -> list[str]:
    return [run.name for run in run_queue.waiting()]


def test_one_run_is_active_and_the_others_follow_in_order(queued: list[Worker]) -> None:
    assert names() == ["run-1", "run-2", "run-3"]
    assert [run_queue.position(worker.run) for worker in queued] == [None, 1, 2, 3]
    states = [read_status(worker.run).state for worker in queued]
    assert states == [RunState.RUNNING, RunState.QUEUED, RunState.QUEUED, RunState.QUEUED]
    for number, worker in enumerate(queued):
        if number:
            worker.begins()
        assert read_status(worker.run).state is RunState.RUNNING
        assert names() == ["run-1", "run-2", "run-3"][number:]
        worker.end()
        assert read_status(worker.run).state is RunState.DONE


@pytest.mark.parametrize("how", ["killed", "done"])
def test_a_slot_is_free_when_its_run_has_ended_for_any_reason(queued: list[Worker], how: str) -> None:
    queued[0].kill() if how == "killed" else queued[0].end()
    queued[1].begins()
    assert names() == ["run-2", "run-3"]


def test_a_killed_run_that_waited_is_skipped(queued: list[Worker]) -> None:
    queued[1].kill()
    assert names() == ["run-2", "run-3"]
    assert read_status(queued[1].run).state is RunState.INTERRUPTED
    queued[0].end()
    queued[2].begins()


@pytest.mark.slow
@pytest.mark.parametrize(("to", "expected"), [(1, [3, 1, 2]), (2, [1, 3, 2]), (0, [3, 1, 2]), (99, [1, 2, 3])])
def test_the_order_can_be_changed_while_runs_wait(queued: list[Worker], to: int, expected: list[int]) -> None:
    run_queue.move(queued[3].run, to)
    assert names() == [f"run-{number}" for number in expected]
    assert run_queue.position(queued[3].run) == expected.index(3) + 1
    queued[0].end()
    queued[expected[0]].begins()


@pytest.mark.parametrize("number", [1, 3])
def test_a_waiting_run_stops_within_a_second(queued: list[Worker], number: int) -> None:
    begin = time.monotonic()
    request_stop(queued[number].run)
    assert read_status(queued[number].run).state in {RunState.STOPPING, RunState.STOPPED}
    queued[number].process.join(10)
    assert time.monotonic() - begin < 1
    assert read_status(queued[number].run).state is RunState.STOPPED
    assert run_queue.position(queued[number].run) is None


def test_settings_can_be_changed_until_the_run_begins(queued: list[Worker]) -> None:
    run = queued[1].run
    config, data = run.read_config(), run.read_data()
    run_queue.edit(run, config.replace(num_epochs=7, seed=3))
    assert run.read_config() == config.replace(num_epochs=7, seed=3)
    assert run.read_data() == data
    queued[0].end()
    queued[1].begins()
    content = run.config_file.read_bytes()
    with pytest.raises(RunError, match="run-1 is no longer waiting"):
        run_queue.edit(run, config)
    with pytest.raises(RunError, match="run-1 is no longer waiting"):
        run_queue.move(run, 1)
    assert run.config_file.read_bytes() == content


def test_a_run_that_trained_before_keeps_its_settings(queued: list[Worker]) -> None:
    run = queued[1].run
    run.split_file.write_text("{}")
    with pytest.raises(RunError, match="settings of run run-1 cannot be changed: it has started before"):
        run_queue.edit(run, run.read_config().replace(num_epochs=7))


def test_a_waiting_run_that_is_given_a_checkpoint_as_its_model_gets_its_split(
    queued: list[Worker], tmp_path: Path
) -> None:
    run = queued[1].run
    source = RunFolder.create(tmp_path / "source", run.read_config(), run.read_data())
    source.write_split(Split(("S1T1",), ("S2T1",), ("S3T1",), seed=0))
    (source.checkpoints / "epoch-0002").mkdir()
    model = str(source.checkpoints / "epoch-0002")
    with pytest.raises(ConfigError, match="seed: must be 0, as in run source"):
        run_queue.edit(run, run.read_config().replace(model=model, seed=3))
    assert not run.split_file.exists()
    run_queue.edit(run, run.read_config().replace(model=model))
    assert run.read_split() == source.read_split()
    assert run.read_origin() == Origin("source", "epoch-0002")
    with pytest.raises(RunError, match="or it trains the model of another run further"):
        run_queue.edit(run, run.read_config().replace(num_epochs=7))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("content", ["", "{}", "[1, null]", '["/nowhere"]', None])
def test_waiting_runs_recreate_a_damaged_order(queued: list[Worker], workspace: Path, content: str | None) -> None:
    order = workspace / "queue" / "order.json"
    order.write_text(content) if content is not None else order.unlink()
    until(lambda: sorted(names()) == ["run-1", "run-2", "run-3"])
    order_then = names()
    queued[0].end()
    queued[int(order_then[0][-1])].begins()
    assert names() == order_then[1:]
    assert json.loads(order.read_text()) == [str(run.path) for run in run_queue.waiting()]


def test_an_entry_of_a_killed_worker_does_not_count(queued: list[Worker], workspace: Path) -> None:
    queued[1].kill()
    assert "run-1" in (workspace / "queue" / "order.json").read_text()
    again = Worker(queued[1].run)
    run_queue.enter(again.run)  # as lifecycle/launch.py does with the lock in its hands
    assert names() == ["run-2", "run-3", "run-1"]
    again.kill()


def test_each_gpu_has_a_run(start: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_gpus(tmp_path / "bin", monkeypatch)
    first, second = start("run-1"), start("run-2")
    assert sorted([first.begins(), second.begins()]) == [(GPUS[0],), (GPUS[1],)]
    third = start("run-3")
    assert third.hears() == "Waiting for another run to end"
    second.kill()
    assert third.begins() == (GPUS[1],)


def test_a_run_on_two_gpus_waits_for_both_and_is_not_overtaken(
    start: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_gpus(tmp_path / "bin", monkeypatch)
    first, second = start("run-1"), start("run-2")
    gpus = {first: first.begins(), second: second.begins()}
    both = start("run-3", WantsTwo)
    assert both.hears() == "Waiting for another run to end"
    single = start("run-4")
    assert single.hears() == "Waiting: number 2 in the queue"
    first.end()
    assert both.says_nothing(0.6)
    assert single.says_nothing(0.0)
    run_queue.move(single.run, 1)
    assert single.begins() == gpus[first]
    single.end()
    second.end()
    assert both.begins() == GPUS


def test_a_run_that_needs_more_gpus_than_available_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    run = WantsTwo(new_run(tmp_path / "run-1").path)
    with (
        pytest.raises(RunError, match="gpus: run run-1 asks for 2, but this machine has 1"),
        run_queue.slot(run, int, print),
    ):
        raise AssertionError


def test_a_queue_that_cannot_be_written_is_reported(tmp_path: Path, workspace: Path) -> None:
    (workspace / "queue").write_text("in the way")
    run = new_run(tmp_path / "run-1")
    with pytest.raises(RunError, match="run-1 cannot wait in the queue") as caught, run_queue.slot(run, int, print):
        raise AssertionError
    assert str(workspace) not in str(caught.value)
    assert written_status(run).state is RunState.QUEUED
