"""socal.json: what predictions with an exported model need beside its weights."""

from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.runs.files.records import STRICT, WeightsRecord
from socal_core.runs.files.run_file import RunFile
from socal_core.settings import TINY, TrainConfig, config_from

ENCODER_FOLDER = "encoder"
"""The folder of the video encoder of an exported head."""


class EncoderWeights(StrEnum):
    """Whether the folder contains the weights of the video encoder."""

    INCLUDED = "included"
    MISSING = "missing"
    """Their licence is not known, or does not allow sharing them."""


@dataclass(frozen=True, config=STRICT)
class ExportRecord:
    """The origin of an exported model, and how clips are made for it."""

    socal_core: str
    """The version that exported the model."""
    run: str
    """The name of the run."""
    settings: dict[str, Any]
    """The settings of the run, among them window, sampling, num_frames, test_clips and test_crops."""
    epoch: int
    """The epoch of the weights."""
    threshold: float | None
    """The probability from which a trial is predicted to be a success; None for another target."""
    target: Target
    """What the model predicts."""
    preset: str | None
    """The published data set of the training; None if the data could not be opened."""
    weights: WeightsRecord | None
    """The weights that the run started from."""
    video_encoder: EncoderWeights | None
    """None if the model has no frozen video encoder."""

    def config(self, folder: Path) -> TrainConfig:
        """Return the settings for a model in a folder, whose video encoder is taken from there if it is included."""
        encoder = folder / ENCODER_FOLDER
        model = {"model": str(encoder)} if encoder.is_dir() else {}
        return config_from({**self.settings, **model}, TINY)


EXPORT = RunFile("socal.json", ExportRecord, "Export the run again.")


def is_exported(folder: Path) -> bool:
    """Return whether a folder holds an exported model."""
    return (folder / EXPORT.name).is_file()


def read_export(folder: Path) -> ExportRecord:
    """Read the record of an exported model.

    Raises:
        RunError: The folder holds none, or the file is damaged.
    """
    record = EXPORT.read(folder, folder.name)
    if record is None:
        raise RunError(f"{folder.name} is not an exported model: it has no {EXPORT.name}. Export a run.")
    return record
