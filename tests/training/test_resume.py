"""socal_core.training: a run that is killed, stopped or out of disk space resumes with the same results."""

import fcntl
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from socal_core.errors import RunError
from socal_core.lifecycle.launch import start
from socal_core.lifecycle.state import RunState, read_status, written_status
from socal_core.runs.checkpoint_folders import best_checkpoint, newest_checkpoint
from socal_core.runs.events import Event, line_of, notices, read_events
from socal_core.runs.folder import RunFolder
from socal_core.runs.log_tail import log_tail
from socal_core.training.worker import work
from tests.lifecycle.workers import until
from tests.preloaded import run_preloaded
from tests.training.killer import OPERATIONS, timeless, weights_hash
from tests.training.small_runs import EVERYTHING, new_run

KILLED_AT = (
    "import os, signal, sys; from pathlib import Path; from socal_core.runs.folder import RunFolder;"
    "from socal_core.training.worker import work;"
    "die = lambda e: os.kill(os.getpid(), signal.SIGKILL) if (e['type'], e.get('epoch')) == {event!r} else 0;"
    "work(RunFolder(Path(sys.argv[1])), False, die)"
)


def killer(*arguments: object) -> dict[str, Any]:
    done = run_preloaded("-m", "tests.training.killer", *arguments)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["step of epoch 2", "epoch 2 before its checkpoint"])
@pytest.mark.sampled(1)
def test_a_killed_run_resumes_to_the_same_weights(
    done_run: RunFolder, tmp_path: Path, shared_data_folder: Path, moment: str
) -> None:
    run = new_run(tmp_path / "killed", shared_data_folder)
    code = KILLED_AT.format(event=(moment.split()[0], 2))
    assert run_preloaded("-c", code, run.path).returncode == -9
    assert read_status(run).state is RunState.INTERRUPTED
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0001"
    assert work(run, resume=True) is RunState.DONE
    assert weights_hash(newest_checkpoint(run)) == weights_hash(newest_checkpoint(done_run))
    assert timeless(read_events(run.events_file)) == timeless(read_events(done_run.events_file))
    assert run.predictions_file.read_bytes() == done_run.predictions_file.read_bytes()


@pytest.mark.slow
def test_random_numbers_depend_on_no_thread_and_no_kill(tmp_path: Path, shared_data_folder: Path) -> None:
    """Frames, augmentation and mixing depend only on seed, epoch and trial, so batches are identical in all cases."""
    through = new_run(tmp_path / "through", shared_data_folder, **EVERYTHING, num_workers=2)
    assert work(through, resume=False) is RunState.DONE
    killed = new_run(tmp_path / "killed", shared_data_folder, **EVERYTHING, num_workers=0)
    code = KILLED_AT.format(event=("step", 2))
    assert run_preloaded("-c", code, killed.path).returncode == -9
    assert work(killed, resume=True) is RunState.DONE
    assert weights_hash(newest_checkpoint(killed)) == weights_hash(newest_checkpoint(through))
    assert timeless(read_events(killed.events_file)) == timeless(read_events(through.events_file))
    assert killed.predictions_file.read_bytes() == through.predictions_file.read_bytes()


@pytest.mark.slow
def test_a_run_killed_at_random_moments_has_the_same_results(
    tmp_path: Path, shared_data_folder: Path, full: bool
) -> None:
    """A short form of benchmarks/kills.py, with augmentation, plateau, early stopping and two reading threads."""
    settings = {**EVERYTHING, "num_epochs": 6, "scheduler_patience": 0, "learning_rate": 3e-3}
    runs = [new_run(tmp_path / name, shared_data_folder, **settings) for name in ("reference", "killed")]
    kills = 24 if full else 6
    result = killer("runs", *(run.path for run in runs), kills, 5)
    assert result["kills"] == kills
    assert result["at work"] >= kills / 2, "most kills met it at work"
    assert result["differ"] == []


@pytest.mark.slow
def test_a_kill_at_any_file_operation_of_a_save_leaves_an_intact_checkpoint(tmp_path: Path, full: bool) -> None:
    """With --full at every one; otherwise at every third and at the first of each kind."""
    result = killer("saves", tmp_path, 1 if full else 3)
    assert len(result["points"]) > 40
    for operation in OPERATIONS:
        assert any(point.startswith(operation) for point in result["killed at"]), operation
    assert len(result["killed at"]) >= len(result["points"]) / 3
    assert set(result["left"]) == {"epoch-0002", "epoch-0003", "epoch-0004"}
    assert set(result["best"]) == {"epoch-0001", "epoch-0003"}
    assert result["kept"] == ["epoch-0004", "epoch-0003"]


STOPS = {
    "in an epoch": (("step", 2, 2), "epoch-0001-step-00002"),
    "at its last step": (("step", 2, 3), "epoch-0001-step-00003"),
    "after an epoch": (("epoch", 2, None), "epoch-0002"),
}


@pytest.mark.parametrize("moment", STOPS)
@pytest.mark.sampled(1)
def test_a_stopped_run_is_recorded_and_resumes_to_the_same_weights(
    done_run: RunFolder, tmp_path: Path, shared_data_folder: Path, moment: str
) -> None:
    """A run that is stopped leaves a checkpoint of that step; at the last step of an epoch it stops in validation."""
    run = new_run(tmp_path / "stopped", shared_data_folder)
    wanted, left = STOPS[moment]

    def stop(event: Event) -> None:
        if (event["type"], event.get("epoch"), event.get("step")) == wanted:
            run.stop_file.touch()

    assert work(run, resume=False, echo=stop) is RunState.STOPPED
    assert written_status(run).state is RunState.STOPPED
    assert run.read_metrics() is None
    assert newest_checkpoint(run) == run.checkpoints / left
    assert work(run, resume=True) is RunState.DONE
    assert weights_hash(newest_checkpoint(run)) == weights_hash(newest_checkpoint(done_run))
    assert timeless(read_events(run.events_file)) == timeless(read_events(done_run.events_file))
    assert run.predictions_file.read_bytes() == done_run.predictions_file.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.sampled(1)
