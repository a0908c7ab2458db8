"""Where a run's checkpoints lie and what they say, without their tensors.

A checkpoint is a folder: `checkpoints/epoch-0007` after an epoch, `epoch-0007-step-00012` within the next one. It holds
a Hugging Face model folder, the tensors of optimiser, schedule and scaler, `training.json`, and `manifest.json` with
the size and SHA-256 of every other file, written last. The folder is made under a name that starts with a dot and
renamed when complete. What is damaged later is found by the manifest, and an older checkpoint is taken.
"""

import hashlib
import re
from pathlib import Path

from socal_core.errors import RunError
from socal_core.runs.files.records import MANIFEST, TRAINING, Manifest, TrainingState
from socal_core.runs.files.run_file import NewerFormatError
from socal_core.runs.folder import RunFolder

OPTIMIZER_FILE = "optimizer.pt"
KEPT = 2
"""Checkpoints that are kept beside the best one."""
_NAME = re.compile(r"epoch-(\d{4,})(?:-step-(\d{5,}))?")


def checkpoint_path(run: RunFolder, epoch: int, step: int = 0) -> Path:
    """Where the checkpoint after an epoch, or after some steps of the next, lies."""
    return run.checkpoints / (f"epoch-{epoch:04d}" + (f"-step-{step:05d}" if step else ""))


def list_checkpoints(run: RunFolder) -> list[Path]:
    """The checkpoints by their names alone, whole or not; the newest first."""
    if not run.checkpoints.is_dir():
        return []
    found = [(match, path) for path in run.checkpoints.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for match, path in sorted(found, key=lambda item: _order(item[0]), reverse=True)]


def newest_checkpoint(run: RunFolder) -> Path | None:
    """The checkpoint to go on from: the newest whole one; None when there is none."""
    return next((path for path in list_checkpoints(run) if damage_of(path) == ""), None)


def checkpoint_to_resume(run: RunFolder) -> tuple[Path | None, list[str]]:
    """As `newest_checkpoint`, and in words which newer ones had to be passed over.

    RunError when there are checkpoints and none of them is whole: to begin anew would hide that from the user.
    """
    passed: list[str] = []
    for path in list_checkpoints(run):
        damage = damage_of(path)
        if not damage:
            return path, passed
        passed.append(f"Checkpoint {path.name} is damaged ({damage}) and was skipped.")
    if passed:
        raise RunError(
            f"No checkpoint of run {run.name} is complete, so there is nothing to continue from. Start a new run, or "
            "delete the run's folder checkpoints to train this one from the beginning."
        )
    return None, []


def best_checkpoint(run: RunFolder) -> Path:
    """The checkpoint with the lowest validation loss; RunError before an epoch is done, or when it is damaged."""
    newest = newest_checkpoint(run)
    best = 0 if newest is None else read_training_state(newest).best_epoch
    if not best:
        raise RunError(f"Run {run.name} has no checkpoint: no epoch was finished. Resume it or start a new run.")
    checkpoint = checkpoint_path(run, best)
    damage = damage_of(checkpoint) if checkpoint != newest else ""
    if damage:
        raise RunError(
            f"The best checkpoint of run {run.name}, {checkpoint.name}, is damaged: {damage}. Train it again."
        )
    return checkpoint


def damage_of(checkpoint: Path) -> str:
    """Compare the files of a checkpoint with its manifest.

    Returns:
        What is wrong; "" when each file has the size and SHA-256 of the manifest.

    Raises:
        NewerFormatError: A newer version of the app wrote the manifest.
    """
    try:
        manifest = MANIFEST.read(checkpoint, _owner(checkpoint))
        for name, (size, digest) in manifest.files.items() if manifest else ():
            path = checkpoint / name
            if path.stat().st_size != size or digest_of(path) != digest:
                return f"{name} is not what was saved"
    except NewerFormatError:
        raise
    except (OSError, ValueError, RunError):  # a name with a zero byte is a ValueError
        manifest = None
    return "" if manifest else "a file is missing or cannot be read"


def write_manifest(checkpoint: Path) -> None:
    """Write down size and SHA-256 of every file in a checkpoint that is otherwise complete."""
    files = {path.name: (path.stat().st_size, digest_of(path)) for path in sorted(checkpoint.iterdir())}
    MANIFEST.write(checkpoint, Manifest(files))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_training_state(checkpoint: Path) -> TrainingState:
    """The numbers kept in a checkpoint; RunError when the file is missing or damaged."""
    state = TRAINING.read(checkpoint, _owner(checkpoint))
    if state is None:
        raise RunError(f"{_owner(checkpoint)}: {TRAINING.name} is missing. {TRAINING.remedy}")
    return state


def write_training_state(checkpoint: Path, state: TrainingState) -> None:
    """Write the numbers into a checkpoint that is being made."""
    TRAINING.write(checkpoint, state)


def _owner(checkpoint: Path) -> str:
    """How a message about one of its files begins."""
    return f"Checkpoint {checkpoint.name}"


def _order(match: re.Match[str]) -> tuple[int, int]:
    return int(match[1]), int(match[2] or 0)
