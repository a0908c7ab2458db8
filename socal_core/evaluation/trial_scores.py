"""The scores of a run's test trials. All that is shown of a run that predicts success has its scores from here."""

from typing import cast

import pandas as pd

from socal_core.evaluation.intervals import Estimates, outcome_estimates
from socal_core.evaluation.metrics import metrics_of
from socal_core.runs.files.metrics_record import FurtherScores, Metrics, ScoredTrial, ScoresOfTrials

FURTHER = ("specificity", "npv", "f1_failure", "matthews", "average_precision", "log_loss", "calibration_error")


def metrics_of_test_trials(predictions: pd.DataFrame) -> ScoresOfTrials:
    """Compute the metrics of a run's test trials from its predictions (runs/folder.py), and list the trials."""
    test = predictions[predictions["split"] == "test"]
    result = metrics_of(test["label"], test["prob_success"], test["predicted"])
    estimates = estimates_of(test)
    further = cast(FurtherScores, {name: estimates[name].value for name in FURTHER})
    columns = ["trial_id", "participant_id", "label", "prob_success", "predicted"]
    rows = cast(list[ScoredTrial], test[columns].to_dict(orient="records"))
    return {
        "split": "test",
        **result,
        **further,
        "surgeons": known_surgeons(test),
        "intervals": {name: estimate.interval for name, estimate in estimates.items()},
        "trials": rows,
    }


def current_metrics(written: Metrics, predictions: pd.DataFrame | None) -> Metrics:
    """Complete metrics that an earlier version wrote with the scores and intervals of this one.

    Args:
        written: The content of metrics.json.
        predictions: The predictions of the run; without them, the metrics stay as they are.
    """
    if "surgeons" in written or predictions is None:
        return written
    return {**written, **metrics_of_test_trials(predictions)}


def estimates_of(trials: pd.DataFrame) -> Estimates:
    """Compute all scores of one or more trials, with intervals.

    Args:
        trials: Their predictions. Each trial of an unknown surgeon counts as a separate surgeon.
    """
    return outcome_estimates(trials["label"], trials["prob_success"], trials["predicted"], surgeons_of(trials))


def surgeons_of(trials: pd.DataFrame) -> pd.Series:
    """Return the surgeon of each trial; each trial of an unknown surgeon counts as a separate one."""
    known = trials["participant_id"] != ""
    return trials["participant_id"].where(known, "trial " + trials["trial_id"])


def surgeons_by_trial(trials: pd.DataFrame) -> pd.Series:
    """Return the surgeon of each trial of a table with the index `trial_id`, as `surgeons_of` does."""
    return surgeons_of(trials.reset_index()).set_axis(trials.index).astype(str)


def known_surgeons(trials: pd.DataFrame) -> int:
    """Return the number of known surgeons of trials."""
    return int(trials.loc[trials["participant_id"] != "", "participant_id"].nunique())
