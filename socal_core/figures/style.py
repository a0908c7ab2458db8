"""The style of all figures: colours that colour-blind readers can distinguish, and a common layout."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from socal_core.evaluation.intervals import TOO_FEW
from socal_core.runs.files.metrics_record import Interval

# Okabe and Ito's palette (2008), https://jfly.uni-koeln.de/color/
SUCCESS = "#0072B2"
FAILURE = "#D55E00"
TRAINING = "#0072B2"
VALIDATION = "#D55E00"
SECOND_SCORE = "#009E73"
NEUTRAL = "#5B7083"
GUIDE = "#9AA5B1"

OUTCOMES = {0: "Failure", 1: "Success"}
"""The names of `success` 0 and 1, in the order of figures and tables."""
OUTCOME_COLOURS = {0: FAILURE, 1: SUCCESS}

BELOW = {"y": -0.18, "yanchor": "top"}
"""Place of a legend that takes several lines on a narrow page."""


HEIGHT = 360
"""Usual height of a figure in pixels."""


def styled(figure: go.Figure, title: str, x: str, y: str, height: int = HEIGHT) -> go.Figure:
    """Set the title, the axis titles and the common layout of a figure, and return the same figure."""
    # Assigned directly: update_layout and update_xaxes take three times as long, longer than the rest of most figures.
    layout = figure.layout
    layout.title = {"text": title, "x": 0, "xanchor": "left", "y": 0.98, "yanchor": "top", "font": {"size": 16}}
    layout.height = height
    # Room for usual axes. If one needs more, automargin makes room, and the browser draws the whole figure again.
    layout.margin = {"l": 76 if y else 8, "r": 8, "t": 72, "b": 64}
    layout.legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    layout.hoverlabel = {"namelength": -1}
    for axes, text in ((figure.select_xaxes(), x), (figure.select_yaxes(), y)):
        for axis in axes:
            axis.title.text = text
            axis.automargin = True
    return figure


def labelled(figure: go.Figure, task: str) -> go.Figure:
    """Add the task to the title of a figure, also where the figure is saved, and return the same figure.

    Args:
        figure: A figure with a title.
        task: `prediction` or `recognition` (dataset/windows.py), or several in words.
    """
    return figure.update_layout(title_text=f"{figure.layout.title.text} · {task}")


def interval_bars(values: Sequence[float], intervals: Sequence[Interval], colour: str) -> dict[str, Any]:
    """Return the error bars of values with intervals; a value without one has no bar."""
    ends = [interval or (value, value) for interval, value in zip(intervals, values, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for (_, high), value in zip(ends, values, strict=True)],
        "arrayminus": [value - low for (low, _), value in zip(ends, values, strict=True)],
        "color": colour,
        "thickness": 1.4,
        "width": 4,
    }


def interval_text(interval: Interval, form: str = ".2f") -> str:
    """Return the text of an interval on hovering: its ends in a format, or why there is none."""
    return f"95 % interval {interval[0]:{form}} to {interval[1]:{form}}" if interval else TOO_FEW


def with_message(figure: go.Figure, text: str) -> go.Figure:
    """Show a line of text in place of the axes of a figure that has no data yet, and return the same figure."""
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.layout.shapes = ()
    return figure.add_annotation(
        text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 15, "color": NEUTRAL}
    )
