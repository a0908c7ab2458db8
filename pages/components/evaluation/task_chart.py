"""Figures of test results, each labelled with the task: prediction or recognition."""

import plotly.graph_objects as go
import streamlit as st

from pages.components.charts import chart
from socal_core.figures.style import labelled
from socal_core.runs.files.metrics_file import AnyMetrics

ABOUT_TASKS = {
    "prediction": "*prediction*: most trials go on after the window of this model, so it cannot see how they end.",
    "recognition": "*recognition*: most trials end inside the window of this model, so it can see how they end.",
}


def task_chart(figure: go.Figure, key: str, metrics: AnyMetrics) -> None:
    """Show a figure of test results with the task of the run in its title."""
    chart(labelled(figure, metrics["task"]), key)


def explain_task(metrics: AnyMetrics) -> None:
    """Say what the task in the titles of the figures means."""
    st.caption(f"The figures of this page are of {ABOUT_TASKS[metrics['task']]}")
