"""python -m socal_core runs and stop."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from socal_core.cli import main, supervise
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, read_status, write_status
from socal_core.runs.folder import RunFolder
from tests.lifecycle.workers import Worker, new_run
from tests.made_runs import write_run

KEYS = {"run", "state", "epoch", "epochs", "folds_done", "folds", "best", "started", "reason"}
NOTHING = {"epoch": None, "epochs": None, "folds_done": None, "folds": None, "best": None, "started": None}


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def listed(capsys: pytest.CaptureFixture[str], root: Path) -> dict[str, dict[str, Any]]:
    code, out, err = run_cli(capsys, "runs", root, "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert all(set(row) == KEYS for row in rows)
    assert [row["run"] for row in rows] == sorted(row["run"] for row in rows)
    return {row["run"]: row for row in rows}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def test_runs_are_listed_with_their_true_state(
    capsys: pytest.CaptureFixture[str], root: Path, shared_data_folder: Path
) -> None:
    done = write_run(root / "b-done", shared_data_folder, num_epochs=6)
    write_run(root / "a-stopped", shared_data_folder, RunState.STOPPED, epochs=1, num_epochs=9)
    write_run(root / "c-dead", shared_data_folder, RunState.RUNNING, epochs=2)
    new_run(root / "d-new")
    at_work = write_run(root / "e-at-work", shared_data_folder, RunState.RUNNING, epochs=3)
    (root / "no-run").mkdir()
    lock = take_lock(at_work.lock_file, at_work.name)
    rows = listed(capsys, root)
    os.close(lock)
    assert {name: (row["state"], row["epoch"]) for name, row in rows.items()} == {
        "a-stopped": ("stopped", 1),
        "b-done": ("done", 4),
        "c-dead": ("interrupted", 2),
        "d-new": ("interrupted", 0),
        "e-at-work": ("running", 3),
    }
    assert rows["b-done"]["reason"] == rows["e-at-work"]["reason"] == ""
    assert rows["a-stopped"]["reason"] == "Stopped by the user. It can be resumed."
    assert "Resume the run" in rows["c-dead"]["reason"]
    assert (rows["b-done"]["epochs"], rows["a-stopped"]["epochs"]) == (6, 9)
    events = [json.loads(line) for line in done.events_file.read_text().splitlines()]
    assert rows["b-done"]["best"] == min(event["val_loss"] for event in events if event["type"] == "epoch")
    started = datetime.fromisoformat(rows["b-done"]["started"])
    assert started.utcoffset() is not None
    assert started.timestamp() == int(events[0]["time"])
    assert rows["d-new"] == {**rows["d-new"], **NOTHING, "epoch": 0, "epochs": rows["d-new"]["epochs"]}


def half_delete(run: RunFolder) -> None:
    run.config_file.unlink()


def cut_config(run: RunFolder) -> None:
    run.config_file.write_text("{")


def events_folder(run: RunFolder) -> None:
    run.events_file.unlink()
    run.events_file.mkdir()


def wrong_event(run: RunFolder) -> None:
    with run.events_file.open("a") as file:
        file.write('{"type": "epoch", "time": 1.0, "epoch": "two"}\n')


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (half_delete, "config.json is missing"),
        (cut_config, "config.json cannot be read"),
        (events_folder, "events.jsonl cannot be read: Is a directory."),
        (wrong_event, "events.jsonl cannot be read, an event is damaged: its field epoch.val_loss is missing"),
    ],
)
def test_a_damaged_run_is_named_and_hides_no_other(
    capsys: pytest.CaptureFixture[str], root: Path, shared_data_folder: Path, damage: Any, reason: str
) -> None:
    write_run(root / "a-good", shared_data_folder)
    good = listed(capsys, root)["a-good"]
    damage(write_run(root / "b-broken", shared_data_folder))
    rows = listed(capsys, root)
    assert rows["a-good"] == good
    broken = rows["b-broken"]
    assert reason in broken.pop("reason")
    assert broken == {"run": "b-broken", "state": "unreadable", **NOTHING}
    code, out, _ = run_cli(capsys, "runs", root)
    assert code == 0
    assert reason in out


def test_the_table_is_aligned(capsys: pytest.CaptureFixture[str], root: Path, shared_data_folder: Path) -> None:
    assert run_cli(capsys, "runs", root) == (0, "", "There are no runs here.\n")
    write_run(root / "a", shared_data_folder, num_epochs=6)
    write_run(root / "a-much-longer-name", shared_data_folder, RunState.FAILED, num_epochs=6)
    title, *lines = run_cli(capsys, "runs", root)[1].splitlines()
    assert len(lines) == 2
    for heading, texts in [("STATE", ("done", "failed")), ("EPOCH", ("4/6", "4/6")), ("BEST LOSS", ("0.6", "0.6"))]:
        column = title.index(heading)
        assert all(line[column:].startswith(text) for line, text in zip(lines, texts, strict=True))
        assert all(line[column - 1] == " " for line in lines)
    assert lines[1].endswith("The disk is full.")


def test_a_living_run_is_stopped_and_waited_for(
    capsys: pytest.CaptureFixture[str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    first, second = Worker(new_run(root / "run-1")), Worker(new_run(root / "run-2"))
    first.begins()
    try:
        code, out, err = run_cli(capsys, "stop", second.run.path)
        assert (code, out) == (0, "Run run-2 is stopped.\n")
        assert "Waiting until it has ended" in err
        assert read_status(second.run).state is RunState.STOPPED

        monkeypatch.setattr(supervise, "STOP_PATIENCE_SECONDS", 0.2)
        code, out, err = run_cli(capsys, "stop", first.run.path)  # this worker does not look
        assert (code, out) == (2, "")
        assert "is still active after" in err
        assert read_status(first.run).state is RunState.STOPPING
    finally:
        first.kill()
        second.kill()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RunState.DONE, "Run run-1 is not active: it is done.\n"),
        (RunState.FAILED, "Run run-1 is not active: it has failed.\n"),
        (RunState.RUNNING, "Run run-1 is not active: it was interrupted.\n"),
    ],
)
def test_a_run_that_has_ended_is_left_as_it_is(
    capsys: pytest.CaptureFixture[str], root: Path, state: RunState, said: str
) -> None:
    run = new_run(root / "run-1")
    write_status(run, state, "")
    assert run_cli(capsys, "stop", run.path) == (0, said, "")
    assert not run.stop_file.exists()


@pytest.mark.parametrize("verb", ["runs", "stop"])
def test_a_folder_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path, verb: str) -> None:
    code, out, err = run_cli(capsys, verb, tmp_path / "none")
    assert (code, out) == (2, "")
    assert "none" in err
