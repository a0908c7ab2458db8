"""The Evaluation page: how well the model of a run predicts the test trials, and how certain that is."""

import pandas as pd
import streamlit as st

from pages.components.charts import chart
from pages.components.evaluation import results
from pages.components.evaluation.analyses import show_analyses
from pages.components.evaluation.exports import exports
from pages.components.evaluation.subject import show_subject
from pages.components.evaluation.target_results import show_target_results
from pages.components.page_frame import page
from pages.components.runs import all_runs, pick_run
from pages.components.split_warnings import warn_of_split
from pages.components.words import plain_text
from socal_core.evaluation.alarms import alarms_of
from socal_core.evaluation.metrics import roc_points
from socal_core.evaluation.run_results import RunResults
from socal_core.evaluation.trial_scores import current_metrics
from socal_core.figures.evaluation import confusion_matrix, roc_curve
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.files.metrics_record import Metrics, is_of_success
from socal_core.runs.folder import RunFolder


def what_was_tested(run: RunFolder, metrics: Metrics) -> None:
    show_subject(run, metrics)
    st.caption(f"{about_threshold(metrics)} The test trials did not affect it. Success is the positive class.")


def about_threshold(metrics: Metrics) -> str:
    found = metrics.get("cross_validation")
    if not found:
        return (
            "A trial is predicted to be a success if its probability of success is at least "
            f"{metrics['threshold']:.2f}. This threshold gives the highest balanced accuracy on the validation trials."
        )
    thresholds = [row["threshold"] for row in found["folds"]]
    return (
        "Each trial is predicted by the model of the fold that tests it, and counts once. It is predicted to be a "
        "success if its probability of success reaches the threshold of this fold, "
        f"{min(thresholds):.2f} to {max(thresholds):.2f}, which gives the highest balanced accuracy on the validation "
        "trials of the fold." + (" Over the seeds, both are averaged." if len(found["seeds"]) > 1 else "")
    )


def figures(metrics: Metrics) -> None:
    left, right = st.columns(2)
    with left:
        chart(confusion_matrix(metrics["confusion_matrix"]), "confusion-matrix")
    with right:
        if metrics["auroc"] is None:
            st.info("There is no ROC curve because all test trials have the same outcome.")
        else:
            trials = pd.DataFrame(metrics["trials"])
            fpr, tpr = roc_points(trials["label"], trials["prob_success"])
            chart(roc_curve(fpr.tolist(), tpr.tolist(), metrics["auroc"]), "roc-curve")


def show(run: RunFolder) -> None:
    metrics = run.read_metrics()
    if metrics is None:
        state = read_status(run).state
        if state.alive:
            st.info(f"Run {plain_text(run.name)} is {state}. Its test results appear here when the run is done.")
        else:
            st.info(
                f"Run {plain_text(run.name)} has no test results. Its state is *{state}*. Resume it on the Training "
                "page, or choose another run."
            )
        st.page_link("pages/training.py", label="Go to Training", icon=":material/model_training:")
        return
    warn_of_split(run)
    if not is_of_success(metrics):
        show_target_results(run, metrics)
        return
    show_success(run, metrics)


def show_success(run: RunFolder, written: Metrics) -> None:
    predictions = run.read_predictions()
    metrics = current_metrics(written, predictions)
    found = None if predictions is None else RunResults(run, predictions, metrics)
    results.summary_sentence(metrics)
    if found:
        results.show_alarms(alarms_of(found), found)
    what_was_tested(run, metrics)
    results.score_tiles(metrics)
    results.by_fold(metrics)
    figures(metrics)
    if found:
        show_analyses(found)
    left, right = st.columns(2)
    with left:
        results.per_class(metrics)
    with right:
        results.beside_controls(metrics)
    results.without_prediction(metrics)
    results.test_trials(metrics)
    results.download(run)
    exports(run)


INTRODUCTION = "See how well a model predicts the test trials, which it was not trained on, and how certain that is."

with page("Evaluation", INTRODUCTION):
    runs = all_runs()
    if runs:
        # Runs with results come first. The sort is stable, so the newest run is first within each group.
        show(pick_run(sorted(runs, key=lambda run: read_status(run).state is not RunState.DONE), "evaluation"))
    else:
        st.info("There are no runs yet. Train a model first. Its test results will appear here.")
        st.page_link("pages/training.py", label="Go to Training", icon=":material/model_training:")
