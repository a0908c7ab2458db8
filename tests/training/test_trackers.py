"""socal_core.training: TensorBoard and other trackers of a run, which are fed by its events."""

import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from socal_core.lifecycle.state import RunState
from socal_core.runs.events import Event, head_of, notices, read_events
from socal_core.runs.files.metrics_record import Score
from socal_core.runs.folder import RunFolder
from socal_core.training.trackers import EPOCH_SCALARS, HEAD_SCALARS, TRACKER_VARIABLE, TensorBoard
from socal_core.training.worker import work
from tests.preloaded import run_preloaded
from tests.training.small_runs import new_run
from tests.training.test_resume import KILLED_AT

Point = tuple[str, int, float]
"""Name, epoch and value."""

FAKE = """
import json, os
from pathlib import Path

def record(*what):
    with Path(os.environ["RECORD"]).open("a") as file:
        file.write(json.dumps(what) + chr(10))

class Run:
    def log(self, values, step):
        record("log", values, step)
    def finish(self, **how):
        record("finish", how)

def init(**how):
    record("init", how, {name: value for name, value in os.environ.items() if name.startswith(("WANDB", "TRACKIO"))})
    return Run()
"""
FAKE_MLFLOW = """
import json, os
from pathlib import Path
from types import SimpleNamespace
from mlflow import entities

def record(*what):
    with Path(os.environ["RECORD"]).open("a") as file:
        file.write(json.dumps(what) + chr(10))

class MlflowClient:
    def __init__(self, tracking_uri):
        record("client", tracking_uri)
    def get_experiment_by_name(self, name):
        return None
    def create_experiment(self, name):
        return "7"
    def create_run(self, experiment, run_name):
        record("run", experiment, run_name)
        return SimpleNamespace(info=SimpleNamespace(run_id="r"))
    def log_batch(self, run, metrics=(), params=()):
        record("batch", list(metrics), list(params))
    def set_terminated(self, run, status):
        record("end", status)
"""
FAKE_ENTITIES = """
from collections import namedtuple
Param = namedtuple("Param", "key value")
Metric = namedtuple("Metric", "key value timestamp step")
"""


def points_in(run: RunFolder) -> list[Point]:
    """Read what TensorBoard reads, as it reads it."""
    found = []
    for file in sorted(run.tensorboard_folder.iterdir()):
        for record in EventFileLoader(str(file)).Load():
            found += [(value.tag, record.step, value.tensor.float_val[0]) for value in record.summary.value]
    return found


def expected(run: RunFolder) -> list[Point]:
    """The points by the events and the metrics of a run."""
    epochs = [event for event in read_events(run.events_file) if event["type"] == "epoch"]
    points = [
        (name, event["epoch"], event.get(name))
        for event in epochs
        for name in EPOCH_SCALARS
        if event.get(name) is not None
    ]
    return points + on_test(run, len(epochs))


def on_test(run: RunFolder, step: int) -> list[Point]:
    metrics: Any = run.read_metrics()
    return [(f"test_{name}", step, metrics[name]) for name in get_args(Score) if metrics[name] is not None]


def rounded(points: list[Point]) -> list[Any]:
    """Values as approximate numbers: TensorBoard keeps them in float32."""
    return [(name, step, pytest.approx(value, rel=1e-6)) for name, step, value in points]


def test_tensorboard_shows_what_the_events_say(done_run: RunFolder) -> None:
    points = points_in(done_run)
    assert points == rounded(expected(done_run))
    assert {name for name, _, _ in points} >= {"train_loss", "val_loss", "learning_rate", "test_accuracy"}


@pytest.mark.slow
def test_a_frozen_run_shows_the_scores_of_its_head(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, recipe="frozen", encoder="video")
    assert work(run, resume=False) is RunState.DONE
    head: Any = head_of(read_events(run.events_file))
    scores = [(name, 1, head[field]) for field, name in HEAD_SCALARS.items() if head.get(field) is not None]
    assert points_in(run) == rounded(scores + on_test(run, 1))


