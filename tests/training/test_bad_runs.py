"""Runs that fail: each ends in a clear state with advice, and other runs are not affected."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.errors import RunError
from socal_core.lifecycle.launch import start
from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import load_classifier
from socal_core.runs.checkpoint_folders import best_checkpoint, list_checkpoints, newest_checkpoint, write_manifest
from socal_core.runs.events import Event, epochs_table, notices, read_events
from socal_core.runs.folder import RunFolder
from socal_core.splits import Split
from socal_core.training import loop
from socal_core.training.batches import Batch, training_batches
from socal_core.training.worker import work
from tests.dataset.editing import edit_column, replace_line
from tests.disks import on_small_disk
from tests.memory_limits import little_memory
from tests.training.killer import timeless, weights_hash
from tests.training.small_runs import QUICK, new_run

MB = 10**6


def content_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(autouse=True)
def neighbour(done_run: RunFolder, tmp_path: Path) -> Iterator[None]:
    """A finished run next to the one that fails."""
    folder = tmp_path / "neighbour"
    shutil.copytree(done_run.path, folder)
    before = content_of(folder)
    yield
    assert content_of(folder) == before


@pytest.fixture
def stopped_run(tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    """A run stopped in its third epoch, with checkpoints of the first, of the second if best, and of the stop."""
    run = new_run(tmp_path / "run", shared_data_folder)

    def stop(event: Event) -> None:
        if (event["type"], event.get("epoch")) == ("step", 3):
            run.stop_file.touch()

    assert work(run, resume=False, echo=stop) is RunState.STOPPED
    return run


def failure_of(run: RunFolder, resume: bool = False) -> str:
    assert work(run, resume) is RunState.FAILED
    status = read_status(run)
    assert status.state is RunState.FAILED
    return status.reason


@pytest.mark.slow
def test_trials_with_one_outcome_are_refused(tmp_path: Path, data_folder: Path) -> None:
    edit_column(data_folder / layout.OUTCOMES_FILE, "success", "1")
    assert "All usable trials end in success: there is nothing" in failure_of(new_run(tmp_path / "run", data_folder))


@pytest.fixture
def by_surgeon(shared_data_folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the trials of each surgeon, beginning with surgeons whose trials have one outcome."""
    outcomes = open_dataset(shared_data_folder).usable_trials
    parts = sorted(outcomes.groupby("participant_id"), key=lambda item: item[1]["success"].nunique())
    return {str(name): tuple(part.index) for name, part in parts}


