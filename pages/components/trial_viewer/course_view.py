"""How the prediction for a trial forms while more of it is watched, and the job that computes it."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components.downloads import download_csv
from pages.components.job_progress import Button, offer
from pages.components.words import plain_text
from socal_core.dataset.targets import Target, amount
from socal_core.errors import SocalError
from socal_core.evaluation.settling import (
    plotted_name,
    settling_text,
    spread_text,
    values_of,
)
from socal_core.jobs.job import Job
from socal_core.runs.cross_validation import is_cross_validation
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.files.trial_course import TrialCourse, read_course
from socal_core.runs.folder import RunFolder

FOLLOWING = Job("course", "socal_core.jobs.follow_trial", "The prediction over time")


def current_course(run: RunFolder | None, trial_id: str) -> TrialCourse | None:
    """Return the course of the prediction of a run for a trial; None if there is none of its present checkpoint."""
    try:
        found = None if run is None else read_course(run.path, trial_id)
        metrics = None if run is None or found is None else run.read_metrics()
        if run is None or found is None or metrics is None:
            return None
        window, outputs = run.read_config().clip.window, run.read_target().outputs
        return found if found.is_of(metrics["epoch"], window, outputs) else None
    except SocalError:
        return None  # it is offered again, and the page reports elsewhere what is wrong with the run


def course_data(course: TrialCourse, run: RunFolder) -> dict[str, Any]:
    """Return the curve below the timeline of the player, as values for JSON.

    Args:
        course: The course of the prediction of the run.
        run: The run.

    Returns:
        `name` of what is plotted, `seconds` of the trial (null for all of the window) with `values`, the `threshold`
        and the limits `low` and `high` of the axis.
    """
    target, values = run.read_target(), values_of(course, run.read_target())
    span = (max(values) - min(values)) or abs(values[-1]) or 1.0
    low, high = (min(values) - span / 10, max(values) + span / 10) if target.is_number else (0.0, 1.0)
    return {
        "name": plotted_name(course, target),
        "seconds": [None if point.seconds is None else course.start + point.seconds for point in course.points],
        "values": values,
        "threshold": _threshold(run) if target.is_success else None,
        "low": low,
        "high": high,
        "percent": not target.is_number,
    }


def show_course(trial_id: str, run: RunFolder) -> None:
    """Show when the prediction of a run for a trial settles, or the button that computes it."""
    st.subheader("When does the model decide?")
    if is_cross_validation(run):
        st.caption("This needs one model, and a cross-validation has one per fold. Choose a single run.")
        return
    course = current_course(run, trial_id)
    if course is None:
        offer(
            FOLLOWING,
            {"run": str(run.path.resolve()), "trial": trial_id},
            Button("Compute over time", ":material/timeline:", "follow-trial"),
            about="The model predicts the trial again from its first 10, 20, … seconds, and from each of its test "
            "clips. This takes about a minute on a CPU.",
            busy="The prediction for another trial is being computed. Wait until that is done.",
        )
        return
    target = run.read_target()
    st.markdown(f"**{plain_text(settling_text(course, target, _threshold(run)))}**")
    st.caption(
        "The curve is below the timeline of the player. The model was trained on all of its window, so one that is "
        "trained for fewer seconds may be better early on."
    )
    with st.expander("As a table"):
        table = course_table(course, target)
        st.dataframe(table, hide_index=True, key="course")
        download_csv("CSV", lambda: table, "course.csv", data=None, type="tertiary", key="csv-course")


def course_table(course: TrialCourse, target: Target) -> pd.DataFrame:
    """Return one row per point: the seconds watched and what is plotted."""
    values = values_of(course, target)
    watched = ["all of the window" if point.seconds is None else f"{point.seconds} s" for point in course.points]
    texts = [amount(value, target.unit) if target.is_number else f"{value:.0%}" for value in values]
    return pd.DataFrame({"Watched": watched, plotted_name(course, target): texts})


def about_clips(run: RunFolder, trial_id: str) -> str:
    """Say how many clips a prediction is the mean of, and how far they differ if that has been computed."""
    clip = run.read_config().clip
    if clip.test_clips * clip.test_crops == 1:
        return "The prediction is from one clip of the trial."
    course = current_course(run, trial_id)
    if course is not None:
        return f"The prediction is the mean of {spread_text(course, run.read_target())}."
    return f"The prediction is the mean of {clip.test_clips} clips. *Compute over time* shows how far they differ."


def _threshold(run: RunFolder) -> float:
    metrics = run.read_metrics()
    return metrics["threshold"] if metrics is not None and is_of_success(metrics) else 0.5
