"""Predict with an exported model."""

from pathlib import Path

from socal_core.errors import ModelError
from socal_core.evaluation.predict_sources import Forecaster
from socal_core.evaluation.predict_trials import Decision
from socal_core.evaluation.predictors import LoadedModel
from socal_core.evaluation.trained_model import TrainedModel
from socal_core.exporting.export_record import ENCODER_FOLDER, EncoderWeights, ExportRecord, read_export


def exported_forecaster(folder: Path) -> Forecaster:
    """Load an exported model, which predicts as the run that it comes from does.

    Args:
        folder: The folder that `export_run` wrote.

    Raises:
        RunError: The folder holds no exported model.
        ModelError: A file of the model or its video encoder is missing or damaged.
    """
    record = read_export(folder)
    try:
        return Forecaster(LoadedModel(model_in(folder, record)), Decision(record.target, record.threshold))
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
