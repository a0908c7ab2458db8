"""socal_core.lifecycle.further: a new run takes over settings, data and split from the run that it trains further."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from socal_core.errors import ConfigError, RunError
from socal_core.lifecycle.further import how_to_continue, make_run, seen_before, train_further
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.checkpoint_folders import checkpoint_path, write_manifest, write_training_state
from socal_core.runs.files.records import Origin, TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.splits import Split
from socal_core.storage import write_json

SPLIT = Split(("S1T1", "S2T1"), ("S3T1",), ("S4T1",), seed=0)
SETTINGS = {"recipe": "finetune", "learning_rate": 3e-4, "num_epochs": 7, "test_fraction": 0.2}


def ended_run(path: Path, best: int = 2, newest: int = 3, **settings: Any) -> RunFolder:
    """A stopped run with a split and with the checkpoints of its best and its newest epoch, without weights."""
    data = path.parent / "data"
    data.mkdir(exist_ok=True)
    run = RunFolder.create(path, config_from({**SETTINGS, **settings}, TINY), data)
    run.write_split(SPLIT)
    for epoch in (best, newest):
        checkpoint = checkpoint_path(run, epoch)
        checkpoint.mkdir()
        write_json(checkpoint / "config.json", {"model_type": "videomae"})
        write_training_state(checkpoint, TrainingState(epoch, best, 0.5, epoch - best))
        write_manifest(checkpoint)
    write_status(run, RunState.STOPPED, "Stopped by the user.")
    return run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return ended_run(tmp_path / "run-1")


def settings_of(run: RunFolder) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(run.config_file.read_text())
    return values


@pytest.mark.parametrize("state", [RunState.DONE, RunState.STOPPED, RunState.FAILED, RunState.INTERRUPTED])
def test_a_run_that_has_ended_is_trained_further_from_its_best_checkpoint(run: RunFolder, state: RunState) -> None:
    write_status(run, state)
    further = train_further(run)
    best = str(run.checkpoints / "epoch-0002")
    assert settings_of(further) == {**settings_of(run), "model": best}
    assert further.split_file.read_bytes() == run.split_file.read_bytes()
    assert further.read_origin() == Origin("run-1", "epoch-0002")
    assert list(further.checkpoints.iterdir()) == []
    assert run.read_origin() is None


def test_the_new_run_is_named_after_the_old_one(tmp_path: Path, run: RunFolder) -> None:
    first, second = train_further(run), train_further(run)
    assert (first.path, second.path) == (tmp_path / "run-1-further", tmp_path / "run-1-further-2")
    assert train_further(ended_run(tmp_path / "run-2-further-4")).name == "run-2-further"
    assert train_further(ended_run(tmp_path / ("r" * 64))).name == "r" * 56 + "-further"
    assert train_further(run, tmp_path / "mine").name == "mine"
    with pytest.raises(RunError, match="mine already exists"):
        train_further(run, tmp_path / "mine")


def test_settings_that_leave_the_split_alone_can_be_changed(run: RunFolder) -> None:
    further = train_further(run, changes={"learning_rate": 1e-5, "num_epochs": 9})
    config = further.read_config()
    assert (config.optimization.learning_rate, config.optimization.num_epochs, config.split.test_fraction) == (
        1e-5,
        9,
        0.2,
    )
    with pytest.raises(ConfigError, match="num_epochs: must be between"):
        train_further(run, changes={"num_epochs": 0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "seed: must be 0, as in run run-1, whose checkpoint is the model"),
        ({"test_fraction": 0.3}, "test_fraction: must be 0.2"),
        ({"validation_fraction": 0.3}, "validation_fraction: must be 0.1"),
        ({"split_method": "random"}, "split_method: must be surgeon"),
        ({"model": "tiny"}, "model: must be the best checkpoint of run run-1"),
    ],
)
def test_another_split_or_model_is_refused(
    tmp_path: Path, run: RunFolder, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        train_further(run, tmp_path / "run-2", changes)
    assert not (tmp_path / "run-2").exists()


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.RUNNING])
def test_an_active_run_is_refused(run: RunFolder, state: RunState) -> None:
    write_status(run, state)
    lock = take_lock(run.lock_file, run.name)
    try:
        with pytest.raises(RunError, match="run-1 is waiting or active"):
            train_further(run)
    finally:
        os.close(lock)


def test_a_run_without_a_finished_epoch_is_refused(tmp_path: Path) -> None:
    run = ended_run(tmp_path / "run-1", best=0)
    with pytest.raises(RunError, match="run-1 has no checkpoint: no epoch was finished"):
        train_further(run)


def test_a_checkpoint_given_as_a_model_brings_its_split(
    tmp_path: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spelling of the folder does not matter, nor do settings without effect on the split."""
    monkeypatch.chdir(tmp_path)
    config = config_from({"model": "run-1/../run-1/checkpoints/epoch-0003", "test_fraction": 0.2, "folds": 9}, TINY)
    further = make_run(tmp_path / "run-2", config, run.read_data())
    assert further.read_split() == SPLIT
    assert further.read_origin() == Origin("run-1", "epoch-0003")
    assert seen_before(further.read_config().model.model, SPLIT) == ""


