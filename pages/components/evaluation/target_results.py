"""The test results of a run that predicts several classes or a number."""

import pandas as pd
import streamlit as st

from pages.components.evaluation import results
from pages.components.evaluation.control_view import show_control_runs
from pages.components.evaluation.subject import show_subject, warn_of_recognition
from pages.components.evaluation.target_tables import (
    by_class,
    by_fold,
    controls_table,
    score_text,
    trials_table,
)
from pages.components.evaluation.task_chart import explain_task, task_chart
from pages.components.view_choice import label_view, pick_view
from pages.components.words import plain_text
from socal_core.dataset.targets import amount, in_sentence, short_name
from socal_core.errors import SocalError
from socal_core.evaluation.compare import Ranking
from socal_core.evaluation.control_cues import COLOUR, TOOLS
from socal_core.evaluation.control_runs import rows_of_target_control_runs
from socal_core.evaluation.frame_alarms import frame_alarms
from socal_core.evaluation.intervals import TOO_FEW
from socal_core.evaluation.target_controls import target_comparison
from socal_core.evaluation.target_metrics import IN_UNIT, LARGE_RECALL, current_target_metrics
from socal_core.evaluation.view_results import target_metrics_in_view
from socal_core.figures.targets import bland_altman, class_confusion, predicted_against_true
from socal_core.preflight.advice import FEW_TEST_TRIALS
from socal_core.runs.files.target_metrics_record import TargetMetrics
from socal_core.runs.folder import RunFolder

CLASS_TILES = {
    "accuracy": ("Accuracy", "Fraction of the test trials that were predicted correctly"),
    "balanced_accuracy": ("Balanced accuracy", "Mean of the recalls of the classes: {:.2f} is chance"),
    "f1": ("F1 (macro)", "Mean of the F1 scores of the classes"),
    "auroc": ("AUROC (macro)", "Mean over the classes, each against the others: 0.5 is chance, 1 is perfect"),
}
NUMBER_TILES = {
    "rmse": ("RMSE", "Root mean squared error: large errors count more. 0 is perfect"),
    "mae": ("MAE", "Mean absolute error: how far off a prediction is on average"),
    "mean_error": ("Mean error", "Predicted minus true: above 0, the model predicts too much on average"),
    "r2": ("R²", "Fraction of the variance that is predicted: 1 is perfect, 0 is no better than always the mean"),
    "correlation": ("Correlation", "Between predicted and true numbers (Pearson): 1 is perfect, 0 is none"),
    LARGE_RECALL: ("> 500 mL found", "Fraction of the blood losses above 500 mL that were predicted to be above it"),
}
"""The title and the explanation of each score."""
IN_A_ROW = 3
"""With more tiles in a row, the words for a missing interval would be cut off."""


def show_target_results(run: RunFolder, written: TargetMetrics) -> None:
    """Show the test results of a run whose target is not success."""
    current = current_target_metrics(written, run.read_predictions(), run.read_target())
    metrics, predictions = _in_chosen_view(run, current)
    if predictions is not None:
        results.show_alarms(list(frame_alarms(run, predictions)), run)
    _what_was_predicted(run, metrics)
    _tiles(metrics)
    _above_controls(metrics)
    by_fold(metrics)
    _figures(metrics)
    if metrics["classes"]:
        by_class(metrics)
    runs = [] if predictions is None else rows_of_target_control_runs(run, predictions, run.read_target())
    controls_table({**metrics, "controls": [*metrics["controls"], *runs]})
    show_control_runs(run, runs)
    results.without_prediction(metrics)
    trials_table(run, metrics)
    results.download(run)


def _in_chosen_view(run: RunFolder, metrics: TargetMetrics) -> tuple[TargetMetrics, pd.DataFrame | None]:
    """Let the user choose a saved view, and return metrics and predictions with only its test trials."""
    view, predictions = pick_view(run, "evaluation"), run.read_predictions()
    if view is None or predictions is None:
        return metrics, predictions
    try:
        shown, of_view = target_metrics_in_view(run, metrics, predictions, run.read_target(), view)
    except SocalError as error:
        st.warning(f"{plain_text(error)} All test trials are shown.", icon=":material/bookmark:")
        return metrics, predictions
    label_view(view, shown["n"], metrics["n"])
    return shown, of_view


