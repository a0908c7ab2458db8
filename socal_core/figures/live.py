"""The prediction of a trial over the time since its first frame, while it is being recorded."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from socal_core.dataset.targets import Target, amount
from socal_core.figures.groups import plain
from socal_core.figures.style import GUIDE, NEUTRAL, styled


def live_figure(rows: Sequence[Mapping[str, Any]], target: Target) -> go.Figure:
    """Plot each prediction at the second of its last frame.

    Args:
        rows: The predictions, as `jobs/follow_folder.py` writes them: of success or a number.
        target: What is predicted.
    """
    name = "predicted" if target.is_number else "prob_success"
    values = [float(row[name]) for row in rows]
    texts = [amount(value, target.unit) if target.is_number else f"{value:.0%}" for value in values]
    line = go.Scatter(
        x=[row["second"] for row in rows],
        y=values,
        mode="lines+markers",
        line_color=NEUTRAL,
        line_shape="hv",
        customdata=[plain(text) for text in texts],
        hovertemplate="%{x} s: %{customdata}<extra></extra>",
    )
    title = "Prediction so far" if target.is_number else "Probability of success so far"
    figure = styled(go.Figure(line), title, "Seconds since the first frame", plain(target.unit), height=280)
    if not target.is_number:
        figure.update_yaxes(range=[0, 1], tickformat=".0%", title=None)
        figure.add_hline(y=rows[-1]["threshold"], line_color=GUIDE, line_dash="dash", annotation_text="threshold")
    return figure
