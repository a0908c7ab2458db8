"""How early the model of a run knows: its scores by the seconds watched, and the job that computes them."""

import pandas as pd
import streamlit as st

from pages.components.charts import chart
from pages.components.downloads import table_with_csv
from pages.components.evaluation.results import score
from pages.components.job_progress import Button, offer
from pages.components.words import plain_text
from socal_core.errors import RunError
from socal_core.evaluation.intervals import TOO_FEW
from socal_core.evaluation.published import experts_after_a_minute
from socal_core.figures.earliness import earliness_figure, watched
from socal_core.jobs.job import Job
from socal_core.runs.files.earliness_record import EARLINESS, Earliness
from socal_core.runs.files.metrics_record import Interval, Metrics
from socal_core.runs.folder import RunFolder

EARLY = Job("earliness", "socal_core.jobs.compute_earliness", "The computation of the scores by seconds watched")


def show_earliness(run: RunFolder, metrics: Metrics, in_view: bool) -> None:
    """Show AUROC and accuracy by the seconds watched, or the button that computes them.

    Args:
        run: A run that predicts success.
        metrics: Its results on all test trials.
        in_view: Whether the rest of the page shows only some of them.
    """
    st.subheader("How early does the model know?")
    if metrics.get("cross_validation"):
        st.caption("This needs one model, and a cross-validation has one per fold: `socal earliness RUN/fold-1`.")
        return
    if in_view:
        st.caption("This part shows all test trials, not only those of the view.")
    config = run.read_config()
    found, problem = _read(run)
    current = found is not None and found.is_of(metrics, config.clip.window)
    if found is not None and current:
        experts = experts_after_a_minute(config.split.split_method, config.clip.window)
        chart(earliness_figure(found, experts), "earliness")
        _table(found)
        st.caption(
            "Filled points are *prediction*: the window ends before most trials do. Hollow points are *recognition*: "
            "most trials have ended by then. The model and its threshold were trained on all of the window, so a model "
            "that is trained for fewer seconds may be better there."
        )
    elif found is not None:
        st.warning(
            "The scores by seconds watched are of another checkpoint than the results of this run, so they are not "
            "shown. Compute them again.",
            icon=":material/history:",
        )
    if problem:
        st.warning(plain_text(problem), icon=":material/broken_image:")
    if not current:
        offer(
            EARLY,
            {"run": str(run.path.resolve())},
            Button("Compute", ":material/timer:", "compute-earliness"),
            about="The model predicts the test trials again from their first 10, 20, … 60 seconds. This takes about as "
            "long as predicting them once for each of these.",
            busy="The scores by seconds watched of another run are being computed. Wait until they are done.",
        )


def _read(run: RunFolder) -> tuple[Earliness | None, str]:
    """Return the scores and why they cannot be read."""
    try:
        return EARLINESS.read(run.path, f"Run {run.name}"), ""
    except RunError as error:
        return None, str(error)


def _table(found: Earliness) -> None:
    rows = [
        {
            "Watched": watched(point, found.window),
            "Task": point.task,
            "Trials": str(point.n),
            "AUROC": score(point.auroc),
            "95 % interval of the AUROC": _interval(point.auroc, point.auroc_interval),
            "Accuracy": score(point.accuracy),
            "95 % interval of the accuracy": _interval(point.accuracy, point.accuracy_interval),
        }
        for point in found.points
    ]
    with st.expander("As a table"):
        table_with_csv(pd.DataFrame(rows).set_index("Watched"), "earliness", data=None)


def _interval(value: float | None, interval: Interval) -> str:
    if value is None:
        return "–"
    return TOO_FEW if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
