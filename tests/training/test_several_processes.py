"""Runs of several processes: validation, prediction, embedding and cross-validation are shared, stops are common."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import load_classifier
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.events import epochs_table, read_events
from socal_core.runs.folder import RunFolder
from socal_core.training.checkpoint_io import load_tensors
from socal_core.training.cross_validation import cross_validate
from socal_core.training.worker import work
from socal_core.workspace import workspace
from tests.preloaded import run_as_torchrun, run_preloaded
from tests.training.small_runs import EVERYTHING, NO_DROPOUT, new_run, small_model
from tests.training.test_cross_validation import new_cross_validation

SETTINGS = {**NO_DROPOUT, "num_epochs": 2, "test_clips": 2}

SHARE = """
import sys
from accelerate import PartialState
from socal_core.models.processes import compute_shares, seen_by_any
state = PartialState(cpu=True)
def compute(items):
    print("share", list(items))
    return [item * item for item in items]
def fail(items):
    if 4 in items:
        raise {error}
    return items
for count in (1, 2, 5):
    assert compute_shares(range(count), compute) == [item * item for item in range(count)]
assert seen_by_any(state.process_index == 1) and not seen_by_any(False)
try:
    compute_shares(range(5), fail)
except BaseException as error:
    print(type(error).__name__, error)
"""

COUNTED = """
import sys
from pathlib import Path
from socal_core.models.encoders import Encoder
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
embed, count = Encoder.embed, 0
def counted(*arguments):
    global count
    count += 1
    return embed(*arguments)
Encoder.embed = counted
print(work(RunFolder(Path(sys.argv[1])), resume=False), count)
"""

STOPPED_AT = """
import sys
from pathlib import Path
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
run = RunFolder(Path(sys.argv[1]))
def stop(event):
    if event["type"] == sys.argv[2] or str(event.get("stage")).startswith(sys.argv[2]):
        run.stop_file.touch()
print(work(run, resume=True, echo=stop))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("ValueError('four')", "ValueError four"),
        ("__import__('socal_core.errors').errors.ConfigError('field', 'rule', 4)", "RuntimeError ConfigError: field: "),
    ],
    ids=["sent", "cannot be sent"],
)
def test_results_and_errors_of_shares_reach_all_processes(error: str, shown: str) -> None:
    results = run_as_torchrun("-c", SHARE.replace("{error}", error))
    for result in results:
        assert result.returncode == 0, result.stderr
        assert shown in result.stdout
    shares = [[line for line in result.stdout.splitlines() if line.startswith("share")] for result in results]
    assert shares == [["share [0]", "share [0]", "share [0, 2, 4]"], ["share [1]", "share [1, 3]"]]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    """A run of one process that no test changes."""
    run = new_run(tmp_path_factory.mktemp("runs") / "alone", shared_data_folder, **SETTINGS)
    assert work(run, resume=False) is RunState.DONE
    return run


def predictions(run: RunFolder) -> pd.DataFrame:
    found = run.read_predictions()
    assert found is not None
    return found


def assert_same_model(run: RunFolder, other: RunFolder, tolerance: float = 1e-5) -> None:
    first, second = (load_classifier(newest_checkpoint(each) or Path()).model.state_dict() for each in (run, other))
    assert set(first) == set(second)
    assert max(float((first[name] - second[name]).abs().max()) for name in first) <= tolerance


@pytest.mark.slow
def test_two_processes_validate_and_predict_as_one(alone: RunFolder, tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, **SETTINGS)
    for result in run_as_torchrun("-m", "socal_core.training.worker", run.path):
        assert result.returncode == 0, result.stderr
    assert run.read_environment().processes == 2
    first, second = (epochs_table(read_events(each.events_file)) for each in (alone, run))
    assert second["val_loss"].tolist() == pytest.approx(first["val_loss"].tolist(), abs=1e-5)
    pd.testing.assert_frame_equal(predictions(run), predictions(alone), atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("at", ["step", "epoch", "Reading clips", "Predicting all trials with the best checkpoint"])
@pytest.mark.sampled(2)
def test_all_processes_stop_at_the_same_point(
    alone: RunFolder, tmp_path: Path, shared_data_folder: Path, at: str
) -> None:
    """The main process sees the request first; the resumed run ends as one that was never stopped."""
    run = new_run(tmp_path / "run", shared_data_folder, **SETTINGS)
    for result in run_as_torchrun("-c", STOPPED_AT, run.path, at):
        assert (result.returncode, result.stdout) == (0, "stopped\n"), result.stderr
    assert read_status(run).state is RunState.STOPPED
    run.stop_file.unlink()
    for result in run_as_torchrun("-m", "socal_core.training.worker", run.path, "--resume"):
        assert result.returncode == 0, result.stderr
    assert_same_model(run, alone)
    pd.testing.assert_frame_equal(predictions(run), predictions(alone), atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {**EVERYTHING, "accumulation_steps": 2},
        pytest.param({"tune": "lora", "weight_averaging": 0.9}, marks=pytest.mark.full),
        pytest.param({"tune": "last:1", "gradient_checkpointing": True}, marks=pytest.mark.full),
    ],
    ids=["everything", "LoRA", "last block"],
)
def test_sharded_weights_train_as_whole_ones_through_a_stop(
    tmp_path: Path, shared_data_folder: Path, settings: dict[str, Any]
) -> None:
    """The checkpoints hold whole tensors, as those of a run without sharding."""
    values = {**settings, **NO_DROPOUT, "num_epochs": 2, "batch_size": 6}
    ddp, fsdp = (
        new_run(tmp_path / sharding, shared_data_folder, **values, sharding=sharding) for sharding in ("ddp", "fsdp")
    )
    for result in run_as_torchrun("-m", "socal_core.training.worker", ddp.path):
        assert result.returncode == 0, result.stderr
    for result in run_as_torchrun("-c", STOPPED_AT, fsdp.path, "epoch"):
        assert (result.returncode, result.stdout) == (0, "stopped\n"), result.stderr
    fsdp.stop_file.unlink()
    for result in run_as_torchrun("-m", "socal_core.training.worker", fsdp.path, "--resume"):
        assert result.returncode == 0, result.stderr
    assert_same_model(fsdp, ddp, 1e-6)
    pd.testing.assert_frame_equal(predictions(fsdp), predictions(ddp), atol=1e-6, rtol=0)
    whole, gathered = (load_tensors(newest_checkpoint(run) or Path()) for run in (ddp, fsdp))
    torch.testing.assert_close(gathered["optimizer"]["state"], whole["optimizer"]["state"], atol=1e-6, rtol=1e-4)
    assert json.loads(((newest_checkpoint(fsdp) or Path()) / "config.json").read_text())["architectures"] == [
        "VideoMAEForVideoClassification"
    ]


