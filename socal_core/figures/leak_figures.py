"""The figure of the leak probes: how well each fact alone predicts the outcome."""

from collections.abc import Sequence

import plotly.graph_objects as go

from socal_core.evaluation.leak_probes import Probe
from socal_core.figures.style import FAILURE, GUIDE, NEUTRAL, interval_bars, interval_text, styled, with_message

_BAR = 34  # pixels of height


def leak_bars(probes: Sequence[Probe]) -> go.Figure:
    """Plot the AUROC of each probe with its 95 % interval, and a line at 0.5.

    Args:
        probes: The probes, from top to bottom. A probe without an AUROC has the text `not known` instead of a bar.
    """
    figure = go.Figure()
    for is_leak, name, colour in ((True, "More than chance", FAILURE), (False, "May be chance", NEUTRAL)):
        group = [probe for probe in probes if probe.auroc is not None and probe.is_leak == is_leak]
        if group:
            figure.add_trace(_bars(group, name, colour))
    title = "How well each of these alone predicts the outcome"
    styled(figure, title, "AUROC on held-out trials, with its 95 % interval", "", height=140 + _BAR * len(probes))
    for probe in probes:
        if probe.auroc is None:
            figure.add_annotation(
                x=0.01, y=probe.name, text="not known", showarrow=False, xanchor="left", font={"color": NEUTRAL}
            )
    if probes:
        figure.add_vline(x=0.5, line={"color": GUIDE, "dash": "dash"})
    else:
        with_message(figure, "Nothing was probed.")
    figure.update_layout(barmode="overlay", bargap=0.35, showlegend=True)
    figure.update_xaxes(range=[0, 1.005], tickvals=[0, 0.25, 0.5, 0.75, 1], zeroline=False)
    order = [probe.name for probe in probes]
    return figure.update_yaxes(
        categoryorder="array", categoryarray=order, range=[len(order) - 0.5, -0.5], tickvals=order, ticklabelstandoff=6
    )


def _bars(probes: Sequence[Probe], name: str, colour: str) -> go.Bar:
    """Return the bars of probes that have an AUROC."""
    aurocs = [probe.auroc or 0.0 for probe in probes]
    return go.Bar(
        x=aurocs,
        y=[probe.name for probe in probes],
        orientation="h",
        name=name,
        marker_color=colour,
        error_x=interval_bars(aurocs, [probe.interval for probe in probes], "#22303C"),
        text=[f"{auroc:.2f}" for auroc in aurocs],
        textposition="inside",
        insidetextanchor="start",
        textfont={"color": "white"},
        customdata=[[interval_text(probe.interval), probe.n] for probe in probes],
        hovertemplate="%{y}: %{x:.2f}<br>%{customdata[0]}<br>%{customdata[1]} held-out trials<extra></extra>",
    )
