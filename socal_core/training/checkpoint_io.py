"""Write and read checkpoints: weights, optimizer, schedule and progress. A checkpoint appears on disk complete."""

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
from socal_core.file_handles import handles_explained
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
"""Longest time between two checkpoints, also within an epoch, so that a crash loses no more work than this."""
WRITING_FRACTION = 0.01
"""Fraction of the time that additional checkpoints may take: 25 MB take 0.1 s, and an epoch of the demo 2 s."""

State = dict[str, Any]
"""Tensors and plain values by name, which may be nested."""


class Checkpoints:
    """Writes the checkpoints of a run: the required ones, and others as long as writing takes little of the time.

    A best epoch that is not written yet is kept in memory until the next checkpoint. If the process is killed before,
    resuming trains that epoch again, with identical results.
    """

    def __init__(self, run: RunFolder, classifier: VideoClassifier) -> None:
        """Start without a checkpoint.

        Args:
            run: The run.
            classifier: The model and its preprocessing.
        """
        self._run, self._classifier = run, classifier
        self._best: tuple[TrainingState, State, State] | None = None
        """State, tensors and weights of the best epoch, if it is not on disk."""
        self._last: TrainingState | None = None
        self._at = time.monotonic()
        self._seconds = 0.0

    @property
    def age(self) -> float:
        """The time in seconds since the last checkpoint, or since training started."""
        return time.monotonic() - self._at

    def offer(self, state: TrainingState, tensors: State, weights: State) -> None:
        """Write the checkpoint of an epoch if it is time to, else keep it in memory if it is the best so far.

        Args:
            state: The state after the epoch.
            tensors: The state dicts of optimizer, schedule and scaler.
            weights: The weights of the model that the run predicts with.

        Raises:
            RunError: The checkpoint cannot be written.
        """
        if self.age >= min(CHECKPOINT_SECONDS, self._seconds / WRITING_FRACTION):
            self.write(state, tensors, weights)
        elif state.epoch == state.best_epoch:
            self._best = None  # frees the old copy before the new one is made
            self._best = state, _copied(tensors), _copied(weights)

    def write(self, state: TrainingState, tensors: State, weights: State) -> None:
        """Write a checkpoint of the current model, and the best epoch if it is only in memory.

        Args:
            state: The current state.
            tensors: The state dicts of optimizer, schedule and scaler.
            weights: The weights of the model that the run predicts with.

        Raises:
            RunError: The checkpoint cannot be written.
        """
        if state == self._last:
            return
        started = time.monotonic()
        if state.best_epoch != state.epoch or state.step:
            self.write_best()
        save_checkpoint(self._run, self._classifier, state, tensors, weights)
        self._best, self._last = None, state
        self._at = time.monotonic()
        self._seconds = self._at - started

    def write_best(self) -> None:
        """Write the best epoch if it is only in memory."""
        best, self._best = self._best, None
        if best is not None:
            save_checkpoint(self._run, self._classifier, *best)

    def rescue_best(self) -> None:
        """Write the best epoch of a run that has failed; errors are only logged, so as not to hide the failure."""
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
    """Write the checkpoint of a fine-tuned model with `write_checkpoint`.

    Args:
        run: The run.
        classifier: The model.
        state: The training state.
        tensors: State dicts by name, such as optimizer and scheduler.
        weights: The weights of the model; None for the current ones.

    Raises:
        RunError: The checkpoint cannot be written, or the folder of the run is gone.
    """

    def write(draft: Path) -> None:
        save_classifier(classifier, draft, weights)
        with _without_checksums():
            torch.save(tensors, draft / OPTIMIZER_FILE)

    write_checkpoint(run, state, write)


def write_checkpoint(run: RunFolder, state: TrainingState, write: Callable[[Path], None]) -> None:
    """Write a checkpoint in one step, then remove all checkpoints except the last two and the best.

    Args:
        run: The run.
        state: The training state.
        write: Writes the files of the model into the given folder.

    Raises:
        RunError: The checkpoint cannot be written, or the folder of the run is gone.
    """
    target = checkpoint_path(run, state.epoch, state.step)
    if damage_of(target) == "":
        return  # the run was stopped where it was resumed, so the checkpoint would be identical
    for left in run.checkpoints.glob(".*.tmp"):  # by a crash
        shutil.rmtree(left)
    try:
        run.checkpoints.mkdir(exist_ok=True)  # without parents: the folder of the run may have been moved meanwhile
        with new_folder(target) as draft:
            write(draft)
            write_training_state(draft, state)
            write_manifest(draft)
            for file in [*draft.iterdir(), draft]:
                sync(file)
            if target.exists():  # then it is damaged
                shutil.rmtree(target)
        sync(run.checkpoints)
    # safetensors and PyTorch raise their own errors if the disk is full.
    except (OSError, RuntimeError, SafetensorError) as error:
        if not run.path.is_dir():
            raise RunError(GONE) from None
        free = shutil.disk_usage(run.path).free / 1e6
        raise RunError(
            f"A checkpoint could not be written; the disk of the run has {free:,.0f} MB free. The previous checkpoint "
            "is complete. Make room, or allow writing there, and resume the run."
        ) from error
    best, found = checkpoint_path(run, state.best_epoch), list_checkpoints(run)
    newer = found.index(target)  # newer checkpoints are damaged, since training continued from an older one
    for other in [*found[:newer], *found[newer + KEPT :]]:
        if other != best:
            shutil.rmtree(other)


def load_tensors(checkpoint: Path) -> State:
    """Read the state dicts of a checkpoint; only tensors and plain values are read, never code.

    Raises:
        RunError: The file is damaged.
        TooManyFilesError: Too many files are open.
    """
    try:
        with handles_explained():
            tensors: State = torch.load(checkpoint / OPTIMIZER_FILE, map_location="cpu", weights_only=True)
    # The error that torch raises for a damaged file depends on the position of the damage.
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError):
        raise RunError(f"Checkpoint {checkpoint.name} is damaged: {OPTIMIZER_FILE} cannot be read.") from None
    return tensors


@contextmanager
def _without_checksums() -> Iterator[None]:
    """Turn off PyTorch's own checksums, which take as long as the SHA-256 that the manifest contains anyway."""
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        yield
    finally:
        torch.serialization.set_crc32_options(before)


def _copied(value: Any) -> Any:
    """Return a deep copy of a state dict, with its tensors on the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