FROZEN = {"recipe": "frozen", "encoder": "video"}


@pytest.mark.slow
def test_two_processes_embed_half_of_the_clips_each(tmp_path: Path, shared_data_folder: Path) -> None:
    alone = new_run(tmp_path / "alone", shared_data_folder, **FROZEN)
    whole = run_preloaded("-c", COUNTED, alone.path)
    state, count = whole.stdout.split()
    assert (state, whole.returncode) == ("done", 0), whole.stderr
    run = new_run(tmp_path / "run", shared_data_folder, **FROZEN)
    _forget_features()
    results = run_as_torchrun("-c", COUNTED, run.path)
    assert [result.stdout.split() for result in results] == [["done", str(int(count) // 2)]] * 2, results[1].stderr
    pd.testing.assert_frame_equal(predictions(run), predictions(alone))
    again = new_run(tmp_path / "again", shared_data_folder, **FROZEN)
    assert run_preloaded("-c", COUNTED, again.path).stdout.split() == ["done", "0"]


def _forget_features() -> None:
    """Remove the stored features of all clips."""
    found = list(workspace().rglob("*.features"))
    assert found
    for file in found:
        file.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("at", ["Reading clips", "Embedding clips", "Fitting the head"])
@pytest.mark.sampled(1)
def test_a_frozen_run_of_two_processes_stops_and_resumes(tmp_path: Path, shared_data_folder: Path, at: str) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, **FROZEN)
    for result in run_as_torchrun("-c", STOPPED_AT, run.path, at):
        assert result.returncode == 0, result.stderr
    assert read_status(run).state is RunState.STOPPED
    run.stop_file.unlink()
    for result in run_as_torchrun("-m", "socal_core.training.worker", run.path, "--resume"):
        assert result.returncode == 0, result.stderr
    assert read_status(run).state is RunState.DONE


@pytest.mark.slow
def test_embed_under_torchrun_writes_the_table_of_one_process(tmp_path: Path, shared_data_folder: Path) -> None:
    command = ["-m", "socal_core", "embed", shared_data_folder, "--set", f"model={small_model()}"]
    command += ["--set", "encoder=video", "--set", "num_frames=4"]
    for result in run_as_torchrun(*command, "--out", tmp_path / "two.parquet"):
        assert result.returncode == 0, result.stderr
    assert result.stdout == ""  # only the main process reports the file
    _forget_features()
    assert run_preloaded(*command, "--out", tmp_path / "one.parquet").returncode == 0
    assert pq.read_table(tmp_path / "two.parquet").equals(pq.read_table(tmp_path / "one.parquet"))


@pytest.mark.slow
def test_two_processes_cross_validate_through_a_stop_as_one(tmp_path: Path, shared_data_folder: Path) -> None:
    alone = new_cross_validation(tmp_path / "alone", shared_data_folder, **NO_DROPOUT)
    assert cross_validate(alone) is RunState.DONE
    path = tmp_path / "cv"
    command = ["-m", "socal_core", "cv", shared_data_folder, "--run", path, "--config", alone.config_file]
    code = STOPPED_AT.replace("training.worker import work", "training.cross_validation import cross_validate as work")
    run = new_cross_validation(path, shared_data_folder, **NO_DROPOUT)
    for result in run_as_torchrun("-c", code.replace("resume=True, ", ""), path, "Fold 2 of 2"):
        assert (result.returncode, result.stdout) == (0, "stopped\n"), result.stderr
    first = folds_of(run)[0].run
    trained = first.predictions_file.stat().st_mtime_ns
    run.stop_file.unlink()
    for result in run_as_torchrun(*command, "--resume"):
        assert result.returncode == 0, result.stderr
    assert read_status(run).state is RunState.DONE
    assert first.predictions_file.stat().st_mtime_ns == trained
    assert first.read_environment().processes == 2
    np.testing.assert_allclose(
        predictions(run)["prob_success"], predictions(alone)["prob_success"], atol=1e-5, err_msg="pooled"
    )
