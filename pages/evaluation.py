"""The Evaluation page: how well the model of a run predicts the test trials, and how certain that is."""

import pandas as pd
import streamlit as st

from pages.components.evaluation import results
from pages.components.evaluation.analyses import show_analyses
from pages.components.evaluation.control_view import show_control_runs, warn_of_control
from pages.components.evaluation.early_view import show_earliness
from pages.components.evaluation.exports import exports
from pages.components.evaluation.subject import what_was_tested
from pages.components.evaluation.target_results import show_target_results
from pages.components.evaluation.task_chart import explain_task, task_chart
from pages.components.page_frame import page
from pages.components.runs import all_runs, pick_run
from pages.components.sidebar.data_picker import opened_with
from pages.components.split_warnings import warn_of_split
from pages.components.view_choice import label_view, pick_view
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.evaluation.alarms import alarms_of
from socal_core.evaluation.control_runs import rows_of_control_runs
from socal_core.evaluation.metrics import roc_points
from socal_core.evaluation.run_results import CHANGED_DATA, RunResults, data_differ
from socal_core.evaluation.trial_scores import current_metrics
from socal_core.evaluation.view_results import results_in_view
from socal_core.figures.evaluation import confusion_matrix, roc_curve
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.files.metrics_file import AnyMetrics, is_of_success
from socal_core.runs.files.metrics_record import Metrics
from socal_core.runs.folder import RunFolder

REFRESH_SECONDS = 2.0


def figures(metrics: Metrics) -> None:
    left, right = st.columns(2)
    with left:
        task_chart(confusion_matrix(metrics["confusion_matrix"]), "confusion-matrix", metrics)
    with right:
        if metrics["auroc"] is None:
            st.info("There is no ROC curve because all test trials have the same outcome.")
        else:
            trials = pd.DataFrame(metrics["trials"])
            fpr, tpr = roc_points(trials["label"], trials["prob_success"])
            task_chart(roc_curve(fpr.tolist(), tpr.tolist(), metrics["auroc"]), "roc-curve", metrics)
    explain_task(metrics)


def is_changed(run: RunFolder, metrics: AnyMetrics, dataset: Dataset) -> bool:
    """Return whether the open data set is another version of that of a run. Other data and options are not compared."""
    same = dataset.root.resolve() == run.read_data().resolve() and opened_with(dataset) == run.read_data_options()
    return same and data_differ(metrics.get("data_fingerprint"), dataset.fingerprint)


def show(run: RunFolder, dataset: Dataset | None) -> None:
    metrics = run.read_metrics()
    if metrics is None:
        state = read_status(run).state
        if state.alive:
            st.fragment(wait_for, run_every=REFRESH_SECONDS)(run, state)
        else:
            st.info(
                f"Run {plain_text(run.name)} has no test results. Its state is *{state}*. Resume it on the Training "
                "page, or choose another run."
            )
        st.page_link("pages/training.py", label="Go to Training", icon=":material/model_training:")
        return
    warn_of_split(run)
    if dataset is not None and is_changed(run, metrics, dataset):
        st.warning(CHANGED_DATA, icon=":material/history:")
    warn_of_control(run)
    if not is_of_success(metrics):
        show_target_results(run, metrics)
        return
    show_success(run, metrics)


def wait_for(run: RunFolder, shown: RunState) -> None:
    """Show that a run has no results yet, and run the page again when its state changes."""
    if read_status(run).state is not shown:
        st.rerun()
    st.info(f"Run {plain_text(run.name)} is {shown}. Its test results appear here when the run is done.")


def in_chosen_view(found: RunResults) -> RunResults:
    """Let the user choose a saved view, and return the results on its test trials."""
    view = pick_view(found.run, "evaluation")
    if view is None:
        return found
    try:
        shown = results_in_view(found, view)
    except SocalError as error:
        st.warning(f"{plain_text(error)} All test trials are shown.", icon=":material/bookmark:")
        return found
    label_view(view, shown.metrics["n"], found.metrics["n"])
    return shown


def show_success(run: RunFolder, written: Metrics) -> None:
    predictions = run.read_predictions()
    metrics = whole = current_metrics(written, predictions)
    tested = found = None if predictions is None else RunResults(run, predictions, metrics)
    if found:
        found = in_chosen_view(found)
        metrics = found.metrics
    results.summary_sentence(metrics)
    if tested:
        results.show_alarms(alarms_of(tested), run)
    what_was_tested(run, metrics)
    results.score_tiles(metrics)
    results.by_fold(metrics)
    figures(metrics)
    if found:
        show_analyses(found)
        show_earliness(run, whole, in_view=metrics is not whole)
    results.per_class(metrics)
    runs = rows_of_control_runs(run, found.predictions) if found else []
    results.beside_controls(metrics, runs)
    show_control_runs(run, runs)
    results.without_prediction(metrics)
    results.test_trials(run, metrics)
    results.download(run)
    exports(run)


INTRODUCTION = "See how well a model predicts the test trials, which it was not trained on, and how certain that is."

with page("Evaluation", INTRODUCTION) as dataset:
    runs = all_runs()
    if runs:
        # Runs with results come first. The sort is stable, so the newest run is first within each group.
        show(pick_run(sorted(runs, key=lambda run: read_status(run).state is not RunState.DONE), "evaluation"), dataset)
    else:
        st.info("There are no runs yet. Train a model first. Its test results will appear here.")
        st.page_link("pages/training.py", label="Go to Training", icon=":material/model_training:")
