"""The figure of earliness: the scores of a model by the seconds that it has watched."""

import plotly.graph_objects as go

from socal_core.dataset.windows import Window
from socal_core.evaluation.published import SECONDS_OF_EXPERTS, PublishedResult
from socal_core.figures.style import (
    BELOW,
    FAILURE,
    NEUTRAL,
    SECOND_SCORE,
    SUCCESS,
    interval_bars,
    interval_text,
    labelled,
    styled,
)
from socal_core.runs.files.earliness_record import Earliness, EarlinessPoint

SCORES = {"auroc": ("AUROC", SUCCESS, "circle"), "accuracy": ("Accuracy", SECOND_SCORE, "square")}
"""The scores that are plotted, with name, colour and marker."""


def earliness_figure(found: Earliness, experts: PublishedResult | None = None) -> go.Figure:
    """Plot AUROC and accuracy against the seconds watched. Points of recognition are hollow, as the title says.

    Args:
        found: The content of earliness.json.
        experts: The accuracy of experts after 60 s, from `published.experts_after_a_minute`; None if it is not
            comparable.
    """
    figure = go.Figure()
    for score, (name, colour, marker) in SCORES.items():
        points = [point for point in found.points if getattr(point, score) is not None]
        values = [getattr(point, score) for point in points]
        symbols = [f"{marker}-open" if point.task == "recognition" else marker for point in points]
        figure.add_scatter(
            x=[watched(point, found.window) for point in points],
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"symbol": symbols, "size": 9},
            error_y=interval_bars(values, [getattr(point, f"{score}_interval") for point in points], colour),
            customdata=[[point.task, point.n, interval_text(getattr(point, f"{score}_interval"))] for point in points],
            hovertemplate="%{y:.2f}, %{customdata[2]} (%{customdata[0]}, %{customdata[1]} trials)",
        )
    if experts is not None:
        figure.add_scatter(
            x=[f"{SECONDS_OF_EXPERTS} s"],
            y=[experts.value],
            name=f"{experts.predictor}, accuracy",
            mode="markers",
            marker={"symbol": "diamond", "size": 11, "color": FAILURE},
            error_y=interval_bars([experts.value], [experts.interval], FAILURE),
            hovertemplate=f"%{{y:.2f}} ({experts.source})",
        )
    styled(figure, "Scores by the seconds watched", "Watched since the start of the window", "Score (0 to 1)", 420)
    tasks = {point.task for point in found.points}
    labelled(figure, tasks.pop() if len(tasks) == 1 else "filled: prediction, hollow: recognition")
    figure.add_hline(y=0.5, line={"color": NEUTRAL, "dash": "dot"})
    order = [watched(point, found.window) for point in found.points]
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=order)
    figure.update_layout(legend=BELOW)
    return figure.update_yaxes(range=[-0.02, 1.05])


def watched(point: EarlinessPoint, window: str) -> str:
    """Return what a model has watched at a point, such as `30 s`; `all` if the window depends on the trial's length."""
    seen = Window.parse(window)
    if point.seconds is not None:
        return f"{point.seconds} s"
    return "all" if seen.stop is None or seen.ends_with_the_trial else f"{seen.stop - seen.start} s"
