"""Controls that are runs, beside the result of the run that they belong to (lifecycle/control.py)."""

from collections.abc import Sequence

import pandas as pd

from socal_core.dataset.targets import Target
from socal_core.errors import SocalError
from socal_core.evaluation.compare import Ranking, Verdict
from socal_core.evaluation.controls import scored_control
from socal_core.evaluation.target_controls import scored_target_control
from socal_core.evaluation.target_metrics import outputs_of
from socal_core.lifecycle.control import controls_of
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.files.metrics_record import Control as ControlRow
from socal_core.runs.files.target_metrics_record import TargetControl
from socal_core.runs.folder import RunFolder
from socal_core.settings import Control

NAMES = {
    Control.SHUFFLED_FRAMES: "Same model, frames shuffled",
    Control.SHUFFLED_OUTCOMES: "Same model, outcomes shuffled",
}
TEXTS = {
    Control.SHUFFLED_FRAMES: "The same model, trained and tested on clips whose frames are in a random order (run {}).",
    Control.SHUFFLED_OUTCOMES: "The same model, trained on outcomes that were exchanged between trials (run {}).",
}


def rows_of_control_runs(run: RunFolder, predictions: pd.DataFrame) -> list[ControlRow]:
    """Score the finished controls of a run that predicts success on its test trials.

    Args:
        run: The run.
        predictions: Its predictions, perhaps of only some of its test trials.

    Returns:
        A row for each kind that has a finished control, the newest one; keys are the values of the setting `control`.
    """
    rows = []
    for kind, other, test in _finished(run, predictions):
        metrics = other.read_metrics()
        threshold = metrics["threshold"] if metrics and is_of_success(metrics) and not _pooled(metrics) else None
        rows.append(
            scored_control(
                predictions,
                test["prob_success"].to_numpy(float),
                test["predicted"].to_numpy() == 1,
                threshold,
                kind.value,
                NAMES[kind],
                TEXTS[kind].format(other.name),
            )
        )
    return rows


def rows_of_target_control_runs(run: RunFolder, predictions: pd.DataFrame, target: Target) -> list[TargetControl]:
    """Score the finished controls of a run with another target; see `rows_of_control_runs`."""
    return [
        scored_target_control(
            predictions, outputs_of(test, target), kind.value, NAMES[kind], TEXTS[kind].format(other.name), target
        )
        for kind, other, test in _finished(run, predictions)
    ]


def what_controls_show(rows: Sequence[ControlRow] | Sequence[TargetControl]) -> list[str]:
    """Say in a sentence for each control that is a run what the paired difference shows."""
    return [_sentence(row) for row in rows if row["difference"] is not None]


def _sentence(row: ControlRow | TargetControl) -> str:
    better = row["verdict"] in {Verdict.ABOVE, Ranking.BETTER}
    if row["key"] == Control.SHUFFLED_FRAMES:
        if better:
            return "The model is better than the same model on shuffled frames: it uses the order of the frames."
        return (
            "The model is not shown to be better than the same model on shuffled frames: that it uses the order of the "
            "frames is not shown."
        )
    if better:
        return "The model is better than the same model on shuffled outcomes: it has learnt from the outcomes."
    return (
        "The model is not shown to be better than the same model on shuffled outcomes: that it has learnt anything "
        "about the outcomes is not shown."
    )


def _finished(run: RunFolder, predictions: pd.DataFrame) -> list[tuple[Control, RunFolder, pd.DataFrame]]:
    """Return the newest finished control of each kind, with its predictions of the test trials in the given order."""
    mine = predictions.loc[predictions["split"] == "test", ["trial_id", "label"]]
    found = []
    for kind, others in controls_of(run).items():
        for other in others:
            test = _predictions_of(other, mine)
            if test is not None:
                found.append((kind, other, test))
                break
    return found


def _predictions_of(other: RunFolder, mine: pd.DataFrame) -> pd.DataFrame | None:
    """Return the predictions of a control for test trials.

    None if its results do not exist or cannot be read, or are of other trials or outcomes.
    """
    try:
        predictions = None if other.read_metrics() is None else other.read_predictions()
    except SocalError:
        return None
    if predictions is None:
        return None
    tested = predictions[predictions["split"] == "test"].set_index("trial_id", drop=False)
    if not set(mine["trial_id"]) <= set(tested.index):
        return None
    test = tested.loc[mine["trial_id"]]
    return test if test["label"].tolist() == mine["label"].tolist() else None


def _pooled(metrics: object) -> bool:
    return bool(isinstance(metrics, dict) and metrics.get("cross_validation"))
