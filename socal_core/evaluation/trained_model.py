"""The files and settings of a trained model, wherever they are: in a run, or in a folder exported from one."""

from dataclasses import dataclass
from pathlib import Path

from socal_core.runs.checkpoint_folders import best_checkpoint, read_training_state
from socal_core.runs.folder import RunFolder
from socal_core.settings import TrainConfig


@dataclass(frozen=True)
class TrainedModel:
    """The trained model of a run, or of a folder that was exported from one."""

    owner: str
    """The run, for messages, such as `run first`."""
    folder: Path
    """The files of a classifier, or those of a head on frozen features."""
    config: TrainConfig
    """The settings of the run. `model` must name the video encoder of a head."""
    epoch: int
    """The epoch of the weights."""


def trained_model(run: RunFolder) -> TrainedModel:
    """Return the model of a run at its lowest validation loss.

    Raises:
        RunError: The run has no complete checkpoint.
    """
    checkpoint = best_checkpoint(run)
    return TrainedModel(f"run {run.name}", checkpoint, run.read_config(), read_training_state(checkpoint).epoch)