@pytest.mark.slow
def test_a_resumed_run_repeats_no_epoch(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    # After epoch 2 and before its checkpoint, so that this epoch is trained again.
    assert run_preloaded("-c", KILLED_AT.format(event=("epoch", 2)), run.path).returncode == -9
    assert max(step for _, step, _ in points_in(run)) == 1, "it was killed before its trackers heard of epoch 2"
    assert work(run, resume=True) is RunState.DONE
    assert points_in(run) == rounded(expected(run))
    names = [(name, step) for name, step, _ in points_in(run)]
    assert len(set(names)) == len(names)


def test_the_name_of_the_file_does_not_tell_the_machine(done_run: RunFolder) -> None:
    (file,) = done_run.tensorboard_folder.iterdir()
    assert file.name.startswith("events.out.tfevents.")
    assert all(part.isdecimal() for part in file.name.removeprefix("events.out.tfevents.").split("."))


@pytest.mark.slow
def test_a_tracker_that_fails_ends_no_run(
    tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def log(self: TensorBoard, values: Mapping[str, float], step: int, seconds: float) -> None:
        raise OSError("no room")

    monkeypatch.setattr(TensorBoard, "log", log)
    heard: list[Event] = []
    run = new_run(tmp_path / "run", shared_data_folder)
    assert work(run, resume=False, echo=heard.append) is RunState.DONE
    told = [event["message"] for event in heard if event["type"] == "notice" and "tracker" in event["message"]]
    assert told == ["The run goes on without the tracker tensorboard. OSError: no room"]
    assert heard == read_events(run.events_file)


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_ends_no_run(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    run.tensorboard_folder.write_text("a file", encoding="utf-8")
    assert work(run, resume=False) is RunState.DONE
    assert any("FileExistsError" in message for message in notices(read_events(run.events_file)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other", "SOCAL_TRACKER must be one of mlflow, wandb, trackio, got 'other'."),
        ("mlflow", "SOCAL_TRACKER names mlflow, which is not installed: pip install mlflow"),
    ],
)
def test_a_tracker_that_is_not_there_is_named(
    tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setattr("socal_core.training.optional_trackers.find_spec", lambda name: None)
    monkeypatch.setenv(TRACKER_VARIABLE, name)
    run = new_run(tmp_path / "run", shared_data_folder, num_epochs=1)
    assert work(run, resume=False) is RunState.DONE
    assert f"The run goes on without the tracker {name}. {message}" in notices(read_events(run.events_file))
    assert points_in(run) == rounded(expected(run))


def run_with_fake(
    name: str, files: Mapping[str, str], tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[RunFolder, list[Any]]:
    """Train a run that is tracked by a stand-in of a package, and return what that was told."""
    for variable in ("WANDB_MODE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("WANDB_PROJECT", "TRACKIO_PROJECT", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.setenv(variable, "mine")
    for file, text in files.items():
        (tmp_path / "packages" / name / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "packages" / name / file).write_text(text, encoding="utf-8")
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv(TRACKER_VARIABLE, name)
    run = new_run(tmp_path / "run", data, num_epochs=2)
    path = [str(tmp_path / "packages"), *(part for part in sys.path if part)]
    code = (
        f"import sys; sys.path[:] = {path!r}; from tests.training.test_trackers import train; train({str(run.path)!r})"
    )
    done = run_preloaded("-c", code)
    assert done.returncode == 0, done.stderr
    assert not [message for message in notices(read_events(run.events_file)) if "tracker" in message]
    return run, [json.loads(line) for line in (tmp_path / "record").read_text(encoding="utf-8").splitlines()]


def train(path: str) -> None:
    """Train a run in a process of its own, which may import a stand-in and set variables."""
    warnings.simplefilter("ignore")
    assert work(RunFolder(Path(path)), resume=False) is RunState.DONE


@pytest.mark.slow
@pytest.mark.parametrize(("name", "finish"), [("wandb", {"exit_code": 0}), ("trackio", {})])
def test_wandb_and_trackio_are_told_the_same(
    tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, finish: dict[str, int]
) -> None:
    run, told = run_with_fake(name, {"__init__.py": FAKE}, tmp_path, shared_data_folder, monkeypatch)
    (_, how, environment), *logs, end = told
    assert (how["name"], how["config"]["num_frames"]) == ("run", 4)
    assert environment["WANDB_PROJECT"] == environment["TRACKIO_PROJECT"] == "mine"
    if name == "wandb":
        assert (how["dir"], environment["WANDB_MODE"]) == (str(run.path), "offline")
    assert [(key, step, value) for _, values, step in logs for key, value in values.items()] == expected(run)
    assert end == ["finish", finish]


@pytest.mark.slow
def test_mlflow_is_told_the_same(tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"__init__.py": FAKE_MLFLOW, "entities.py": FAKE_ENTITIES}
    run, told = run_with_fake("mlflow", files, tmp_path, shared_data_folder, monkeypatch)
    client, start, (_, _, settings), *batches, end = told
    assert client == ["client", (run.path / "mlflow").as_uri()]
    assert (start, end) == (["run", "7", "run"], ["end", "FINISHED"])
    assert ["num_frames", "4"] in settings
    points = [(name, step, value) for _, metrics, _ in batches for name, value, _, step in metrics]
    assert points == expected(run)
