"""The Evaluation page: how well the model of a run predicts the test trials, and how certain that is."""

import pandas as pd
import streamlit as st

from pages.components.charts import chart
from pages.components.evaluation import results
from pages.components.evaluation.exports import exports
from pages.components.page_frame import page
from pages.components.runs import all_runs, pick_run
from pages.components.sidebar.data_picker import name_of_data
from pages.components.split_warnings import warn_of_split
from pages.components.words import ABOUT_ENCODERS, plain_text
from socal_core.evaluation.metrics import roc_points
from socal_core.figures.evaluation import confusion_matrix, roc_curve
from socal_core.lifecycle.state import RunState, read_status
from socal_core.preflight.advice import FEW_TEST_TRIALS
from socal_core.runs.files.metrics_record import Metrics
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import model_name
from socal_core.settings import TINY, EncoderChoice, Recipe


def what_was_tested(run: RunFolder, metrics: Metrics) -> None:
    if metrics["task"] == "recognition":
        st.warning(
            f"**Recognition, not prediction.** {metrics['share_ending_inside']:.0%} of the trials end inside the "
            "window of this model, so it can see their outcome. Do not compare it with models that see only the first "
            "minute.",
            icon=":material/visibility:",
        )
    st.markdown(
        f"**{plain_text(metrics['task'].capitalize())}** · window: {plain_text(metrics['window'])} · "
        f"{what_predicts(run, metrics)} · data: {plain_text(name_of_data(run.read_data()))} · "
        f"**{metrics['n']:d} test trials**"
    )
    config = run.read_config()
    if (
        config.model.recipe is Recipe.FROZEN
        and config.model.model == TINY
        and config.model.encoder is EncoderChoice.AUTO
    ):
        st.caption(ABOUT_ENCODERS)
    if metrics["n"] < FEW_TEST_TRIALS:
        st.warning(
            f"**Few test trials: {metrics['n']}.** A single trial changes the accuracy by "
            f"{100 / metrics['n']:.0f} percentage points. Do not rank models by these scores.",
            icon=":material/straighten:",
        )
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


def what_predicts(run: RunFolder, metrics: Metrics) -> str:
    config = run.read_config()
    # Metrics of earlier versions have no description, and their models are all fine-tuned.
    text = metrics.get("model", {}).get("text") or f"weights of epoch {metrics['epoch']} (lowest validation loss)"
    if config.model.recipe is Recipe.FROZEN:
        return plain_text(text)
    return f"model {plain_text(model_name(config.model.model))} · {plain_text(text)}"


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
    what_was_tested(run, metrics)
    results.score_tiles(metrics)
    results.above_controls(metrics)
    results.by_fold(metrics)
    figures(metrics)
    left, right = st.columns(2)
    with left:
        results.per_class(metrics)
    with right:
        results.beside_controls(metrics)
    results.without_prediction(metrics)
    results.test_trials(metrics)
    if run.predictions_file.is_file():
        st.download_button(
            "Download predictions.csv",
            run.predictions_file.read_bytes(),
            file_name=f"{run.name}-predictions.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="One row per usable trial: trial_id, participant_id, split, label, prob_success, predicted.",
        )
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
