"""The file of a model folder that says which frames the model has seen in self-supervised pre-training."""

from typing import Any

from pydantic.dataclasses import dataclass

from socal_core.runs.files.records import STRICT, WeightsRecord
from socal_core.runs.files.run_file import RunFile
from socal_core.runs.model_choice import local_folder
from socal_core.settings import TINY


@dataclass(frozen=True, config=STRICT)
class SeenFrames:
    """Trials whose frames a model was pre-trained on."""

    fingerprint: str
    """The fingerprint of their data set."""
    trials: tuple[str, ...]


@dataclass(frozen=True, config=STRICT)
class PretrainingRecord:
    """pretraining.json: what a model was pre-trained on."""

    seen: SeenFrames
    earlier: tuple[SeenFrames, ...]
    """What the weights that it started from had seen in earlier pre-training."""
    excluded_surgeons: tuple[str, ...]
    """Surgeons whose trials were not used, because they are in the test subset or may belong to it."""
    left_out: dict[str, str]
    """Why other trials were not used, by trial id."""
    settings: dict[str, Any]
    weights: WeightsRecord
    """The weights that pre-training started from."""
    new_decoder: bool
    """Whether those had no decoder, so that it started from random weights."""
    warning: str
    """What limits the use of the model; empty for nothing."""
    socal_core: str
    """The version of the app."""


PRETRAINING = RunFile("pretraining.json", PretrainingRecord, "Pre-train the model again.")


def read_pretraining(model: str) -> PretrainingRecord | None:
    """Read what a model was pre-trained on.

    Args:
        model: The name of a model, as in the setting.

    Returns:
        The record; None if the folder of the model has none, as after pre-training with another tool.

    Raises:
        RunError: The record cannot be read.
    """
    folder = None if model == TINY else local_folder(model)
    return None if folder is None else PRETRAINING.read(folder, f"Model {folder.resolve().name}")
