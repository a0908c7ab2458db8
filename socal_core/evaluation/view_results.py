"""The results of a run on those of its test trials that are in a saved view.

The model and its threshold stay those of the run. Scores of a part of the test trials are less certain than those of
all, and a part that was chosen for its scores has scores that are too good.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from socal_core.dataset.saved_views import SavedView, view_named
from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.evaluation.controls import controls_of_trials
from socal_core.evaluation.run_results import RunResults
from socal_core.evaluation.target_controls import target_controls_of_trials
from socal_core.evaluation.target_metrics import scores_of_test_trials
from socal_core.evaluation.trial_scores import metrics_of_test_trials
from socal_core.runs.files.metrics_record import Metrics, TargetMetrics
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
) -> TargetMetrics:
    """Return the metrics of a run that predicts another target on the test trials of a view.

    Raises:
        RunError: No test trial is in the view.
        DataError: The data folder cannot be used.
    """
    predictions, positions = kept(predictions, trials_of_view(run, view), run, view)
    scores = scores_of_test_trials(predictions, target)
    controls = target_controls_of_trials(metrics["controls"], predictions, positions, target)
    return cast(TargetMetrics, {**metrics, **scores, "controls": controls, "cross_validation": None})


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
