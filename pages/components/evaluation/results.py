"""The parts of the test results of a run: tiles with intervals, tables by outcome, controls and trials."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.components.downloads import Ids, announce, download_csv, fingerprint_of, ids_of, table_with_csv
from pages.components.evaluation.trials_view import show_trials
from pages.components.words import plain_text
from socal_core.evaluation.alarm import Alarm, AlarmSeverity
from socal_core.evaluation.compare import Verdict
from socal_core.evaluation.controls import comparison, interval_of_control
from socal_core.evaluation.frame_alarms import unchecked
from socal_core.evaluation.intervals import TOO_FEW
from socal_core.evaluation.summary import summary, verdict_of
from socal_core.figures.style import OUTCOMES
from socal_core.runs.files.metrics_file import AnyMetrics
from socal_core.runs.files.metrics_record import Control, FoldScores, Interval, Metrics, Score, SeedScores
from socal_core.runs.files.predictions import prediction_columns
from socal_core.runs.folder import RunFolder

TILES: tuple[tuple[str, Score, str], ...] = (
    (
        "AUROC",
        "auroc",
        "How often a random success gets a higher probability than a random failure: 0.5 is chance, 1 is perfect",
    ),
    ("Accuracy", "accuracy", "Fraction of the test trials that were predicted correctly"),
    ("Balanced accuracy", "balanced_accuracy", "Mean of the recalls of both outcomes: 0.5 is chance"),
    ("Brier score", "brier", "Mean squared error of the probabilities: 0 is perfect; always predicting 0.5 gives 0.25"),
    ("Precision", "precision", "Fraction of the predicted successes that were real successes"),
    ("Recall", "recall", "Fraction of the real successes that were predicted"),
    ("Specificity", "specificity", "Fraction of the real failures that were predicted"),
    ("F1", "f1", "Harmonic mean of precision and recall"),
)
IN_A_ROW = 4
FEW_IN_TILE = "too few surgeons"
"""What a tile says instead of TOO_FEW, which it would cut off."""
FURTHER: dict[Score, str] = {
    "npv": "Negative predictive value",
    "f1_failure": "F1 of failure",
    "matthews": "Matthews correlation",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "calibration_error": "Calibration error",
}
"""Scores that are only in the table of all scores, with their names."""

ALARM_ICONS = {
    AlarmSeverity.SERIOUS: ":material/error:",
    AlarmSeverity.CAUTION: ":material/warning:",
    AlarmSeverity.NOTE: ":material/info:",
}
LABELS = {"auroc": "AUROC", "accuracy": "Accuracy"}
ABOUT_INTERVALS = (
    "The range in grey is the 95 % interval, which is likely to contain the true value. If two models differ by less "
    "than these intervals, the difference may be due to chance."
)
ABOUT_FOLDS = (
    "The scores above are those of all trials together. Their AUROC compares probabilities of different models, so it "
    "can be below that of every fold. The scores of a fold are of few trials and vary by chance."
)


def score_tiles(metrics: Metrics) -> None:
    """Show one tile per score, with its 95 % interval or why there is none, and all scores in a table."""
    for start in range(0, len(TILES), IN_A_ROW):
        tiles = TILES[start : start + IN_A_ROW]
        for column, (label, name, text) in zip(st.columns(IN_A_ROW), tiles, strict=True):
            column.metric(
                label,
                score(metrics.get(name)),
                delta=FEW_IN_TILE if (between := interval_text(metrics, name)) == TOO_FEW else between,
                delta_color="off",
                delta_arrow="off",
                help=text,
                border=True,
            )
    few = any(interval_text(metrics, name) == TOO_FEW for _, name, _ in TILES)
    st.caption(ABOUT_INTERVALS + (f" Where none is given, there are {TOO_FEW}." if few else ""))
    unknown = sum(not trial["participant_id"] for trial in metrics["trials"])
    if unknown:
        st.caption(
            f"Test trials of unknown surgeons: {unknown}. Each of these counts as a separate surgeon, so the "
            "intervals may be too narrow."
        )
    with st.expander("All scores"):
        names: dict[Score, str] = {name: label for label, name, _ in TILES} | FURTHER
        rows = [
            {"Score": label, "Value": score(metrics.get(name)), "95 % interval": interval_text(metrics, name) or "–"}
            for name, label in names.items()
        ]
        table_with_csv(pd.DataFrame(rows).set_index("Score"), "scores", data=None)


def interval_text(metrics: Metrics, name: Score) -> str | None:
    """Return the interval of a score, or why it has none; None if the score is not defined."""
    if metrics.get(name) is None:
        return None
    interval = metrics["intervals"].get(name)
    return TOO_FEW if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


def by_fold(metrics: Metrics) -> None:
    """Show the scores of each fold of a cross-validation and their spread; nothing for other runs."""
    found = metrics.get("cross_validation")
    if not found:
        return
    st.subheader("By fold")
    rows: list[tuple[str, FoldScores | SeedScores]] = [(row["run"], row) for row in found["folds"]]
    if len(found["seeds"]) > 1:
        rows += [(f"seed {row['seed']}, all folds", row) for row in found["seeds"]]
    table = [
        {
            "Fold": plain_text(name),
            "Test trials": str(row["n"]),
            "Surgeons": str(row["surgeons"]),
            "AUROC": score(row["auroc"]),
            "Accuracy": score(row["accuracy"]),
        }
        for name, row in rows
    ]
    table_with_csv(pd.DataFrame(table).set_index("Fold"), "folds", data=None)
    texts = [
        f"{LABELS[name]} over {values['count']} {kind}: {values['lowest']:.2f} to {values['highest']:.2f}, mean "
        f"{values['mean']:.2f}, standard deviation {values['standard_deviation']:.2f}."
        for kind, spreads in (("folds", found["over_folds"]), ("seeds", found["over_seeds"]))
        for name, values in spreads.items()
    ]
    st.caption("  \n".join([*texts, ABOUT_FOLDS]))


def per_class(metrics: Metrics) -> None:
    """Show precision, recall and F1 of each outcome."""
    st.subheader("By outcome")
    rows = [
        {
            "Outcome": name,
            "Precision": score(values["precision"]),
            "Recall": score(values["recall"]),
            "F1": score(values["f1"]),
            "Test trials": f"{values['support']:d}",
        }
        for name in OUTCOMES.values()
        for values in [metrics["per_class"][name.lower()]]
    ]
    table_with_csv(pd.DataFrame(rows).set_index("Outcome"), "by-outcome", data=None)


def summary_sentence(metrics: Metrics) -> None:
    """Say whether the model is better than its best control."""
    shows = {Verdict.ABOVE: st.success, Verdict.NOT_SHOWN: st.info, Verdict.BELOW: st.warning}
    shows[verdict_of(metrics)](f"**{plain_text(summary(metrics))}**", icon=":material/balance:")


def show_alarms(alarms: Sequence[Alarm], run: RunFolder) -> None:
    """Show each sign that the scores mislead as a message, and what was not checked."""
    shows = {AlarmSeverity.SERIOUS: st.error, AlarmSeverity.CAUTION: st.warning, AlarmSeverity.NOTE: st.info}
    for alarm in alarms:
        shows[alarm.severity](plain_text(alarm.text), icon=ALARM_ICONS[alarm.severity])
    if text := unchecked(run):
        st.caption(plain_text(text))


def beside_controls(metrics: Metrics, runs: Sequence[Control] = ()) -> None:
    """Show the scores of the model and of the controls in one table.

    Args:
        metrics: The metrics of the run.
        runs: The controls that are runs (evaluation/control_runs.py).
    """
    st.subheader("Is the model better than simple rules?")
    controls = [*metrics["controls"], *runs]
    interval = interval_text(metrics, "auroc") or "–"
    rows = [{"": "**This model**", **_control_scores(metrics), "95 % interval": interval, "Model minus control": ""}]
    rows += [
        {
            "": plain_text(row["name"]),
            **_control_scores(row),
            "95 % interval": _range(row["auroc"], interval_of_control(metrics, row)),
            "Model minus control": _difference(row),
        }
        for row in controls
    ]
    table_with_csv(pd.DataFrame(rows).set_index(""), "controls", data=None)
    st.caption("The 95 % intervals are those of the AUROC, and of its difference on the same trials.")
    if text := comparison(metrics):
        st.caption(plain_text(text))
    for row in controls:
        st.caption(f"*{plain_text(row['name'])}*: {plain_text(row['description'])}")


def _control_scores(row: Metrics | Control) -> dict[str, str]:
    return {
        "Accuracy": score(row["accuracy"]),
        "Balanced accuracy": score(row["balanced_accuracy"]),
        "AUROC": score(row["auroc"]),
    }


def _range(value: float | None, interval: Interval) -> str:
    if value is None:
        return "–"
    return TOO_FEW if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


def _difference(row: Control) -> str:
    """Return the difference of the AUROCs with its interval; earlier versions recorded none."""
    value = row.get("difference")
    if value is None:
        return "–"
    interval = row.get("difference_interval")
    between = FEW_IN_TILE if interval is None else f"{interval[0]:+.2f} to {interval[1]:+.2f}"
    return f"{value:+.2f} ({between})"


def without_prediction(metrics: AnyMetrics) -> None:
    """Show the trials that the run could not use, and the frames that it replaced, with reasons."""
    if metrics["left_out"]:
        st.subheader("Trials left out")
        st.caption(
            "A trial is left out if more than 20 % of the frames of its clip cannot be read, or if it has no frame in "
            "the window."
        )
        table = pd.DataFrame(metrics["left_out"]).set_axis(["Trial", "Reason"], axis=1)
        data = announce(Ids(frozenset(table["Trial"])), metrics.get("data_fingerprint"))
        table_with_csv(table.set_index("Trial"), "left-out", data=data)
    if metrics["stand_ins"]:
        st.subheader("Frames replaced")
        st.caption("A frame that cannot be read is replaced by the nearest readable frame of the trial.")
        st.write("\n".join(f"- {plain_text(text)}" for text in metrics["stand_ins"]))


def test_trials(run: RunFolder, metrics: Metrics) -> None:
    """Show the test trials with their notes: first the wrong predictions, with the most confident ones at the top."""
    st.subheader("Test trials")
    trials = pd.DataFrame(metrics["trials"])
    right = trials["label"] == trials["predicted"]
    table = pd.DataFrame(
        {
            "Trial": trials["trial_id"],
            "Surgeon": trials["participant_id"],
            "True outcome": trials["label"].map(OUTCOMES),
            "Predicted": trials["predicted"].map(OUTCOMES),
            "": right.map({True: "✓ correct", False: "✗ wrong"}),
            "Probability of success": trials["prob_success"],
        }
    )
    error = (trials["prob_success"] - trials["label"]).abs()
    order = pd.DataFrame({"right": right, "error": -error}).sort_values(["right", "error"]).index
    bar = st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f")
    show_trials(run, table.loc[order], "test-trials", {"Probability of success": bar})


def download(run: RunFolder) -> None:
    """Show the button that downloads the predictions of a run, if it has any."""
    if run.predictions_file.is_file():
        columns = ", ".join(prediction_columns(run.read_target()))
        data = announce(ids_of(raw_predictions(run)), fingerprint_of(run))
        download_csv(
            "Download predictions.csv",
            lambda: raw_predictions(run),
            f"{run.name}-predictions.csv",
            data=data,
            help_text=f"One row per usable trial: {plain_text(columns)}.",
        )


def raw_predictions(run: RunFolder) -> pd.DataFrame:
    """Return the predictions of a run as they are in its file, all of them texts."""
    return pd.read_csv(run.predictions_file, dtype=str, keep_default_na=False)


def score(value: float | None) -> str:
    """Format a score with two decimals, or as a dash if it is not defined."""
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}"  # the sum of -0.0 and 0.0 is 0.0