@pytest.mark.parametrize("model", ["tiny", "owner/name", "data", "run-1/checkpoints", "run-1", "/"])
def test_other_models_bring_no_split(
    tmp_path: Path, run: RunFolder, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = make_run(tmp_path / "run-2", config_from({"model": model, "seed": 5}, TINY), run.read_data())
    assert other.read_origin() is None
    assert not other.split_file.exists()
    assert seen_before(other.read_config().model.model, SPLIT) == ""


def test_on_other_data_the_split_is_new_and_trials_with_known_names_are_reported(
    tmp_path: Path, run: RunFolder
) -> None:
    (tmp_path / "other").mkdir()
    config = config_from({"model": str(run.checkpoints / "epoch-0003"), "seed": 5}, TINY)
    other = make_run(tmp_path / "run-2", config, tmp_path / "other")
    assert other.read_origin() == Origin("run-1", "epoch-0003")
    assert not other.split_file.exists()
    model = other.read_config().model.model
    known = Split(("S4T1", "S5T1"), ("S1T1", "S3T1"), ("S2T1", "S6T1"), seed=0)
    assert "2 of the validation and test trials have the names of trials that it was trained on, such as S1T1" in (
        seen_before(model, known)
    )
    assert seen_before(model, Split(("S1T1",), ("S5T1",), ("S4T1", "S6T1"), seed=0)) == ""


def test_a_split_that_cannot_be_read_is_not_replaced_by_another(tmp_path: Path, run: RunFolder) -> None:
    run.split_file.write_text("{")
    with pytest.raises(RunError, match=r"run-1: split\.json cannot be read"):
        train_further(run, tmp_path / "run-2")
    assert not (tmp_path / "run-2").exists()


def test_a_run_with_frozen_features_cannot_be_trained_further(tmp_path: Path) -> None:
    run = ended_run(tmp_path / "run-1", recipe="frozen")
    with pytest.raises(RunError, match=r"run-1 has frozen features\..*Duplicate the run"):
        train_further(run)
    assert "Duplicate the run" in how_to_continue(run)
    assert "--from-run" in how_to_continue(ended_run(tmp_path / "run-2"))
    assert not (tmp_path / "run-1-further").exists()


def test_the_split_comes_from_the_last_run_on_the_same_data_however_many_lie_between(
    tmp_path: Path, run: RunFolder
) -> None:
    """A model is trained on the data, then on another folder, then on the data again: the first split must be used."""
    (tmp_path / "other").mkdir()
    config = config_from({**SETTINGS, "model": str(run.checkpoints / "epoch-0002"), "seed": 5}, TINY)
    between = make_run(tmp_path / "run-2", config, tmp_path / "other")
    between.write_split(Split(("X1T1",), ("X2T1",), ("X3T1",), seed=5))
    checkpoint = checkpoint_path(between, 1)
    checkpoint.mkdir()
    again = config_from({**SETTINGS, "model": str(checkpoint)}, TINY)
    last = make_run(tmp_path / "run-3", again, run.read_data())
    assert last.read_split() == SPLIT
    assert last.read_origin() == Origin("run-2", "epoch-0001")
    with pytest.raises(ConfigError, match="seed: must be 0, as in run run-1"):
        make_run(
            tmp_path / "run-4", config_from({**SETTINGS, "model": str(checkpoint), "seed": 5}, TINY), run.read_data()
        )
    assert "such as S1T1" in seen_before(str(checkpoint), Split(("S9T1",), ("X3T1",), ("S1T1",), seed=0))


def test_a_damaged_split_of_an_earlier_run_is_reported_but_stops_no_run(tmp_path: Path, run: RunFolder) -> None:
    run.split_file.write_text("{")
    notice = seen_before(str(run.checkpoints / "epoch-0002"), SPLIT)
    assert "may have been trained on validation or test trials of this run. Run run-1: split.json cannot be" in notice
