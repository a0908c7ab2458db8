"""The results of a run on those of its test trials that are in a saved view.

The model and its threshold stay those of the run. Scores of a part of the test trials are less certain than those of
all, and a part that was chosen for its scores has scores that are too good.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from socal_core.dataset.saved_views import SavedView, view_named
from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.evaluation.controls import scored_control
from socal_core.evaluation.run_results import RunResults
from socal_core.evaluation.target_controls import scored_target_control
from socal_core.evaluation.target_metrics import scores_of_test_trials
from socal_core.evaluation.trial_scores import metrics_of_test_trials
from socal_core.runs.files.metrics_record import Control, Metrics
from socal_core.runs.files.target_metrics_record import TargetControl, TargetMetrics
from socal_core.runs.folder import RunFolder


def view_of_run(run: RunFolder, name: str) -> SavedView:
    """Return a saved view of the data folder of a run.

    Raises:
        ConfigError: There is no view of this name.
        DataError: The saved views cannot be read.
    """
    return view_named(run.read_data(), name)


def trials_of_view(run: RunFolder, view: SavedView) -> frozenset[str]:
    """Return the trials of the data of a run that are in a view, by the present data.

    Raises:
        DataError: The data folder cannot be used.
    """
    return frozenset(view.trials_in(run.open_dataset()))


def results_in_view(results: RunResults, view: SavedView) -> RunResults:
    """Return the results of a run that predicts success on the test trials of a view.

    Raises:
        RunError: No test trial is in the view.
        DataError: The data folder cannot be used.
    """
    trials = trials_of_view(results.run, view)
    predictions, positions = kept(results.predictions, trials, results.run, view)
    metrics: Metrics = {
        **results.metrics,
        **metrics_of_test_trials(predictions),
        "controls": controls_of_trials(results.metrics["controls"], predictions, positions),
        "cross_validation": None,  # of all trials
    }
    return replace(results, predictions=predictions, metrics=metrics)


def target_metrics_in_view(
    run: RunFolder, metrics: TargetMetrics, predictions: pd.DataFrame, target: Target, view: SavedView
) -> tuple[TargetMetrics, pd.DataFrame]:
    """Return metrics and predictions of a run that predicts another target, with only the test trials of a view.

    Raises:
        RunError: No test trial is in the view.
        DataError: The data folder cannot be used.
    """
    predictions, positions = kept(predictions, trials_of_view(run, view), run, view)
    scores = scores_of_test_trials(predictions, target)
    controls = target_controls_of_trials(metrics["controls"], predictions, positions, target)
    found = cast(TargetMetrics, {**metrics, **scores, "controls": controls, "cross_validation": None})
    return found, predictions


def kept(
    predictions: pd.DataFrame, trials: Collection[str], run: RunFolder, view: SavedView
) -> tuple[pd.DataFrame, list[int]]:
    """Leave test trials outside a view out of predictions.

    Returns:
        The predictions, and the places of the kept test trials among all test trials.

    Raises:
        RunError: No test trial is in the view.
    """
    tested = (predictions["split"] == "test").to_numpy()
    inside = predictions["trial_id"].isin(trials).to_numpy()
    positions = np.flatnonzero(inside[tested]).tolist()
    if not positions:
        raise RunError(
            f"None of the {tested.sum()} test trials of run {run.name} is in the view {view.name}. Choose another view."
        )
    return predictions[~tested | inside], positions


def controls_of_trials(rows: Sequence[Control], predictions: pd.DataFrame, positions: Sequence[int]) -> list[Control]:
    """Score controls again on some of the test trials.

    Args:
        rows: The controls on all test trials. Those of earlier versions, without probabilities, are left out.
        predictions: The model's predictions, of whose test trials only these are left.
        positions: The places of these trials among all test trials.
    """
    found = []
    for row in rows:
        if "probabilities" not in row:
            continue
        probability, threshold = np.asarray(row["probabilities"])[list(positions)], row["threshold"]
        scored = scored_control(
            predictions,
            probability,
            probability >= (0.5 if threshold is None else threshold),
            threshold,
            row.get("key", ""),
            row["name"],
            row["description"],
        )
        if threshold is None:  # each fold of a cross-validation has its own, which is not recorded
            scored = {**scored, "accuracy": None, "balanced_accuracy": None}
        found.append(scored)
    return found


def target_controls_of_trials(
    rows: Sequence[TargetControl], predictions: pd.DataFrame, positions: Sequence[int], target: Target
) -> list[TargetControl]:
    """Score controls again on some of the test trials; arguments as in `controls_of_trials`."""
    found = []
    for row in rows:
        values = row.get("predicted") if target.is_number else row.get("probabilities")
        if values is not None:
            outputs = np.asarray(values, dtype=np.float64).reshape(len(values), -1)[list(positions)]
            found.append(
                scored_target_control(predictions, outputs, row["key"], row["name"], row["description"], target)
            )
    return found
