"""Predict trials with an exported model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from socal_core.dataset.dataset import Dataset
from socal_core.errors import ModelError
from socal_core.evaluation.predict import predict_with
from socal_core.evaluation.trained_model import TrainedModel
from socal_core.exporting.export_record import ENCODER_FOLDER, EncoderWeights, ExportRecord, read_export


def predict_exported(folder: Path, dataset: Dataset, trial_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Predict trials with an exported model, as the run that it comes from does.

    Args:
        folder: The folder that `export_run` wrote.
        dataset: The data set with the trials.
        trial_ids: The ids of the trials.

    Returns:
        As `predict_trials` does (evaluation/predict.py).

    Raises:
        RunError: The folder holds no exported model.
        DataError: A trial does not exist or has no clip.
        ModelError: A file of the model or its video encoder is missing or damaged.
    """
    record = read_export(folder)
    try:
        return predict_with(model_in(folder, record), record.target, record.threshold, dataset, trial_ids)
    except ModelError as error:
        if record.video_encoder is not EncoderWeights.MISSING or (folder / ENCODER_FOLDER).is_dir():
            raise
        raise ModelError(
            f"{error} The exported folder does not contain this video encoder: put the files of the model "
            f"{record.settings['model']} into its folder {ENCODER_FOLDER}."
        ) from None


def model_in(folder: Path, record: ExportRecord) -> TrainedModel:
    """Return the model of an exported folder, which the record describes."""
    return TrainedModel(f"run {record.run}", folder, record.config(folder), record.epoch)
