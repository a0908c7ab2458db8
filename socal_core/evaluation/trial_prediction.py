"""The prediction of a run for one trial, with its calibrated probability and the subset of the trial in that run."""

from dataclasses import dataclass

import pandas as pd

from socal_core.dataset.targets import Target, amount, short_name
from socal_core.errors import SocalError
from socal_core.evaluation.calibration import Temperature, fit_temperature
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.files.predictions import probability_columns
from socal_core.runs.folder import RunFolder

SUBSETS = {"train": "seen in training", "validation": "validation", "test": "test"}
"""What the subset of a trial is called beside its prediction: memory must not look like skill."""


@dataclass(frozen=True)
class TrialPrediction:
    """The prediction of a run for a trial; fields that the run does not have are None."""

    run: RunFolder
    target: Target | None = None
    predicted: str = ""
    """The class, or the number with its unit."""
    probability: float | None = None
    """Of success; for other classes, of the predicted one."""
    calibrated: float | None = None
    """The probability of success after temperature scaling."""
    threshold: float | None = None
    """The probability from which the run predicts success."""
    subset: str = ""
    """One of the values of SUBSETS."""
    problem: str = ""
    """Why there is no prediction; else ""."""


def prediction_of(run: RunFolder, trial_id: str) -> TrialPrediction:
    """Read the prediction of a run for a trial. If the run cannot be read, `problem` says why.

    Args:
        run: A run.
        trial_id: The trial.
    """
    try:
        target, predictions, metrics = run.read_target(), run.read_predictions(), run.read_metrics()
    except SocalError as error:
        return TrialPrediction(run, problem=str(error))
    rows = pd.DataFrame() if predictions is None else predictions[predictions["trial_id"] == trial_id]
    if predictions is None or rows.empty:
        return TrialPrediction(run, target, problem="no prediction for this trial")
    row = rows.iloc[0]
    subset = SUBSETS[row["split"]]
    if target.is_number:
        return TrialPrediction(run, target, amount(float(row["predicted"]), target.unit), subset=subset)
    if not target.is_success:
        probability = float(row[probability_columns(target)].astype(float).max())
        return TrialPrediction(run, target, short_name(row["predicted"]), probability, subset=subset)
    success = float(row["prob_success"])
    temperature = temperature_of(predictions)
    return TrialPrediction(
        run,
        target,
        target.classes[int(row["predicted"])].capitalize(),
        success,
        None if temperature.note and temperature.value == 1 else float(temperature.scale([success])[0]),
        metrics["threshold"] if metrics is not None and is_of_success(metrics) else None,
        subset,
    )


def temperature_of(predictions: pd.DataFrame) -> Temperature:
    """Fit the temperature of a run that predicts success on its validation trials, as its calibration report does."""
    validation = predictions[predictions["split"] == "validation"]
    return fit_temperature(validation["label"], validation["prob_success"])
