"""socal_core.runs.folder"""

import json
from pathlib import Path

import pandas as pd
import pytest

from socal_core.errors import ConfigError, DataError, RunError
from socal_core.runs.files.predictions import PREDICTION_COLUMNS
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_runs
from socal_core.settings import TINY, Recipe, config_from, default_config

EMPTY_CELL = f"{','.join(PREDICTION_COLUMNS)}\nS1T1,1,test,1,,1\n".encode()


def new_run(path: Path) -> RunFolder:
    return RunFolder.create(path, default_config(TINY), path.parent)


def test_a_run_returns_what_it_was_created_with(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run-1")
    again = RunFolder.open(tmp_path / "run-1")
    assert again.read_config() == default_config(TINY)
    assert again.read_data() == tmp_path
    assert run.read_metrics() is None
    assert run.read_predictions() is None


@pytest.mark.parametrize("name", ["..", "a b", "-a", ".a", "a" * 65, "a\nb", "ä"])
def test_names_that_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="name can have at most 64 letters"):
        new_run(tmp_path / name)


def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run-1")
    before = run.config_file.read_bytes()
    with pytest.raises(RunError, match="already exists"):
        RunFolder.create(tmp_path / "run-1", default_config(TINY), tmp_path)
    assert run.config_file.read_bytes() == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="already exists"):
        new_run(tmp_path / "file")


def test_a_folder_that_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run: it has no config\.json") as caught:
        RunFolder.open(tmp_path / "nothing")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[1]", "{}", '{"data": 5}'])
def test_a_damaged_config_is_named(tmp_path: Path, content: str) -> None:
    run = new_run(tmp_path / "run-1")
    run.config_file.write_text(content)
    with pytest.raises(RunError, match=r"run-1.*config\.json"):
        run.read_data()


def test_a_config_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run-1")
    run.config_file.write_text(json.dumps({"format": 2, "data": "/data"}))
    with pytest.raises(RunError, match="format 2"):
        run.read_config()


def test_predictions_keep_ids_as_text(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run-1")
    table = pd.DataFrame([["S01T1", "01", "test", 1, 0.123456789012, 0]], columns=list(PREDICTION_COLUMNS))
    run.write_predictions(table)
    pd.testing.assert_frame_equal(run.read_predictions(), table, check_dtype=False)


def test_runs_are_listed_newest_first_and_other_folders_left_out(tmp_path: Path) -> None:
    import os

    for age, name in [(30, "b"), (10, "c"), (20, "a")]:
        run = new_run(tmp_path / name)
        os.utime(run.config_file, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "other").mkdir()
    (tmp_path / "file").write_text("")
    assert [run.name for run in list_runs(tmp_path)] == ["c", "a", "b"]


def test_a_missing_data_folder_is_named_without_its_path(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run-1", default_config(TINY), tmp_path / "somewhere" / "demo")
    with pytest.raises(DataError, match="Data of run run-1: demo: there is no such folder") as caught:
        run.open_dataset()
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"trial_id\nS1T1\n", b"a,b\n1,2,3\n", b"\xff\xfe\x00", EMPTY_CELL])
def test_damaged_predictions_are_named(tmp_path: Path, content: bytes) -> None:
    run = new_run(tmp_path / "run-1")
    run.predictions_file.write_bytes(content)
    with pytest.raises(RunError, match=r"run-1: .*predictions\.csv.* Delete it and run `evaluate`"):
        run.read_predictions()


def test_a_local_model_is_found_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    run = RunFolder.create(tmp_path / "run-1", config_from({"model": "./model"}, TINY), tmp_path)
    assert run.read_config().model.model == str(tmp_path / "model")


@pytest.mark.parametrize(("tubelet_size", "num_frames", "fits"), [(3, 9, True), (3, 8, False), (4, 6, False)])
def test_frames_that_the_model_would_ignore_are_refused_before_there_is_a_run(
    tmp_path: Path, tubelet_size: int, num_frames: int, fits: bool
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({"tubelet_size": tubelet_size}))
    config = config_from({"model": str(tmp_path / "model"), "num_frames": num_frames}, TINY)
    if fits:
        assert RunFolder.create(tmp_path / "run-1", config, tmp_path).read_config().clip.num_frames == num_frames
    else:
        with pytest.raises(ConfigError, match=f"num_frames: must be a multiple of {tubelet_size}"):
            RunFolder.create(tmp_path / "run-1", config, tmp_path)
        assert not (tmp_path / "run-1").exists()


def test_a_run_from_before_there_were_recipes_was_fine_tuned(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", config_from({"recipe": "frozen"}, TINY), tmp_path)
    assert run.read_config().model.recipe is Recipe.FROZEN
    values = json.loads(run.config_file.read_text())
    del values["recipe"], values["encoder"], values["layer_decay"]
    run.config_file.write_text(json.dumps(values))
    assert (run.read_config().model.recipe, run.read_config().optimization.layer_decay) == (Recipe.FINETUNE, 1.0)
