"""socal_core.training.checkpoint_io and runs.checkpoints"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from socal_core.errors import RunError
from socal_core.models.build import VideoClassifier, build_classifier, load_classifier
from socal_core.runs.checkpoint_folders import (
    best_checkpoint,
    checkpoint_to_resume,
    list_checkpoints,
    newest_checkpoint,
    read_training_state,
)
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.training import checkpoint_io as saving
from socal_core.training.checkpoint_io import Checkpoints, load_tensors, save_checkpoint

CONFIG = config_from({"num_frames": 2}, TINY)
TENSORS = {"optimizer": {"step": torch.tensor(3)}}


@pytest.fixture(scope="module")
def classifier() -> VideoClassifier:
    return build_classifier(CONFIG)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", CONFIG, tmp_path)


def state(epoch: int, best: int) -> TrainingState:
    return TrainingState(epoch=epoch, best_epoch=best, best_val_loss=0.5, epochs_without_improvement=epoch - best)


def test_a_checkpoint_is_read_as_saved(run: RunFolder, classifier: VideoClassifier) -> None:
    save_checkpoint(run, classifier, state(1, 1), TENSORS)
    newest = newest_checkpoint(run)
    assert newest is not None
    assert read_training_state(newest) == state(1, 1)
    assert load_tensors(newest)["optimizer"]["step"] == 3


def test_the_last_and_the_best_are_kept(run: RunFolder, classifier: VideoClassifier) -> None:
    for epoch, best in [(1, 1), (2, 2), (3, 2), (4, 2), (5, 2)]:
        save_checkpoint(run, classifier, state(epoch, best), TENSORS)
    save_checkpoint(run, classifier, replace(state(5, 2), step=3, loss_sum=1.5), TENSORS)
    expected = ["epoch-0002", "epoch-0005", "epoch-0005-step-00003"]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == expected
    assert best_checkpoint(run).name == "epoch-0002"
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0005-step-00003"
    assert read_training_state(run.checkpoints / "epoch-0005-step-00003").loss_sum == 1.5


def test_checkpoints_are_in_numerical_order(run: RunFolder) -> None:
    names = ["epoch-0002", "epoch-0002-step-00009", "epoch-0002-step-00010", "epoch-0010", "epoch-10000"]
    for name in [*names[::-1], "epoch-7", ".epoch-0011.tmp", "other"]:
        (run.checkpoints / name).mkdir()
    assert [path.name for path in list_checkpoints(run)] == names[::-1]


def test_an_incomplete_checkpoint_does_not_count_and_is_removed(run: RunFolder, classifier: VideoClassifier) -> None:
    save_checkpoint(run, classifier, state(1, 1), TENSORS)
    draft = run.checkpoints / ".epoch-0002.tmp"
    draft.mkdir()
    (draft / "model.safetensors").write_bytes(b"half")
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0001"
    save_checkpoint(run, classifier, state(2, 2), TENSORS)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["epoch-0001", "epoch-0002"]
    assert load_tensors(run.checkpoints / "epoch-0002")["optimizer"]["step"] == 3


@pytest.fixture
def changing() -> VideoClassifier:
    return build_classifier(CONFIG)


def train_to(number: int, classifier: VideoClassifier) -> dict[str, dict[str, torch.Tensor]]:
    """A model whose weights and tensors encode a step number, and are changed in place as in training."""
    with torch.no_grad():
        classifier.model.classifier.weight.fill_(number)
    MOMENTS["optimizer"]["moment"].fill_(number)
    return MOMENTS


MOMENTS = {"optimizer": {"moment": torch.zeros(3)}}


def moments_of(run: RunFolder) -> dict[str, int]:
    """Return the step numbers that the weights and tensors of each checkpoint encode."""
    found = {}
    for checkpoint in list_checkpoints(run):
        weights = set(load_classifier(checkpoint).model.classifier.weight.flatten().tolist())
        (number,) = weights | set(load_tensors(checkpoint)["optimizer"]["moment"].tolist())
        found[checkpoint.name] = int(number)
    return found


def test_short_epochs_leave_few_checkpoints_and_the_best_is_not_lost(run: RunFolder, changing: VideoClassifier) -> None:
    checkpoints = Checkpoints(run, changing)
    for epoch, best in [(1, 1), (2, 2), (3, 3), (4, 3)]:
        checkpoints.offer(state(epoch, best), train_to(epoch, changing), changing.model.state_dict())
    assert moments_of(run) == {"epoch-0001": 1}, "the first one tells how long writing takes"
    checkpoints.write(state(4, 3), train_to(4, changing), changing.model.state_dict())
    assert moments_of(run) == {"epoch-0004": 4, "epoch-0003": 3}
    assert best_checkpoint(run).name == "epoch-0003"
    checkpoints.offer(state(5, 5), train_to(5, changing), changing.model.state_dict())
    checkpoints.write(replace(state(5, 5), step=2), train_to(6, changing), changing.model.state_dict())
    assert moments_of(run) == {"epoch-0005-step-00002": 6, "epoch-0005": 5}
    checkpoints.offer(state(6, 6), train_to(7, changing), changing.model.state_dict())
    train_to(8, changing)
    checkpoints.write_best()
    assert moments_of(run)["epoch-0006"] == 7


def test_a_checkpoint_is_written_when_it_takes_a_small_fraction_of_the_time(
    run: RunFolder, changing: VideoClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(run, changing)
    monkeypatch.setattr(saving, "WRITING_FRACTION", 1e9)
    for epoch in (1, 2):
        checkpoints.offer(state(epoch, 1), train_to(epoch, changing), changing.model.state_dict())
        assert newest_checkpoint(run) == run.checkpoints / f"epoch-000{epoch}"
    monkeypatch.setattr(saving, "WRITING_FRACTION", 1e-9)
    checkpoints.offer(state(3, 1), train_to(3, changing), changing.model.state_dict())
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0002"
    monkeypatch.setattr(saving, "CHECKPOINT_SECONDS", 0.0)
    checkpoints.offer(state(4, 1), train_to(4, changing), changing.model.state_dict())
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0004"


def files_of(checkpoint: Path) -> list[str]:
    return sorted(path.name for path in checkpoint.iterdir())


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def pose_a_pickle(path: Path) -> None:
    path.write_bytes(b"\x80\x02cposix\nsystem\n(S'true'\ntR.")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("spoil", [cut, empty, flip_a_bit, pose_a_pickle, Path.unlink])
def test_a_checkpoint_with_any_damaged_file_is_skipped(
    run: RunFolder, classifier: VideoClassifier, spoil: Callable[[Path], None]
) -> None:
    save_checkpoint(run, classifier, state(1, 1), TENSORS)
    first, second = run.checkpoints / "epoch-0001", run.checkpoints / "epoch-0002"
    for name in files_of(first):
        save_checkpoint(run, classifier, state(2, 2), TENSORS)
        assert newest_checkpoint(run) == second
        spoil(second / name)
        assert newest_checkpoint(run) == first, name
        taken, passed = checkpoint_to_resume(run)
        assert taken == first
        assert len(passed) == 1 and passed[0].startswith("Checkpoint epoch-0002 is damaged")
    save_checkpoint(run, classifier, state(2, 2), TENSORS)
    assert newest_checkpoint(run) == second, "a damaged one is replaced"


def test_damaged_newer_checkpoints_do_not_count_among_those_kept(run: RunFolder, classifier: VideoClassifier) -> None:
    for epoch in (1, 2, 3):
        save_checkpoint(run, classifier, state(epoch, 1), TENSORS)
    for name in ("epoch-0002", "epoch-0003"):
        flip_a_bit(run.checkpoints / name / "model.safetensors")
    stopped = replace(state(1, 1), step=2)
    save_checkpoint(run, classifier, stopped, TENSORS)
    assert [path.name for path in list_checkpoints(run)] == ["epoch-0001-step-00002", "epoch-0001"]


def test_a_failing_run_reports_its_own_error_not_that_of_the_rescue(
    run: RunFolder, changing: VideoClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(run, changing)
    for epoch in (1, 2):
        checkpoints.offer(state(epoch, epoch), TENSORS, changing.model.state_dict())
    shutil.rmtree(run.checkpoints)
    run.checkpoints.touch()
    checkpoints.rescue_best()
    assert "The best epoch could not be written." in caplog.text


def test_a_run_with_only_damaged_checkpoints_does_not_start_again(run: RunFolder, classifier: VideoClassifier) -> None:
    assert checkpoint_to_resume(run) == (None, [])
    save_checkpoint(run, classifier, state(1, 1), TENSORS)
    cut(run.checkpoints / "epoch-0001" / "model.safetensors")
    with pytest.raises(RunError, match="All checkpoints of run run are damaged"):
        checkpoint_to_resume(run)


def test_a_damaged_best_checkpoint_is_refused(run: RunFolder, classifier: VideoClassifier) -> None:
    for epoch in (1, 2):
        save_checkpoint(run, classifier, state(epoch, 1), TENSORS)
    flip_a_bit(run.checkpoints / "epoch-0001" / "model.safetensors")
    with pytest.raises(RunError, match=r"epoch-0001, is damaged: model\.safetensors was changed after it was saved"):
        best_checkpoint(run)


def test_without_a_checkpoint_there_is_no_best(run: RunFolder) -> None:
    assert newest_checkpoint(run) is None
    with pytest.raises(RunError, match="has no checkpoint"):
        best_checkpoint(run)


@pytest.mark.parametrize("content", [b"", b"half", b"\x80\x02cposix\nsystem\n(S'true'\ntR."])
def test_a_damaged_or_hostile_file_is_refused(run: RunFolder, classifier: VideoClassifier, content: bytes) -> None:
    save_checkpoint(run, classifier, state(1, 1), TENSORS)
    checkpoint = run.checkpoints / "epoch-0001"
    (checkpoint / "optimizer.pt").write_bytes(content)
    with pytest.raises(RunError, match=r"epoch-0001 is damaged: optimizer\.pt"):
        load_tensors(checkpoint)
    (checkpoint / "training.json").write_bytes(content)
    with pytest.raises(RunError, match=r"epoch-0001: training\.json cannot be read"):
        read_training_state(checkpoint)
