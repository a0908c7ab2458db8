"""Where a run's checkpoints lie and what they say, without their tensors.

A checkpoint is a folder `checkpoints/epoch-0007`: a Hugging Face model folder, the optimiser's tensors and
`training.json`. It is written under a name that starts with a dot and renamed when complete: what has the name is
whole.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from socal_core.errors import RunError
from socal_core.files import write_json
from socal_core.runs.folder import RunFolder

STATE_FILE = "training.json"
OPTIMIZER_FILE = "optimizer.pt"
_NAME = re.compile(r"epoch-(\d{4,})")


@dataclass(frozen=True)
class TrainingState:
    """How far training has come, as plain numbers."""

    epoch: int = 0
    """Epochs that are done."""
    best_epoch: int = 0
    best_val_loss: float | None = None
    epochs_without_improvement: int = 0


def checkpoint_path(run: RunFolder, epoch: int) -> Path:
    """Where the checkpoint after an epoch lies."""
    return run.checkpoints / f"epoch-{epoch:04d}"


def newest_checkpoint(run: RunFolder) -> Path | None:
    """The complete checkpoint to go on from, None when there is none."""
    if not run.checkpoints.is_dir():
        return None
    found = [(int(match[1]), path) for path in run.checkpoints.iterdir() if (match := _NAME.fullmatch(path.name))]
    return max(found)[1] if found else None


def best_checkpoint(run: RunFolder) -> Path:
    """The checkpoint with the lowest validation loss; RunError before the first epoch is done."""
    newest = newest_checkpoint(run)
    if newest is None:
        raise RunError(f"Run {run.name} has no checkpoint: no epoch was finished. Resume it or start a new run.")
    return checkpoint_path(run, read_training_state(newest).best_epoch)


def read_training_state(checkpoint: Path) -> TrainingState:
    """The numbers kept in a checkpoint; RunError when the file is damaged."""
    try:
        return TrainingState(**json.loads((checkpoint / STATE_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise RunError(f"Checkpoint {checkpoint.name} is damaged: {STATE_FILE} cannot be read.") from None


def write_training_state(checkpoint: Path, state: TrainingState) -> None:
    """Write the numbers into a checkpoint that is being made."""
    write_json(checkpoint / STATE_FILE, asdict(state))
