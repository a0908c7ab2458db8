"""socal_core.training.checkpoint and runs.checkpoints"""

from pathlib import Path

import pytest
import torch

from socal_core.errors import RunError
from socal_core.models.build import VideoClassifier, build_classifier
from socal_core.runs.checkpoints import TrainingState, best_checkpoint, newest_checkpoint, read_training_state
from socal_core.runs.config import TINY, config_from
from socal_core.runs.folder import RunFolder
from socal_core.training.checkpoint import load_tensors, save_checkpoint

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


def test_what_is_saved_comes_back(run: RunFolder, classifier: VideoClassifier) -> None:
    save_checkpoint(run, classifier, state(1, 1), TENSORS)
    newest = newest_checkpoint(run)
    assert newest is not None
    assert read_training_state(newest) == state(1, 1)
    assert load_tensors(newest)["optimizer"]["step"] == 3


def test_the_last_and_the_best_are_kept(run: RunFolder, classifier: VideoClassifier) -> None:
    for epoch, best in [(1, 1), (2, 2), (3, 2), (4, 2)]:
        save_checkpoint(run, classifier, state(epoch, best), TENSORS)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["epoch-0002", "epoch-0004"]
    assert best_checkpoint(run).name == "epoch-0002"
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0004"


def test_a_save_that_was_cut_short_does_not_count_and_is_cleared(run: RunFolder, classifier: VideoClassifier) -> None:
    save_checkpoint(run, classifier, state(1, 1), TENSORS)
    draft = run.checkpoints / ".epoch-0002.tmp"
    draft.mkdir()
    (draft / "model.safetensors").write_bytes(b"half")
    assert newest_checkpoint(run) == run.checkpoints / "epoch-0001"
    save_checkpoint(run, classifier, state(2, 2), TENSORS)
    assert [path.name for path in run.checkpoints.iterdir()] == ["epoch-0002"]
    assert load_tensors(run.checkpoints / "epoch-0002")["optimizer"]["step"] == 3


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
    with pytest.raises(RunError, match=r"epoch-0001 is damaged: training\.json"):
        read_training_state(checkpoint)
