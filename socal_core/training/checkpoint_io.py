"""Complete checkpoints: weights, optimiser, schedule and progress, all or nothing on disk."""

import logging
import pickle
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from socal_core.errors import RunError
from socal_core.models.build import VideoClassifier, save_classifier
from socal_core.runs.checkpoint_folders import (
    KEPT,
    OPTIMIZER_FILE,
    checkpoint_path,
    damage_of,
    list_checkpoints,
    write_manifest,
    write_training_state,
)
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.storage import new_folder, sync
from socal_core.training.stop import GONE

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 600.0
"""There is a checkpoint as often as this, however long it takes, within a long epoch too: a crash costs no more."""
WRITING_SHARE = 0.01
"""Of the time, which more checkpoints than these may take: 25 MB take 0.1 s, and an epoch of the demo 2 s."""

State = dict[str, Any]
"""Tensors and plain values by name, perhaps nested."""


class Checkpoints:
    """Writes a run's checkpoints so rarely that it takes little of the time, beside those that must be.

    A best epoch that was not written is kept in memory until something is: what a kill takes away is trained again, to
    the same bit.
    """

    def __init__(self, run: RunFolder, classifier: VideoClassifier) -> None:
        self._run, self._classifier = run, classifier
        self._best: tuple[TrainingState, State, State] | None = None
        """With its tensors and weights, where it is not on the disk."""
        self._last: TrainingState | None = None
        self._at = time.monotonic()
        self._seconds = 0.0

    @property
    def age(self) -> float:
        """Seconds since a checkpoint was last written, or since training started."""
        return time.monotonic() - self._at

    def offer(self, state: TrainingState, tensors: State) -> None:
        """After an epoch: write it if it is time to, else keep it if it is the best so far."""
        if self.age >= min(CHECKPOINT_SECONDS, self._seconds / WRITING_SHARE):
            self.write(state, tensors)
        elif state.epoch == state.best_epoch:
            self._best = None  # before there are two copies
            self._best = state, _copied(tensors), _copied(self._classifier.model.state_dict())

    def write(self, state: TrainingState, tensors: State) -> None:
        """Write the model as it is now, and the best epoch; RunError when the disk takes it no more."""
        if state == self._last:
            return
        started = time.monotonic()
        if state.best_epoch != state.epoch or state.step:
            self.write_best()
        save_checkpoint(self._run, self._classifier, state, tensors)
        self._best, self._last = None, state
        self._at = time.monotonic()
        self._seconds = self._at - started

    def write_best(self) -> None:
        """Write the best epoch, where it is in memory alone."""
        best, self._best = self._best, None
        if best is not None:
            save_checkpoint(self._run, self._classifier, *best)

    def rescue_best(self) -> None:
        """As `write_best`, for a run that fails: what goes wrong now is logged, for the failure is what counts."""
        try:
            self.write_best()
        except (RunError, OSError, RuntimeError, MemoryError):
            logger.exception("The best epoch could not be written.")


def save_checkpoint(
    run: RunFolder,
    classifier: VideoClassifier,
    state: TrainingState,
    tensors: State,
    weights: State | None = None,
) -> None:
    """Write the checkpoint of a fine-tuned model, as `write_checkpoint` does.

    tensors: state dicts by name, such as optimizer and scheduler. weights: the model's, None for the present ones.
    """

    def write(draft: Path) -> None:
        save_classifier(classifier, draft, weights)
        with _without_checksums():
            torch.save(tensors, draft / OPTIMIZER_FILE)

    write_checkpoint(run, state, write)


def write_checkpoint(run: RunFolder, state: TrainingState, write: Callable[[Path], None]) -> None:
    """Write the checkpoint of a state in one step, then remove all but the last two and the best.

    Args:
        run: The run.
        state: How far training has come.
        write: Writes the files of the model into the folder that it is given.

    Raises:
        RunError: The disk does not take it, or the run's folder is gone.
    """
    target = checkpoint_path(run, state.epoch, state.step)
    if damage_of(target) == "":
        return  # stopped where it was resumed: training is the same to the bit
    for left in run.checkpoints.glob(".*.tmp"):  # by a crash
        shutil.rmtree(left)
    try:
        run.checkpoints.mkdir(exist_ok=True)  # never the run's folder: it may have been moved meanwhile
        with new_folder(target) as draft:
            write(draft)
            write_training_state(draft, state)
            write_manifest(draft)
            for file in [*draft.iterdir(), draft]:
                sync(file)
            if target.exists():  # damaged, or it would have been kept
                shutil.rmtree(target)
        sync(run.checkpoints)
    # safetensors and PyTorch have errors of their own for a disk that takes no more.
    except (OSError, RuntimeError, SafetensorError) as error:
        if not run.path.is_dir():
            raise RunError(GONE) from None
        free = shutil.disk_usage(run.path).free / 1e6
        raise RunError(
            f"A checkpoint could not be written, {free:,.0f} MB are free on the disk of the run. The one before is "
            "complete. Make room, or allow writing there, and resume the run."
        ) from error
    best, found = checkpoint_path(run, state.best_epoch), list_checkpoints(run)
    newer = found.index(target)  # so many were passed over, for they are damaged: they must not take a place
    for other in [*found[:newer], *found[newer + KEPT :]]:
        if other != best:
            shutil.rmtree(other)


def load_tensors(checkpoint: Path) -> State:
    """The state dicts of a checkpoint; RunError when damaged. Only tensors and plain values are read, never code."""
    try:
        tensors: State = torch.load(checkpoint / OPTIMIZER_FILE, map_location="cpu", weights_only=True)
    # What torch raises for a damaged file depends on where the damage is.
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError):
        raise RunError(f"Checkpoint {checkpoint.name} is damaged: {OPTIMIZER_FILE} cannot be read.") from None
    return tensors


@contextmanager
def _without_checksums() -> Iterator[None]:
    """Leave out PyTorch's own checksums: they take as long as the SHA-256 of the file, which the manifest holds."""
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        yield
    finally:
        torch.serialization.set_crc32_options(before)


def _copied(value: Any) -> Any:
    """A state dict whose tensors nobody changes any more, on the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
