"""socal_core.lifecycle.cross_validation: what is checked before anything is created, and the folders of the folds."""

import os
from pathlib import Path

import pytest

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.errors import ConfigError, DataError, RunError
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.cross_validation import (
    check_folds,
    create_folds,
    make_cross_validation,
    unfinished_folds,
)
from socal_core.lifecycle.further import train_further
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.trash import restore, trash
from socal_core.runs.cross_validation import folds_of, is_cross_validation, planned_folds, stop_requested
from socal_core.runs.files.records import CrossValidation
from socal_core.runs.folder import RunFolder
from socal_core.runs.overview import summary_of
from socal_core.runs.run_list import list_runs
from socal_core.settings import TINY, config_from
from tests.factories import write_dataset, write_outcomes
from tests.made_cross_validations import SETTINGS, write_cross_validation


def test_folds_have_the_split_and_the_seed_of_their_repeat(tmp_path: Path, shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    run = make_cross_validation(tmp_path / "cv", config_from({**SETTINGS, "seed": 5}, TINY), dataset, repeats=2)
    folds = create_folds(run, dataset)
    assert [fold.run.name for fold in folds] == [f"seed-{seed}-fold-{n}" for seed in (5, 6) for n in (1, 2, 3)]
    config = folds[4].run.read_config()
    assert (config.split.fold, config.split.seed, config.split.split_method) == (2, 6, "k-fold")
    for seed in (5, 6):
        tests = [trial for fold in folds if fold.seed == seed for trial in fold.run.read_split().test]
        assert sorted(tests) == list(run.read_split().test) == sorted(dataset.usable_trials.index)
    assert not (run.path / ".new").exists()
    assert list_runs(tmp_path) == [run], "folds are no runs of their own in the table"


def test_a_fold_that_was_half_created_is_created_again(tmp_path: Path, shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    run = make_cross_validation(tmp_path / "cv", config_from(SETTINGS, TINY), dataset)
    (run.path / ".new" / "fold-1" / "checkpoints").mkdir(parents=True)
    assert all(fold.run.config_file.is_file() for fold in create_folds(run, dataset))
    (folds_of(run)[1].run.config_file).unlink()
    with pytest.raises(RunError, match="fold-2: Directory not empty"):
        create_folds(run, dataset)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"folds": 11}, DataError, "of 10 surgeons, too few for 11 folds"),
        ({"split_method": "surgeon"}, ConfigError, "split_method: must be k-fold"),
        ({"seed": 2**31 - 1}, ConfigError, "seed"),
    ],
)
def test_what_cannot_be_cross_validated_is_refused_before_anything_is_created(
    tmp_path: Path, shared_data_folder: Path, settings: dict[str, object], error: type[Exception], message: str
) -> None:
    config = config_from({**SETTINGS, **settings}, TINY)
    with pytest.raises(error, match=message):
        make_cross_validation(tmp_path / "cv", config, open_dataset(shared_data_folder), repeats=2)
    assert not (tmp_path / "cv").exists()


def test_a_checkpoint_of_a_run_on_the_same_data_is_refused(tmp_path: Path, shared_data_folder: Path) -> None:
    fold = write_cross_validation(tmp_path / "cv", shared_data_folder, done=1).path / "fold-1"
    checkpoint = fold / "checkpoints" / "epoch-0001"
    checkpoint.mkdir()
    config = config_from({**SETTINGS, "model": str(checkpoint)}, TINY)
    with pytest.raises(ConfigError, match="model: must not be a checkpoint of a run on the same data"):
        make_cross_validation(tmp_path / "new", config, open_dataset(shared_data_folder))


def surgeons_with(outcomes: list[int], folder: Path) -> Dataset:
    """A data set with two trials of one surgeon for each outcome."""
    write_dataset(folder, surgeons=len(outcomes), frames=1)
    return open_dataset(write_outcomes(folder, success=[outcome for outcome in outcomes for _ in range(2)]))


def test_a_fold_with_one_outcome_is_named(tmp_path: Path) -> None:
    config = config_from({**SETTINGS, "folds": 3, "validation_fraction": 0.3}, TINY)
    folds = planned_folds(RunFolder(Path("cv")), CrossValidation(3, 1), 0)
    texts = check_folds(surgeons_with([1, 1, 0, 0, 0, 0, 0, 0, 0], tmp_path / "two"), config, folds)
    assert any(text.startswith("Fold ") and "all test trials have the same outcome" in text for text in texts)
    with pytest.raises(DataError, match=r"Fold \d \(seed 0\): .*nothing to learn"):
        check_folds(surgeons_with([1, 0, 0, 0, 0, 0, 0, 0, 0], tmp_path / "one"), config, folds)


@pytest.mark.slow
def test_only_finished_folds_count_as_finished(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_cross_validation(tmp_path / "cv", shared_data_folder)
    assert unfinished_folds(run) == []
    assert summary_of(run).folds == (3, 3)
    folds = folds_of(run)
    folds[1].run.metrics_file.unlink()
    assert unfinished_folds(run) == [folds[1]]
    assert summary_of(run).folds == (2, 3)
    assert unfinished_folds(folds[0].run) == []


def test_a_cross_validation_is_one_entry_of_the_queue(
    tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    run = write_cross_validation(tmp_path / "cv", shared_data_folder, done=1)
    fold = folds_of(run)[0].run
    lock = take_lock(run.lock_file, run.name)
    run_queue.enter(run)
    assert [found.name for found in run_queue.waiting()] == ["cv"]
    assert run_queue.position(fold) == run_queue.position(run) == 1
    with pytest.raises(RunError, match="is a cross-validation"):
        run_queue.edit(run, run.read_config())
    with run_queue.slot(fold, lambda: None, lambda text: None):
        assert run_queue.waiting() == []
    os.close(lock)


def test_a_fold_stops_with_its_cross_validation_only_while_that_is_active(
    tmp_path: Path, shared_data_folder: Path
) -> None:
    run = write_cross_validation(tmp_path / "cv", shared_data_folder, done=1)
    fold = folds_of(run)[0].run
    run.stop_file.touch()
    assert not stop_requested(fold), "the request was left by an earlier start"
    lock = take_lock(run.lock_file, run.name)
    assert stop_requested(fold)
    run.stop_file.unlink()
    assert not stop_requested(fold)
    os.close(lock)


@pytest.mark.slow
def test_a_cross_validation_is_deleted_and_restored_with_its_folds(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_cross_validation(tmp_path / "cv", shared_data_folder)
    trashed = trash(run)
    assert list_runs(tmp_path) == []
    restored = restore(trashed)
    assert is_cross_validation(restored)
    assert all(fold.run.metrics_file.is_file() for fold in folds_of(restored))


def test_a_cross_validation_is_not_trained_further(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_cross_validation(tmp_path / "cv", shared_data_folder)
    with pytest.raises(RunError, match=r"Use one of its folds, such as cv/fold-1\."):
        train_further(run)


def test_folds_of_a_smaller_data_set_than_at_the_start_are_refused(tmp_path: Path) -> None:
    dataset = open_dataset(write_dataset(tmp_path / "data", surgeons=4, frames=3))
    run = make_cross_validation(tmp_path / "cv", config_from({**SETTINGS, "folds": 4}, TINY), dataset)
    fewer = open_dataset(write_dataset(tmp_path / "fewer", surgeons=3, frames=3))
    with pytest.raises(DataError, match=r"Fold 1 \(seed 0\): The usable trials are of 3 surgeons"):
        create_folds(run, fewer)
