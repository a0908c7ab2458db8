"""Figures of what a prediction depends on."""

import pandas as pd
import plotly.graph_objects as go

from socal_core.explanations.record import Explanation
from socal_core.figures.groups import nothing
from socal_core.figures.style import FAILURE, GUIDE, NEUTRAL, SUCCESS, styled


def tools_figure(found: Explanation) -> go.Figure:
    """Plot what each tool contributes to the output, beside the same boxes painted at other places.

    Args:
        found: The explanation of a trial.
    """
    title = "What each tool contributes"
    if not found.tools:
        return nothing(title, "The frames that the model sees have no boxes.")
    tools = found.tools[::-1]  # plotly draws the first one at the bottom
    figure = go.Figure()
    figure.add_bar(
        y=[tool.label for tool in tools],
        x=[tool.change for tool in tools],
        orientation="h",
        name="The tool",
        marker={"color": [SUCCESS if tool.stands_out else GUIDE for tool in tools]},
        hovertemplate="%{y}: %{x:+.3f}<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        y=[tool.label for tool in tools for _ in tool.elsewhere],
        x=[change for tool in tools for change in tool.elsewhere],
        mode="markers",
        name="The same boxes painted at mirrored places",
        marker={"symbol": "line-ns", "size": 12, "line": {"color": FAILURE, "width": 2}},
        hovertemplate="%{x:+.3f}<extra>elsewhere</extra>",
    )
    return styled(figure, title, f"Change of the {found.output_name}", "", height=140 + 36 * len(tools))


def times_figure(found: Explanation, seconds: pd.Series) -> go.Figure:
    """Plot what each part of the window contributes to the output.

    Args:
        found: The explanation of a trial.
        seconds: The second of each frame of the trial, by index in the trial.
    """
    figure = go.Figure()
    names = [
        f"{seconds[part.first]}" if part.first == part.last else f"{seconds[part.first]}–{seconds[part.last]}"
        for part in found.times
    ]
    figure.add_bar(
        x=names,
        y=[part.change for part in found.times],
        marker={"color": NEUTRAL},
        hovertemplate="%{x} s: %{y:+.3f}<extra></extra>",
    )
    styled(figure, "What each part of the window contributes", "Seconds", f"Change of the {found.output_name}", 300)
    return figure.update_xaxes(type="category")
