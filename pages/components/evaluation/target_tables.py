"""Tables of the test results of a run that predicts several classes or a number."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.downloads import NO_TRIALS, table_with_csv
from pages.components.evaluation.results import score
from pages.components.evaluation.trials_view import show_trials
from pages.components.words import plain_text
from socal_core.dataset.targets import amount, short_name
from socal_core.evaluation.target_metrics import IN_UNIT, LARGE_RECALL
from socal_core.runs.files.target_metrics_record import TargetControl, TargetMetrics
from socal_core.runs.folder import RunFolder

CLASS_SCORES = {"accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "auroc": "AUROC"}
NUMBER_SCORES = {"rmse": "RMSE", "mae": "MAE", "r2": "R²"}
"""The scores of the tables of folds and controls, with their titles."""
ABOUT_FOLDS = "The scores above are those of all trials together. Those of a fold are of few trials and vary by chance."


def score_text(metrics: TargetMetrics, name: str, scores: Mapping[str, float | None] | None = None) -> str:
    """Format a score with its unit, or as a dash if it is not defined.

    Args:
        metrics: The metrics of the run.
        name: The name of the score.
        scores: Where it is from; None for the model.
    """
    value = (metrics["scores"] if scores is None else scores).get(name)
    if name not in IN_UNIT or value is None:
        return score(value)
    return amount(value, metrics["unit"])


def by_class(metrics: TargetMetrics) -> None:
    """Show precision, recall and F1 of each class."""
    st.subheader("By class")
    rows = [
        {
            "Class": short_name(name),
            "Precision": score(values["precision"]),
            "Recall": score(values["recall"]),
            "F1": score(values["f1"]),
            "Test trials": f"{values['support']:d}",
        }
        for name in metrics["classes"]
        for values in [metrics["per_class"][name]]
    ]
    table_with_csv(pd.DataFrame(rows).set_index("Class"), "classes", data=NO_TRIALS)


def by_fold(metrics: TargetMetrics) -> None:
    """Show the scores of each fold of a cross-validation and their spread; nothing for other runs."""
    found = metrics["cross_validation"]
    if not found:
        return
    st.subheader("By fold")
    named: list[tuple[str, Any]] = [(row["run"], row) for row in found["folds"]]
    if len(found["seeds"]) > 1:
        named += [(f"seed {row['seed']}, all folds", row) for row in found["seeds"]]
    rows = [
        {
            "Fold": name,
            "Test trials": str(row["n"]),
            "Surgeons": str(row["surgeons"]),
            **_scores(metrics, row["scores"]),
        }
        for name, row in named
    ]
    table_with_csv(pd.DataFrame(rows).set_index("Fold"), "folds", data=NO_TRIALS)
    texts = [
        f"{plain_text(title)} over {values['count']} {kind}: {_of(metrics, name, values['lowest'])} to "
        f"{_of(metrics, name, values['highest'])}, mean {_of(metrics, name, values['mean'])}, standard deviation "
        f"{_of(metrics, name, values['standard_deviation'])}."
        for kind, spreads in (("folds", found["over_folds"]), ("seeds", found["over_seeds"]))
        for name, title in _titles(metrics).items()
        for values in [spreads.get(name)]
        if values is not None
    ]
    st.caption("  \n".join([*texts, ABOUT_FOLDS]))


def controls_table(metrics: TargetMetrics) -> None:
    """Show the scores of the model and of the controls in one table, with the difference from each control."""
    st.subheader("Is the model better than simple rules?")
    difference = f"Difference in {_titles(metrics)[metrics['main']]}"
    rows = [{"": "This model", **_scores(metrics, metrics["scores"]), difference: "", "The model is": ""}]
    rows += [
        {
            "": control["name"],
            **_scores(metrics, control["scores"]),
            difference: _difference(metrics, control),
            "The model is": "–" if control["verdict"] is None else f"{control['verdict']} it",
        }
        for control in metrics["controls"]
    ]
    table_with_csv(pd.DataFrame(rows).set_index(""), "controls", data=NO_TRIALS)
    st.caption("The difference is the score of the model minus that of the control, with its 95 % interval.")
    for control in metrics["controls"]:
        st.caption(f"*{plain_text(control['name'])}*: {plain_text(control['description'])}")


def trials_table(run: RunFolder, metrics: TargetMetrics) -> None:
    """Show the test trials with their notes, those with the largest errors first."""
    st.subheader("Test trials")
    trials = pd.DataFrame(metrics["trials"])
    table = pd.DataFrame({"Trial": trials["trial_id"], "Surgeon": trials["participant_id"]})
    if metrics["classes"]:
        _classes_of_trials(run, metrics, trials, table)
    else:
        _numbers_of_trials(run, metrics, trials, table)


def _numbers_of_trials(run: RunFolder, metrics: TargetMetrics, trials: pd.DataFrame, table: pd.DataFrame) -> None:
    unit = f" ({metrics['unit']})" if metrics["unit"] else ""
    error = (trials["predicted"] - trials["label"]).astype(float)
    numbers = {f"True{unit}": trials["label"], f"Predicted{unit}": trials["predicted"], f"Error{unit}": error}
    order = error.abs().sort_values(ascending=False, kind="stable").index
    formats = {name: st.column_config.NumberColumn(format="%.4g") for name in numbers}
    show_trials(run, table.assign(**numbers).loc[order], "target-trials", formats)


def _classes_of_trials(run: RunFolder, metrics: TargetMetrics, trials: pd.DataFrame, table: pd.DataFrame) -> None:
    right = trials["label"] == trials["predicted"]
    places = {name: number for number, name in enumerate(metrics["classes"])}
    rows = zip(trials["label"], trials["probabilities"], strict=True)
    of_true = pd.Series([probabilities[places[name]] for name, probabilities in rows], trials.index)
    columns = {
        "True class": trials["label"].map(short_name),
        "Predicted": trials["predicted"].map(short_name),
        "": right.map({True: "✓ correct", False: "✗ wrong"}),
        "Probability of the true class": of_true,
    }
    order = pd.DataFrame({"right": right, "of_true": of_true}).sort_values(["right", "of_true"]).index
    bar = st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f")
    show_trials(run, table.assign(**columns).loc[order], "target-trials", {"Probability of the true class": bar})


def _titles(metrics: TargetMetrics) -> dict[str, str]:
    if metrics["classes"]:
        return CLASS_SCORES
    return NUMBER_SCORES | ({LARGE_RECALL: "> 500 mL found"} if LARGE_RECALL in metrics["scores"] else {})


def _scores(metrics: TargetMetrics, scores: Mapping[str, float | None]) -> dict[str, str]:
    return {title: score_text(metrics, name, scores) for name, title in _titles(metrics).items()}


def _of(metrics: TargetMetrics, name: str, value: float) -> str:
    return plain_text(score_text(metrics, name, {name: value}))


def _difference(metrics: TargetMetrics, control: TargetControl) -> str:
    if control["difference"] is None:
        return "–"
    text, interval = _signed(metrics, control["difference"]), control["difference_interval"]
    if interval is not None:
        text += f" ({_signed(metrics, interval[0])} to {_signed(metrics, interval[1])})"
    return text


def _signed(metrics: TargetMetrics, value: float) -> str:
    """Format a difference of the main score with its sign, and with its unit for a number."""
    if metrics["classes"]:
        return f"{value:+.2f}"
    return f"{'+' if value > 0 else ''}{amount(value, metrics['unit'])}"