def test_ctrl_c_and_sigterm_stop_with_a_checkpoint_of_the_step(
    tmp_path: Path, shared_data_folder: Path, number: signal.Signals
) -> None:
    run, before = new_run(tmp_path / "run", shared_data_folder), signal.getsignal(number)

    def interrupt(event: Event) -> None:
        if (event["type"], event.get("epoch"), event.get("step")) == ("step", 2, 2):
            os.kill(os.getpid(), number)

    assert work(run, resume=False, echo=interrupt) is RunState.STOPPED
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0001-step-00002"
    assert signal.getsignal(number) == before


@pytest.mark.slow
def test_a_second_ctrl_c_ends_the_run_at_once(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)

    def interrupt(event: Event) -> None:
        if (event["type"], event.get("epoch"), event.get("step")) == ("step", 2, 2):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    assert work(run, resume=False, echo=interrupt) is RunState.STOPPED
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0001"
    assert work(run, resume=True) is RunState.DONE


@pytest.mark.slow
def test_a_run_stopped_while_it_predicts_predicts_when_it_is_resumed(
    done_run: RunFolder, tmp_path: Path, shared_data_folder: Path
) -> None:
    run = new_run(tmp_path / "stopped", shared_data_folder)
    seen: list[tuple[int, int]] = []

    def stop(event: Event) -> None:
        if event["type"] == "stage" and event["stage"].startswith("Predicting") and event["total"] > 1:
            seen.append((event["done"], event["total"]))
            if event["done"]:
                run.stop_file.touch()

    assert work(run, resume=False, echo=stop) is RunState.STOPPED
    assert len(seen) == 2 and 0 < seen[1][0] < seen[1][1] == 20
    assert run.read_metrics() is None
    assert work(run, resume=True) is RunState.DONE
    assert run.predictions_file.read_bytes() == done_run.predictions_file.read_bytes()
    assert timeless(read_events(run.events_file)) == timeless(read_events(done_run.events_file))


@pytest.mark.slow
def test_a_run_stopped_in_its_first_epoch_has_no_best_checkpoint(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "stopped", shared_data_folder)
    assert work(run, resume=False, echo=lambda event: run.stop_file.touch()) is RunState.STOPPED
    with pytest.raises(RunError, match="no epoch was finished"):
        best_checkpoint(run)


@pytest.mark.slow
def test_results_of_an_earlier_evaluation_are_removed_when_the_run_resumes(
    tmp_path: Path, shared_data_folder: Path
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    run.metrics_file.write_text("{}")
    run.predictions_file.write_text("of an earlier checkpoint")
    seen: list[bool] = []
    work(run, resume=True, echo=lambda event: seen.append(run.metrics_file.exists() or run.predictions_file.exists()))
    assert not any(seen[:-1])
    assert run.read_metrics()


def is_in_epoch(run: RunFolder, epoch: int) -> bool:
    """Return whether a run, which must be alive, has made a step of an epoch."""
    assert read_status(run).state.alive
    return any((e["type"], e.get("epoch")) == ("step", epoch) for e in read_events(run.events_file))


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 2])
@pytest.mark.sampled(1)
def test_a_run_whose_process_is_killed_restarts_if_its_settings_say_so(
    done_run: RunFolder, tmp_path: Path, shared_data_folder: Path, kills: int
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, restarts=1)
    start(run)
    for kill in range(kills):
        until(lambda epoch=2 + kill: is_in_epoch(run, epoch))
        os.kill(json.loads(run.status_file.read_text())["process"]["pid"], signal.SIGKILL)
    with run.lock_file.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given when the last process has ended
    assert any("another one continues" in notice for notice in notices(read_events(run.events_file)))
    if kills == 2:
        assert read_status(run).state is RunState.FAILED
        assert "was killed 2 times; 1 restarts are allowed" in read_status(run).reason
        assert work(run, resume=True) is RunState.DONE
    assert read_status(run).state is RunState.DONE
    assert weights_hash(newest_checkpoint(run)) == weights_hash(newest_checkpoint(done_run))
    assert timeless(read_events(run.events_file)) == timeless(read_events(done_run.events_file))


@pytest.mark.slow
def test_a_run_outlives_the_process_that_started_it(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "orphan", shared_data_folder, num_epochs=1)
    code = (
        "import os, signal, sys; from pathlib import Path; from socal_core.runs.folder import RunFolder;"
        "from socal_core.lifecycle.launch import start;"
        "start(RunFolder(Path(sys.argv[1]))); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert run_preloaded("-c", code, run.path).returncode == -9
    assert read_status(run).state.alive
    with run.lock_file.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given when the worker has ended
    assert read_status(run).state is RunState.DONE
    assert run.read_metrics()
    log = [line.partition(" INFO ")[2] for line in log_tail(run)]
    assert [line for line in log if line.startswith(("Training", "Epoch", "Predicting", "The run"))] == [
        "Training begins.",
        line_of(next(event for event in read_events(run.events_file) if event["type"] == "epoch")),
        "Predicting all trials with the best checkpoint",
        "The run is done.",
    ]
