"""Complete checkpoints: weights, optimiser, schedule and progress, all or nothing on disk."""

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from socal_core.errors import RunError
from socal_core.models.build import VideoClassifier, save_classifier
from socal_core.runs.checkpoints import (
    OPTIMIZER_FILE,
    TrainingState,
    checkpoint_path,
    damage_of,
    list_checkpoints,
    write_manifest,
    write_training_state,
)
from socal_core.runs.folder import RunFolder

KEPT = 2
"""Checkpoints that are kept beside the best one."""


def save_checkpoint(
    run: RunFolder, classifier: VideoClassifier, state: TrainingState, tensors: dict[str, dict[str, Any]]
) -> None:
    """Write the checkpoint of this state in one step, then remove all but the last two and the best.

    tensors: state dicts by name, such as optimizer and scheduler.
    """
    target = checkpoint_path(run, state.epoch, state.step)
    if damage_of(target) == "":
        return  # stopped where it was resumed: training is the same to the bit
    draft = target.with_name(f".{target.name}.tmp")
    for left in run.checkpoints.glob(".*.tmp"):  # by a crash
        shutil.rmtree(left)
    draft.mkdir(parents=True)
    try:
        save_classifier(classifier, draft)
        torch.save(tensors, draft / OPTIMIZER_FILE)
        write_training_state(draft, state)
        write_manifest(draft)
    # safetensors and PyTorch have errors of their own for a disk that takes no more.
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        free = shutil.disk_usage(run.path).free / 1e6
        raise RunError(
            f"A checkpoint could not be written, {free:,.0f} MB are free on the disk of the run. The one before "
            "is whole. Make room and resume the run."
        ) from error
    for file in [*draft.iterdir(), draft]:
        _sync(file)
    if target.exists():  # damaged, or it would have been kept
        shutil.rmtree(target)
    draft.rename(target)
    _sync(run.checkpoints)
    best = checkpoint_path(run, state.best_epoch)
    for other in list_checkpoints(run)[KEPT:]:
        if other != best:
            shutil.rmtree(other)


def load_tensors(checkpoint: Path) -> dict[str, dict[str, Any]]:
    """The state dicts of a checkpoint; RunError when damaged. Only tensors and plain values are read, never code."""
    try:
        tensors: dict[str, dict[str, Any]] = torch.load(
            checkpoint / OPTIMIZER_FILE, map_location="cpu", weights_only=True
        )
    # What torch raises for a damaged file depends on where the damage is.
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError):
        raise RunError(f"Checkpoint {checkpoint.name} is damaged: {OPTIMIZER_FILE} cannot be read.") from None
    return tensors


def _sync(path: Path) -> None:
    """Have the system put a file or a folder's entries on the disk before anything later."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
