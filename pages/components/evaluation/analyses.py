"""Analyses of the test trials of a run. Only the open one is computed, and only this part of the page is run again."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.components.actions import problem_waits
from pages.components.downloads import download_csv, table_with_csv
from pages.components.evaluation.results import score
from pages.components.evaluation.similar import show_similar
from pages.components.evaluation.task_chart import task_chart
from pages.components.words import plain_text
from socal_core.evaluation.calibration import calibration_report
from socal_core.evaluation.confidence import accuracy_by_confidence, confidence_sentence
from socal_core.evaluation.decision_curve import decision_curve
from socal_core.evaluation.intervals import FEWEST, TOO_FEW, Estimate
from socal_core.evaluation.published import reference_lines
from socal_core.evaluation.run_results import RunResults
from socal_core.evaluation.subgroups import (
    FEWEST_SURGEONS,
    FEWEST_TRIALS,
    GROUPINGS,
    Subgroup,
    SubgroupReport,
    subgroups,
)
from socal_core.evaluation.thresholds import ThresholdRule, scores_at, threshold_curve, threshold_of_validation
from socal_core.evaluation.trial_scores import surgeons_of
from socal_core.figures.calibration import confidence_figure, reliability_diagram
from socal_core.figures.style import OUTCOMES
from socal_core.figures.subgroups import SCORES, forest_plot
from socal_core.figures.thresholds import decision_figure, scores_over_thresholds
from socal_core.presets.preset import SUCCESS

ABOUT_POINTS = f"A point has an interval if its trials are of at least {FEWEST} surgeons."
OF_RUN = "Of this run: highest balanced accuracy (Youden)"
SENSITIVITIES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0)


def show_analyses(results: RunResults) -> None:
    """Show the choice of an analysis and the chosen one."""
    st.subheader("Look closer")
    st.fragment(_show)(results)


def _show(results: RunResults) -> None:
    if problem_waits():
        st.rerun()  # this fragment does not show what the page says
    name = st.segmented_control("Analysis", list(ANALYSES), key="analysis", label_visibility="collapsed")
    if name:
        ANALYSES[name](results)


def _calibration(results: RunResults) -> None:
    report = calibration_report(results.predictions)
    task_chart(reliability_diagram(report), "reliability", results.metrics)
    rows = [
        {
            "": name,
            "Calibration error": score(found.error),
            "Brier score": score(found.brier),
            "Log loss": score(found.log_loss),
        }
        for name, found in (("As predicted", report.before), ("With temperature scaling", report.after))
    ]
    table_with_csv(pd.DataFrame(rows).set_index(""), "calibration", data=None)
    st.caption(ABOUT_POINTS)
    st.caption(
        plain_text(report.temperature.note)
        or f"The temperature {report.temperature.value:.2f} was fitted on the {report.temperature.validation_trials} "
        "validation trials. It changes the probabilities, but not their order."
    )


def _threshold(results: RunResults) -> None:
    test, chosen = results.test, results.metrics["threshold"]
    st.caption(
        f"For exploration only: the scores of this run are those at {chosen:.2f}, which was chosen on the validation "
        "trials. A threshold that you choose here has looked at the test trials, so its scores are too good."
    )
    other = st.slider("Threshold to explore", 0.0, 1.0, round(chosen, 2), 0.01, key=f"threshold-{results.run.name}")
    curve = threshold_curve(test["label"], test["prob_success"])
    # Two lines at the same place would hide each other's text.
    task_chart(
        scores_over_thresholds(curve, chosen, None if other == round(chosen, 2) else other),
        "thresholds",
        results.metrics,
    )
    wanted = st.select_slider(
        "Sensitivity of at least", SENSITIVITIES, 0.9, format_func="{:.0%}".format, key="stated-sensitivity"
    )
    thresholds = {OF_RUN: chosen, **_by_other_rules(results.predictions, wanted), "Explored": other}
    rows = []
    for name, value in thresholds.items():
        at = scores_at(test["label"], test["prob_success"], value)
        rows.append(
            {
                "": name,
                "Threshold": f"{at.threshold:.2f}",
                "Accuracy": score(at.accuracy),
                "Balanced accuracy": score(at.balanced_accuracy),
                "Successes found": f"{at.tp} of {at.tp + at.fn}",
                "Failures found": f"{at.tn} of {at.tn + at.fp}",
            }
        )
    table_with_csv(pd.DataFrame(rows).set_index(""), "thresholds", data=None)
    st.caption(
        "All but the explored threshold were chosen on the validation trials. The scores are those of the test trials."
    )


def _by_other_rules(predictions: pd.DataFrame, sensitivity: float) -> dict[str, float]:
    """Return the thresholds that other rules choose on the validation trials; empty without such trials."""
    by_f1 = threshold_of_validation(predictions, ThresholdRule.F1)
    by_sensitivity = threshold_of_validation(predictions, ThresholdRule.SENSITIVITY, sensitivity)
    if by_f1.note:
        return {}
    return {"Highest F1": by_f1.value, f"Sensitivity of at least {sensitivity:.0%}": by_sensitivity.value}


def _decision(results: RunResults) -> None:
    outcome = st.segmented_control(
        "Act on a predicted", [0, 1], format_func=lambda value: OUTCOMES[value].lower(), default=0, key="acted-on"
    )
    acted_on = outcome or 0
    test = results.test
    task_chart(
        decision_figure(decision_curve(test["label"], test["prob_success"], acted_on), acted_on),
        "decision-curve",
        results.metrics,
    )
    st.caption(
        "The net benefit counts the trials in which acting was right, less the needless actions. Each of these weighs "
        "as much as the probability from which one acts implies. It is meaningful only if the probabilities are right."
    )


def _confidence(results: RunResults) -> None:
    test = results.test
    groups = accuracy_by_confidence(test["label"], test["prob_success"], test["predicted"], surgeons=surgeons_of(test))
    task_chart(confidence_figure(groups), "confidence", results.metrics)
    st.write(plain_text(confidence_sentence(groups)))
    st.caption(ABOUT_POINTS)


def _subgroups(results: RunResults) -> None:
    report = subgroups(results.predictions, results.run.open_dataset().trials)
    shown = st.segmented_control(
        "Score", list(SCORES), format_func=SCORES.__getitem__, default="auroc", key="subgroup-score"
    )
    task_chart(forest_plot(report, shown or "auroc"), "subgroups", results.metrics)
    _subgroup_table(report)
    st.caption(
        f"Groups with fewer than {FEWEST_TRIALS} trials or {FEWEST_SURGEONS} surgeons are grey: they are too small to "
        "say anything about. Scores of small groups differ by chance."
    )
    if report.missing:
        st.caption("  \n".join(plain_text(text) for text in report.missing.values()))


def _subgroup_table(report: SubgroupReport) -> None:
    groups = (report.overall, *report.groups)
    table = pd.DataFrame([_row(group) for group in groups])

    def colours(row: pd.Series) -> list[str]:
        return ["color: gray" if groups[int(str(row.name))].too_small else ""] * len(row)

    st.dataframe(table.style.apply(colours, axis=1), hide_index=True, key="subgroups-table")
    download_csv("CSV", lambda: table, "subgroups.csv", data=None, type="tertiary", key="csv-subgroups")


def _row(group: Subgroup) -> dict[str, str | int]:
    return {
        "Grouping": GROUPINGS.get(group.grouping, "All"),
        "Group": group.name,
        "Trials": group.trials,
        "Surgeons": group.surgeons,
        "Successes": group.successes,
        "AUROC": _estimate(group.auroc),
        "Accuracy": _estimate(group.accuracy),
        "Size": "too small" if group.too_small else "",
    }


def _estimate(found: Estimate) -> str:
    if found.value is None:
        return "not defined"
    interval = f"{found.interval[0]:.2f} to {found.interval[1]:.2f}" if found.interval else TOO_FEW
    return f"{found.value:.2f} ({interval})"


def _published(results: RunResults) -> None:
    config = results.run.read_config()
    found = reference_lines(config.split.split_method, config.clip.window, SUCCESS)
    if found.reason:
        st.info(plain_text(found.reason))
        return
    rows = [
        {
            "Predictor": result.predictor,
            "Score": result.metric,
            "Value": f"{result.value:.2f}",
            "Trials": f"{result.hits} of {result.n}",
            "95 % interval": f"{result.interval[0]:.2f} to {result.interval[1]:.2f}" if result.interval else "–",
            "Source": result.source,
        }
        for result in found.results
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="published")
    download_csv("CSV", lambda: pd.DataFrame(rows), "published.csv", data=None, type="tertiary", key="csv-published")
    st.caption("These are results on the same twenty test trials. Twenty trials cannot rank two models.")


ANALYSES: dict[str, Callable[[RunResults], None]] = {
    "Calibration": _calibration,
    "Threshold": _threshold,
    "Decision curve": _decision,
    "Confidence": _confidence,
    "Subgroups": _subgroups,
    "Similar trials": show_similar,
    "Published results": _published,
}