def _what_was_predicted(run: RunFolder, metrics: TargetMetrics) -> None:
    unit = f" ({plain_text(metrics['unit'])})" if metrics["unit"] else ""
    warn_of_recognition(metrics)
    show_subject(run, metrics, f" of **{plain_text(short_name(metrics['label']))}**{unit}")
    if metrics["n"] < FEW_TEST_TRIALS:
        st.warning(
            f"**Few test trials: {metrics['n']}.** A single trial changes the scores visibly. Do not rank models by "
            "these scores.",
            icon=":material/straighten:",
        )
    surgeons = len({trial["participant_id"] or trial["trial_id"] for trial in metrics["trials"]})
    texts = [f"The test trials are of {surgeons} surgeons. They did not affect the model."]
    if metrics["classes"]:
        texts.append("A trial is predicted to be of the most probable class.")
    if metrics["unknown"]:
        name, count = plain_text(in_sentence(metrics["target"], metrics["label"])), metrics["unknown"]
        have, were = ("One trial has", "was") if count == 1 else (f"{count} trials have", "were")
        texts.append(f"{have} no {name} and {were} left out.")
    st.caption(" ".join(texts))


def _tiles(metrics: TargetMetrics) -> None:
    of_kind = CLASS_TILES if metrics["classes"] else NUMBER_TILES
    tiles = {name: tile for name, tile in of_kind.items() if name != LARGE_RECALL or name in metrics["scores"]}
    chance = 1 / max(1, len(metrics["classes"]))
    rows = [list(tiles.items())[start : start + IN_A_ROW] for start in range(0, len(tiles), IN_A_ROW)]
    for row in rows:
        for column, (name, (label, text)) in zip(st.columns(IN_A_ROW), row, strict=False):
            column.metric(
                label,
                plain_text(score_text(metrics, name)),
                delta=_interval(metrics, name),
                delta_color="off",
                delta_arrow="off",
                help=text.format(chance),
                border=True,
            )
    few = [label for name, (label, _) in tiles.items() if _interval(metrics, name) == results.FEW_IN_TILE]
    if any(metrics["intervals"].get(name) for name in tiles):
        st.caption(results.ABOUT_INTERVALS + (f" Where none is given, there are {TOO_FEW}." if few else ""))
    elif few:
        st.caption(f"There are {TOO_FEW}.")


def _interval(metrics: TargetMetrics, name: str) -> str | None:
    """Return the interval of a score, why it has none, or None if it is not defined or never has one."""
    if metrics["scores"].get(name) is None or name not in metrics["intervals"]:
        return None
    interval = metrics["intervals"][name]
    if interval is None:
        return results.FEW_IN_TILE
    low, high = interval
    if name in IN_UNIT:
        return plain_text(f"{amount(low)} to {amount(high, metrics['unit'])}")
    return f"{low:.2f} to {high:.2f}"


def _above_controls(metrics: TargetMetrics) -> None:
    """Show whether the model is better than the colour and the tools control."""
    text = target_comparison(metrics)
    if text:
        compared = [row["verdict"] for row in metrics["controls"] if row["key"] in {COLOUR, TOOLS} and row["verdict"]]
        better = all(verdict == Ranking.BETTER for verdict in compared)
        show, icon = (st.success, ":material/check:") if better else (st.warning, ":material/balance:")
        show(plain_text(text), icon=icon)


def _figures(metrics: TargetMetrics) -> None:
    if metrics["classes"]:
        task_chart(class_confusion(metrics["confusion_matrix"], metrics["classes"]), "class-confusion", metrics)
        explain_task(metrics)
        return
    left, right = st.columns(2)
    trials = pd.DataFrame(metrics["trials"])
    name = in_sentence(metrics["target"], metrics["label"])
    with left:
        task_chart(predicted_against_true(trials, name, metrics["unit"]), "predicted-against-true", metrics)
    with right:
        task_chart(bland_altman(trials, metrics["unit"]), "bland-altman", metrics)
    explain_task(metrics)
