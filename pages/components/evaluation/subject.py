"""What was tested: the model, the data and the task, and what limits the result."""

import streamlit as st

from pages.components.sidebar.data_picker import name_of_data
from pages.components.words import ABOUT_ENCODERS, plain_text
from socal_core.dataset.filter_text import filter_from_json, filter_in_words
from socal_core.runs.files.metrics_file import AnyMetrics
from socal_core.runs.files.metrics_record import Metrics
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import model_name
from socal_core.settings import TINY, EncoderChoice, Recipe


def show_subject(run: RunFolder, metrics: AnyMetrics, predicted: str = "") -> None:
    """Show the task, the window, the model, the data and the number of test trials.

    Args:
        run: The run.
        metrics: Its metrics.
        predicted: What is predicted, in Markdown, if it is not success.
    """
    st.markdown(
        f"**{plain_text(metrics['task'].capitalize())}**{predicted} · window: {plain_text(metrics['window'])} · "
        f"{what_predicts(run, metrics)} · data: {plain_text(name_of_data(run.read_data()))} · "
        f"**{metrics['n']:d} test trials**"
    )
    config = run.read_config()
    if config.split.trials:
        name = f"the view {plain_text(config.split.view)}" if config.split.view else "a filter"
        words = plain_text(filter_in_words(filter_from_json(config.split.trials)))
        st.caption(f"Trained, validated and tested only on the trials of {name}: {words}.")
    if (
        config.model.recipe is Recipe.FROZEN
        and config.model.model == TINY
        and config.model.encoder is EncoderChoice.AUTO
    ):
        st.caption(ABOUT_ENCODERS)


def what_was_tested(run: RunFolder, metrics: Metrics) -> None:
    """Show what was tested in a run that predicts success, and how its threshold was chosen."""
    show_subject(run, metrics)
    st.caption(f"{_about_threshold(metrics)} The test trials did not affect it. Success is the positive class.")


def warn_of_recognition(metrics: AnyMetrics) -> None:
    """Warn if the model sees how most trials end."""
    if metrics["task"] == "recognition":
        st.warning(
            f"**Recognition, not prediction.** {metrics['share_ending_inside']:.0%} of the trials end inside the "
            "window of this model, so it can see their outcome. Do not compare it with models that see only the first "
            "minute.",
            icon=":material/visibility:",
        )


def what_predicts(run: RunFolder, metrics: AnyMetrics) -> str:
    """Return the model and its weights or its head, in Markdown."""
    config = run.read_config()
    # Metrics of earlier versions have no description, and their models are all fine-tuned.
    text = metrics.get("model", {}).get("text") or f"weights of epoch {metrics['epoch']} (lowest validation loss)"
    if config.model.recipe is Recipe.FROZEN:
        return plain_text(text)
    return f"model {plain_text(model_name(config.model.model))} · {plain_text(text)}"


def _about_threshold(metrics: Metrics) -> str:
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