@pytest.mark.slow
def test_a_training_subset_with_one_outcome_is_refused(
    tmp_path: Path, shared_data_folder: Path, by_surgeon: dict[str, tuple[str, ...]]
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    alike, validation, *test = by_surgeon.values()
    run.write_split(Split(alike, validation, tuple(chain(*test)), seed=0))
    assert "No training trial has the outcome failure, so it cannot be learned. Choose another seed" in failure_of(run)


@pytest.mark.slow
def test_a_validation_subset_with_one_outcome_has_no_auroc_but_training_works(
    tmp_path: Path, shared_data_folder: Path, by_surgeon: dict[str, tuple[str, ...]]
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    alike, test, *train = by_surgeon.values()
    run.write_split(Split(tuple(chain(*train)), alike, test, seed=0))
    assert work(run, resume=False) is RunState.DONE
    epochs = epochs_table(read_events(run.events_file))
    assert epochs["val_auroc"].isna().all()
    assert epochs["val_accuracy"].notna().all()
    assert run.read_metrics() is not None


@pytest.mark.slow
def test_a_loss_that_becomes_nan_leaves_the_last_good_checkpoints(
    tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(*arguments: Any) -> Iterator[Batch]:
        for batch in training_batches(*arguments):
            epoch = arguments[5]
            yield replace(batch, pixel_values=batch.pixel_values * torch.nan) if epoch == 3 else batch

    monkeypatch.setattr(loop, "training_batches", spoiled)
    run = new_run(tmp_path / "run", shared_data_folder)
    assert "The loss is no longer a number (epoch 3, step 1)" in failure_of(run)
    epochs = epochs_table(read_events(run.events_file))
    best = int(epochs.loc[epochs["best"].astype(bool), "epoch"].max())
    assert newest_checkpoint(run) is not None
    assert best_checkpoint(run).name == f"epoch-{best:04d}"
    weights = load_classifier(best_checkpoint(run)).model.state_dict()
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())


@pytest.mark.slow
def test_fewer_trials_than_a_batch_are_one_step(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, batch_size=1024, accumulation_steps=64)
    assert work(run, resume=False) is RunState.DONE
    assert {event["steps"] for event in read_events(run.events_file) if event["type"] == "step"} == {1}


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["maybe", "2", "-1", "0.5", ""])
@pytest.mark.sampled(2)
def test_trials_with_another_outcome_are_left_out_and_named(tmp_path: Path, data_folder: Path, outcome: str) -> None:
    outcomes = data_folder / layout.OUTCOMES_FILE
    column = layout.OUTCOME_COLUMNS.index("success")
    row = outcomes.read_text().splitlines()[1].split(",")
    replace_line(outcomes, 2, ",".join([*row[:column], outcome, *row[column + 1 :]]))
    run = new_run(tmp_path / "run", data_folder, num_epochs=1)
    assert work(run, resume=False) is RunState.DONE
    assert row[0] not in run.read_split().trial_ids
    assert any(row[0] in problem.parameters.values() or problem.row == 2 for problem in run.open_dataset().problems)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 99}, "config.json has format 99, this version reads 1. Update the app."),
        ({"attention": "linear"}, "this version does not know (attention). A newer version wrote it: update the app."),
    ],
    ids=["format", "setting"],
)
def test_a_config_of_a_newer_version(
    tmp_path: Path, shared_data_folder: Path, change: dict[str, Any], words: str
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    run.config_file.write_text(json.dumps(json.loads(run.config_file.read_text()) | change))
    with pytest.raises(RunError) as caught:
        start(run)
    assert words in str(caught.value)
    assert not run.status_file.exists()


@pytest.mark.slow
def test_a_model_that_does_not_exist(tmp_path: Path, shared_data_folder: Path) -> None:
    reason = failure_of(new_run(tmp_path / "run", shared_data_folder, model="nobody/nothing-at-all"))
    assert "nobody/nothing-at-all" in reason
    assert "tiny" in reason


@pytest.mark.slow
def test_a_moved_run_continues_in_its_new_folder(done_run: RunFolder, stopped_run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = RunFolder(stopped_run.path.rename(tmp_path / "elsewhere" / "renamed"))
    assert read_status(moved).state is RunState.STOPPED
    assert work(moved, resume=True) is RunState.DONE
    assert weights_hash(newest_checkpoint(moved)) == weights_hash(newest_checkpoint(done_run))
    assert moved.predictions_file.read_bytes() == done_run.predictions_file.read_bytes()
    assert not stopped_run.path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["step", "epoch"])
@pytest.mark.sampled(1)
def test_a_run_whose_folder_is_moved_while_it_trains_creates_no_second_one(
    tmp_path: Path, shared_data_folder: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    moved = RunFolder(tmp_path / "moved")

    def move(event: Event) -> None:
        if (event["type"], event.get("epoch")) == (kind, 1):
            run.path.rename(moved.path)

    assert work(run, resume=False, echo=move) is RunState.FAILED
    assert "was moved or deleted while it trained" in caplog.text
    assert not run.path.exists()
    assert read_status(moved).state is RunState.INTERRUPTED
    assert work(moved, resume=True) is RunState.DONE


LOSSES = {
    "split.json", "environment.json", "events.jsonl", "status.json", "worker.lock", "checkpoints",
    "checkpoints/*/model.safetensors", "checkpoints/*/optimizer.pt", "checkpoints/*/training.json",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("lost", sorted(LOSSES))
@pytest.mark.sampled(3)
def test_a_half_deleted_run_resumes_to_the_same_weights(done_run: RunFolder, stopped_run: RunFolder, lost: str) -> None:
    path = max(stopped_run.path.glob(lost))  # of the newest checkpoint
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    damaged = lost.startswith("checkpoints/")
    assert len(list_checkpoints(stopped_run)) == 0 or len(list_checkpoints(stopped_run)) >= 2
    assert work(stopped_run, resume=True) is RunState.DONE
    assert weights_hash(newest_checkpoint(stopped_run)) == weights_hash(newest_checkpoint(done_run))
    assert stopped_run.predictions_file.read_bytes() == done_run.predictions_file.read_bytes()
    said = notices(read_events(stopped_run.events_file))
    assert [notice for notice in said if "is damaged" in notice and "was skipped" in notice] == said
    assert len(said) == damaged


@pytest.mark.slow
def test_a_folder_without_settings_is_not_a_run(stopped_run: RunFolder) -> None:
    stopped_run.config_file.unlink()
    left = content_of(stopped_run.path)
    with pytest.raises(RunError, match=r"config\.json is missing"):
        start(stopped_run, resume=True)
    with pytest.raises(RunError, match=r"is not a run: it has no config\.json"):
        RunFolder.open(stopped_run.path)
    assert content_of(stopped_run.path).keys() - {"worker.lock"} == left.keys() - {"worker.lock"}


@pytest.mark.slow
@pytest.mark.parametrize("content", ["bit", "pickle"])
def test_a_modified_checkpoint_is_skipped(
    done_run: RunFolder, stopped_run: RunFolder, tmp_path: Path, content: str
) -> None:
    newest = newest_checkpoint(stopped_run)
    assert newest is not None
    target, victim = newest / "optimizer.pt", tmp_path / "victim"
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    hostile = f"cposix\nsystem\n(S'touch {victim}'\ntR.".encode()
    target.write_bytes(data if content == "bit" else hostile)
    assert work(stopped_run, resume=True) is RunState.DONE
    (notice,) = notices(read_events(stopped_run.events_file))
    assert (
        notice == f"Checkpoint {newest.name} is damaged (optimizer.pt was changed after it was saved) and was skipped."
    )
    assert not victim.exists()
    assert weights_hash(newest_checkpoint(stopped_run)) == weights_hash(newest_checkpoint(done_run))
    assert timeless(read_events(stopped_run.events_file)) == timeless(read_events(done_run.events_file))


@pytest.mark.slow
def test_a_pickle_with_a_matching_hash_is_not_executed(stopped_run: RunFolder, tmp_path: Path) -> None:
    """An attacker who can write the file can also write the manifest."""
    newest, victim = newest_checkpoint(stopped_run), tmp_path / "victim"
    assert newest is not None
    (newest / "optimizer.pt").write_bytes(f"cposix\nsystem\n(S'touch {victim}'\ntR.".encode())
    (newest / "manifest.json").unlink()
    write_manifest(newest)
    reason = failure_of(stopped_run, resume=True)
    assert f"Checkpoint {newest.name} is damaged: optimizer.pt cannot be read." in reason
    assert not victim.exists()


ON_A_FULL_DISK = """
import json, os, sys
from pathlib import Path
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.settings import TINY, config_from
from socal_core.runs.folder import RunFolder
from socal_core.lifecycle.state import read_status
from socal_core.training.worker import work
config = config_from(json.loads(sys.argv[2]), TINY)
run = RunFolder.create(Path(os.environ["SOCAL_WORKSPACE"]) / "run", config, Path(sys.argv[1]))
work(run, resume=False)
full = read_status(run)
newest = newest_checkpoint(run)
print(json.dumps([full.state, full.reason, newest and newest.name]))
"""


@pytest.mark.slow
def test_a_full_disk_ends_a_run_with_a_message_and_an_intact_checkpoint(shared_data_folder: Path) -> None:
    state, reason, newest = on_small_disk("40m", ON_A_FULL_DISK, shared_data_folder, json.dumps(QUICK))
    assert state == RunState.FAILED
    assert "A checkpoint could not be written" in reason and "and resume the run." in reason
    assert newest == "epoch-0001"


ON_A_READ_ONLY_DISK = """
import json, os, subprocess, sys
from pathlib import Path
from socal_core.errors import RunError
from socal_core.settings import TINY, config_from
from socal_core.runs.folder import RunFolder
from socal_core.lifecycle.launch import request_stop, start
from socal_core.lifecycle.state import read_status
from socal_core.training.worker import work
workspace = os.environ["SOCAL_WORKSPACE"]
config = config_from(json.loads(sys.argv[2]), TINY)
first, second = (RunFolder.create(Path(workspace) / name, config, Path(sys.argv[1])) for name in ("first", "second"))
def protect(event):
    if event["type"] == "epoch":
        subprocess.run(["mount", "--bind", workspace, workspace], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", workspace], check=True)
said = []
work(first, False, echo=protect)
make = lambda: RunFolder.create(Path(workspace) / "third", config, Path())
for act in (lambda: start(second), lambda: work(second, True), make):
    try:
        act()
    except RunError as error:
        said.append(str(error))
print(json.dumps([read_status(first).state, read_status(first).reason, said]))
"""


@pytest.mark.slow
def test_a_disk_that_becomes_read_only(shared_data_folder: Path) -> None:
    state, reason, said = on_small_disk("200m", ON_A_READ_ONLY_DISK, shared_data_folder, json.dumps(QUICK))
    assert state == RunState.INTERRUPTED
    assert reason == "The run's folder cannot be written to. Allow writing there and resume the run."
    assert said == [
        "Run second cannot be started: Read-only file system.",
        "Run second cannot be started: Read-only file system.",
        "Run third cannot be written: Read-only file system. Choose another folder.",
    ]


@pytest.mark.slow
def test_the_oom_killer_of_the_kernel_is_reported(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)
    with little_memory(300 * MB) as prefix:
        if prefix is None:
            pytest.skip("no control group can be made here")
        command = [*prefix, sys.executable, "-m", "socal_core.training.worker", str(run.path)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, env=dict(os.environ))
        assert ended.returncode == -9, ended.stderr
        status = read_status(run)
    assert status.state is RunState.INTERRUPTED
    assert "memory ran out and the system killed the training process (OOM killer)" in status.reason
    assert "more accumulation_steps" in status.reason
    assert work(run, resume=True) is RunState.DONE
