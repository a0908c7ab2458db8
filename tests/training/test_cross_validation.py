"""socal_core.training.cross_validation: folds are trained one after another, through stops, kills and failures."""

import fcntl
import os
import signal
from pathlib import Path

import pytest

from socal_core.dataset.opening import open_dataset
from socal_core.lifecycle.cross_validation import make_cross_validation
from socal_core.lifecycle.gpus import visible_gpus
from socal_core.lifecycle.launch import request_stop, start
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.events import Event, read_events
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.training import cross_validation
from socal_core.training.cross_validation import cross_validate
from tests.preloaded import run_preloaded
from tests.training.small_runs import QUICK, small_model

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from socal_core.runs.folder import RunFolder
from socal_core.training.cross_validation import cross_validate
seen = 0
def die(event):
    global seen
    seen += event["type"] == sys.argv[2] or event.get("stage") == sys.argv[2]
    if seen == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
cross_validate(RunFolder(Path(sys.argv[1])), die)
"""


def new_cross_validation(path: Path, data: Path, **settings: object) -> RunFolder:
    values = {**QUICK, "model": small_model(), "num_epochs": 1, "split_method": "k-fold", "folds": 2, **settings}
    return make_cross_validation(path, config_from(values, TINY), open_dataset(data))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    """A finished cross-validation that no test changes."""
    run = new_cross_validation(tmp_path_factory.mktemp("cv") / "done", shared_data_folder)
    assert cross_validate(run) is RunState.DONE
    return run


@pytest.fixture
def run(tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    """A new cross-validation with the settings of `done`."""
    return new_cross_validation(tmp_path / "cv", shared_data_folder)


def stages(run: RunFolder) -> list[str]:
    return [event["stage"] for event in read_events(run.events_file) if event["type"] == "stage"]


@pytest.mark.slow
def test_all_folds_are_trained_and_pooled(done: RunFolder) -> None:
    assert stages(done) == ["Fold 1 of 2", "Fold 2 of 2", "Pooling the predictions of all folds"]
    assert read_status(done).state is RunState.DONE
    assert all(read_status(fold.run).state is RunState.DONE for fold in folds_of(done))
    assert len(done.read_predictions()) == done.read_metrics()["n"] == 20
    assert len(done.read_metrics()["cross_validation"]["folds"]) == 2
    assert read_events(done.events_file)[-1]["state"] == "done"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "count"),
    [("started", 1), ("step", 2), ("Fold 2 of 2", 1), ("epoch", 2), ("Pooling the predictions of all folds", 1)],
)
@pytest.mark.sampled(1)
def test_a_killed_cross_validation_resumes_to_the_same_predictions(
    done: RunFolder, run: RunFolder, event: str, count: int
) -> None:
    assert run_preloaded("-c", KILLED_AT, run.path, event, count).returncode == -9
    assert read_status(run).state is RunState.INTERRUPTED
    assert not run.predictions_file.exists()
    assert cross_validate(run) is RunState.DONE
    assert run.predictions_file.read_bytes() == done.predictions_file.read_bytes()
    assert run.read_metrics()["cross_validation"] == done.read_metrics()["cross_validation"]


@pytest.mark.slow
def test_a_stop_stops_the_fold_with_a_checkpoint_and_finished_folds_are_not_trained_again(
    done: RunFolder, run: RunFolder
) -> None:
    steps_of_first = [event for event in read_events(folds_of(done)[0].run.events_file) if event["type"] == "step"]
    seen: list[Event] = []

    def stop(event: Event) -> None:
        seen.extend([event] if event["type"] == "step" else [])
        if len(seen) == len(steps_of_first) + 1:
            request_stop(run)

    assert cross_validate(run, stop) is RunState.STOPPED
    first, second = (fold.run for fold in folds_of(run))
    assert (read_status(first).state, read_status(second).state) == (RunState.DONE, RunState.STOPPED)
    assert newest_checkpoint(second) == second.checkpoints / "epoch-0000-step-00001"
    before = first.events_file.read_bytes()
    assert cross_validate(run) is RunState.DONE
    assert first.events_file.read_bytes() == before
    assert run.predictions_file.read_bytes() == done.predictions_file.read_bytes()


def test_ctrl_c_stops_it(run: RunFolder) -> None:
    def interrupt(event: Event) -> None:
        if event["type"] == "step":
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    assert cross_validate(run, interrupt) is RunState.STOPPED
    assert read_status(folds_of(run)[0].run).state is RunState.STOPPED
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.slow
def test_a_failed_fold_is_named_and_trained_again(done: RunFolder, run: RunFolder) -> None:
    def damage(event: Event) -> None:
        if event.get("stage") == "Fold 2 of 2":
            folds_of(run)[1].run.split_file.write_text("{")

    assert cross_validate(run, damage) is RunState.FAILED
    reason = read_status(run).reason
    assert reason.startswith("Fold 2 of 2 (fold-2) failed: Run fold-2: split.json cannot be read")
    fold = folds_of(run)[1].run
    fold.split_file.write_bytes((done.path / "fold-2" / "split.json").read_bytes())
    assert cross_validate(run) is RunState.DONE
    assert run.predictions_file.read_bytes() == done.predictions_file.read_bytes()


@pytest.mark.slow
def test_a_deleted_fold_is_trained_again(done: RunFolder, run: RunFolder) -> None:
    assert cross_validate(run) is RunState.DONE
    fold = folds_of(run)[0].run
    fold.path.rename(run.path.parent / "elsewhere")
    assert cross_validate(run) is RunState.DONE
    assert newest_checkpoint(fold) is not None
    assert run.predictions_file.read_bytes() == done.predictions_file.read_bytes()


@pytest.mark.slow
def test_with_gpus_each_fold_trains_in_a_process_of_its_own(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slots are still those of the CPU, so that this needs no GPU."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(cross_validation, "visible_gpus", lambda: ("GPU-1",))
    types = []
    assert cross_validate(run, lambda event: types.append(event["type"])) is RunState.DONE
    assert "step" not in types, "the child processes report to the folders of the folds"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert run.read_metrics()["n"] == 20


@pytest.mark.slow
@pytest.mark.skipif(bool(visible_gpus()), reason="starts workers on the CPU")
def test_it_trains_in_the_background(done: RunFolder, run: RunFolder) -> None:
    start(run)
    with run.lock_file.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given when the worker has ended
    assert read_status(run).state is RunState.DONE
    assert len(run.read_predictions()) == len(done.read_predictions())
    assert "Fold 2 of 2" in run.log_file.read_text()
