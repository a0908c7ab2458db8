"""The results of a run that predicts success: what analyses of its test trials start from."""

from dataclasses import dataclass

import pandas as pd

from socal_core.errors import RunError
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.files.metrics_record import Metrics
from socal_core.runs.folder import RunFolder

CHANGED_DATA = "The data folder was changed after this run was evaluated. The results are those of the earlier version."


@dataclass(frozen=True)
class RunResults:
    """The results of an evaluated run."""

    run: RunFolder
    predictions: pd.DataFrame
    """The predictions of all trials (runs/files/predictions.py)."""
    metrics: Metrics

    @property
    def test(self) -> pd.DataFrame:
        """The predictions of the test trials."""
        return self.predictions[self.predictions["split"] == "test"]


def read_results(run: RunFolder) -> RunResults:
    """Read the predictions and metrics of a run.

    Raises:
        RunError: The run predicts something else than success, has no results yet, or a file is damaged.
    """
    check_target(run)
    predictions, metrics = run.read_predictions(), run.read_metrics()
    if predictions is None or metrics is None or not is_of_success(metrics):
        raise RunError(f"Run {run.name} has no test results: {_why(run)}")
    return RunResults(run, predictions, metrics)


def check_target(run: RunFolder) -> None:
    """Check that a run predicts success.

    Raises:
        RunError: It predicts something else.
    """
    target = run.read_target()
    if not target.is_success:
        raise RunError(
            f"Run {run.name} predicts {target.column}, and this analysis is of runs that predict success. Choose a run "
            "with target=success."
        )


def data_differ(first: str | None, second: str | None) -> bool:
    """Tell whether two fingerprints are known and are those of different data.

    Args:
        first: The fingerprint of a data set; "" or None if it is not known, as in runs of earlier versions.
        second: Another one.
    """
    return bool(first and second and first != second)


def _why(run: RunFolder) -> str:
    """Return why a run has no results, and what to do."""
    status = read_status(run)
    if status.state.alive:
        return f"it is {status.state}. Wait until it is done."
    if status.state is RunState.FAILED:
        return f"it has failed. {status.reason} Resume it, or evaluate its best checkpoint with `evaluate`."
    if status.state is RunState.DONE:
        return "predictions.csv or metrics.json was deleted. Run `evaluate`."
    return f"it was {status.state}. Resume it, or evaluate its best checkpoint with `evaluate`."
