"""The checkpoints of a run: their folders and training states, without tensors.

A checkpoint is a folder: `checkpoints/epoch-0007` after an epoch, `epoch-0007-step-00012` within the next one. It is a
Hugging Face model folder that also contains the tensors of optimizer, schedule and scaler, `training.json`, and
`manifest.json` with the size and SHA-256 of every other file, which is written last. The folder is written under a name
that starts with a dot and renamed when complete. The manifest reveals later damage; then an older checkpoint is used.
"""

import hashlib
import re
from pathlib import Path

from socal_core.errors import RunError
from socal_core.file_handles import handles_explained
from socal_core.runs.files.records import MANIFEST, TRAINING, Manifest, TrainingState
from socal_core.runs.files.run_file import NewerFormatError
from socal_core.runs.folder import RunFolder
from socal_core.storage import entries_of

OPTIMIZER_FILE = "optimizer.pt"
KEPT = 2
"""Number of checkpoints that are kept besides the best one."""
_NAME = re.compile(r"epoch-(\d{4,})(?:-step-(\d{5,}))?")


def checkpoint_path(run: RunFolder, epoch: int, step: int = 0) -> Path:
    """Return the path of the checkpoint after an epoch, or after some steps of the next epoch."""
    return run.checkpoints / (f"epoch-{epoch:04d}" + (f"-step-{step:05d}" if step else ""))


def list_checkpoints(run: RunFolder) -> list[Path]:
    """List the checkpoints by name, newest first; they may be damaged."""
    if not run.checkpoints.is_dir():
        return []
    found = [(match, path) for path in entries_of(run.checkpoints) if (match := _NAME.fullmatch(path.name))]
    return [path for match, path in sorted(found, key=lambda item: _order(item[0]), reverse=True)]


def newest_checkpoint(run: RunFolder) -> Path | None:
    """Return the newest intact checkpoint; None if there is none."""
    return next((path for path in list_checkpoints(run) if damage_of(path) == ""), None)


def checkpoint_to_resume(run: RunFolder) -> tuple[Path | None, list[str]]:
    """Find the newest intact checkpoint.

    Returns:
        The checkpoint, None if the run has none; and a message for each newer checkpoint that is damaged.

    Raises:
        RunError: All checkpoints are damaged. Training from the beginning would hide that from the user.
    """
    skipped: list[str] = []
    for path in list_checkpoints(run):
        damage = damage_of(path)
        if not damage:
            return path, skipped
        skipped.append(f"Checkpoint {path.name} is damaged ({damage}) and was skipped.")
    if skipped:
        raise RunError(
            f"All checkpoints of run {run.name} are damaged, so it cannot be continued. Start a new run, or delete the "
            "folder checkpoints of the run to train it from the beginning."
        )
    return None, []


def best_checkpoint(run: RunFolder) -> Path:
    """Return the checkpoint with the lowest validation loss.

    Raises:
        RunError: No epoch is finished, or the checkpoint is damaged.
    """
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
        The damage; "" if each file has the size and SHA-256 of the manifest.

    Raises:
        NewerFormatError: A newer version of the app wrote the manifest.
    """
    try:
        manifest = MANIFEST.read(checkpoint, _owner(checkpoint))
        for name, (size, digest) in manifest.files.items() if manifest else ():
            path = checkpoint / name
            if path.stat().st_size != size or digest_of(path) != digest:
                return f"{name} was changed after it was saved"
    except NewerFormatError:
        raise
    except (OSError, ValueError, RunError):  # a name with a zero byte is a ValueError
        manifest = None
    return "" if manifest else "a file is missing or cannot be read"


def write_manifest(checkpoint: Path) -> None:
    """Write the size and SHA-256 of every file of a checkpoint, which is otherwise complete."""
    files = {path.name: (path.stat().st_size, digest_of(path)) for path in sorted(checkpoint.iterdir())}
    MANIFEST.write(checkpoint, Manifest(files))


@handles_explained()
def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_training_state(checkpoint: Path) -> TrainingState:
    """Read the training state of a checkpoint.

    Raises:
        RunError: The file is missing or damaged.
        TooManyFilesError: Too many files are open.
    """
    state = TRAINING.read(checkpoint, _owner(checkpoint))
    if state is None:
        raise RunError(f"{_owner(checkpoint)}: {TRAINING.name} is missing. {TRAINING.remedy}")
    return state


def write_training_state(checkpoint: Path, state: TrainingState) -> None:
    """Write the training state into a checkpoint that is not complete yet."""
    TRAINING.write(checkpoint, state)


def _owner(checkpoint: Path) -> str:
    """Return the beginning of messages about a file of the checkpoint."""
    return f"Checkpoint {checkpoint.name}"


def _order(match: re.Match[str]) -> tuple[int, int]:
    return int(match[1]), int(match[2] or 0)
