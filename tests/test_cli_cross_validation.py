"""socal_core.cli: `cv`, and the other commands on a cross-validation."""

import json
from pathlib import Path

import pytest

from socal_core.lifecycle.state import RunState
from socal_core.lifecycle.trash import list_trash
from socal_core.runs.folder import RunFolder
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_run
from tests.test_cli import run_cli
from tests.training.small_runs import small_model


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    """A cross-validation with three folds, which no test changes."""
    return write_cross_validation(tmp_path_factory.mktemp("runs") / "cv", shared_data_folder)


@pytest.mark.slow
def test_cv_trains_is_repeated_safely_and_continues_after_a_deletion(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    quick = ["recipe=finetune", f"model={small_model()}", "num_frames=4", "num_epochs=1", "test_clips=1"]
    settings = [part for text in quick for part in ("--set", text)]
    run = RunFolder(tmp_path / "cv")
    arguments = ["cv", shared_data_folder, "--run", run.path, "--folds", 2, *settings, "--resume"]
    assert run_cli(capsys, *arguments)[:2] == (0, "Run cv is done.\n")
    before = run.predictions_file.read_bytes()
    code, _, err = run_cli(capsys, *arguments)
    assert (code, "Run cv is already done." in err) == (0, True)
    (run.path / "fold-2").rename(tmp_path / "elsewhere")
    assert run_cli(capsys, *arguments)[:2] == (0, "Run cv is done.\n")
    assert run.predictions_file.read_bytes() == before
    code, out, _ = run_cli(capsys, "runs", tmp_path)
    assert "2/2 folds" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", 11], "of 10 surgeons, too few for 11 folds"),
        (["--folds", 1], "folds: must be between 2 and 100"),
        (["--repeats", 0], "--repeats: must be between 1 and 100"),
        (["--set", "split_method=surgeon"], "split_method: must be k-fold or left out"),
        (["--set", "fold=2"], "fold: must be left out"),
        (["--folds", 3, "--set", "folds=4"], "folds: must be 3 or left out, got 4"),
    ],
)
def test_what_contradicts_cross_validation_creates_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path, arguments: list[object], message: str
) -> None:
    code, _, err = run_cli(capsys, "cv", shared_data_folder, "--run", tmp_path / "cv", *arguments)
    assert (code, message in err) == (2, True), err
    assert not (tmp_path / "cv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", 4], "folds is 3, not 4"),
        (["--repeats", 2], "repeats is 1, not 2"),
        (["--set", "force_retrain=true"], "--resume continues run cv, and force_retrain replaces it"),
        (["--set", "seed=3", "--set", "batch_size=2"], "seed is 0, not 3"),
    ],
)
def test_other_settings_than_those_of_the_run_are_named(
    capsys: pytest.CaptureFixture[str], done: RunFolder, shared_data_folder: Path, arguments: list[object], message: str
) -> None:
    code, _, err = run_cli(capsys, "cv", shared_data_folder, "--run", done.path, "--resume", *arguments)
    assert (code, message in err) == (2, True), err


def test_force_retrain_replaces_an_earlier_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    run = write_cross_validation(tmp_path / "cv", shared_data_folder, done=1, state=RunState.STOPPED)
    refused = ["--folds", 11, "--set", "force_retrain=true"]
    assert run_cli(capsys, "cv", shared_data_folder, "--run", run.path, *refused)[0] == 2
    assert (run.config_file.is_file(), list_trash(tmp_path)) == (True, [])


@pytest.mark.slow
def test_evaluate_shows_each_fold_and_the_spread(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, done: RunFolder, shared_data_folder: Path
) -> None:
    metrics = json.loads(run_cli(capsys, "evaluate", done.path, "--json")[1])
    assert metrics["cross_validation"] == done.read_metrics()["cross_validation"]
    text = run_cli(capsys, "evaluate", done.path)[1]
    assert "20 test trials" in text
    assert all(f"fold-{number}: auroc" in text for number in (1, 2, 3))
    assert "accuracy over 3 folds: " in text
    done.metrics_file.rename(tmp_path / "metrics.json")
    assert json.loads(run_cli(capsys, "evaluate", done.path, "--json")[1]) == metrics, "pooled again"
    repeated = write_cross_validation(tmp_path / "repeated", shared_data_folder, repeats=2)
    assert "seed 1, all folds: auroc" in run_cli(capsys, "evaluate", repeated.path)[1]


def test_commands_that_need_one_model_name_a_fold(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, done: RunFolder, shared_data_folder: Path
) -> None:
    for arguments in (
        ["predict", done.path, "S100T1"],
        ["train", shared_data_folder, "--run", done.path, "--resume"],
        ["train", shared_data_folder, "--run", tmp_path / "new", "--from-run", done.path],
    ):
        code, _, err = run_cli(capsys, *arguments)
        assert code == 2
        assert "Run cv is a cross-validation, which has no model of its own" in err
        assert "cv/fold-1" in err
    run = write_run(tmp_path / "run", shared_data_folder)
    code, _, err = run_cli(capsys, "cv", shared_data_folder, "--run", run.path, "--resume")
    assert (code, "Run run is no cross-validation" in err) == (2, True)
