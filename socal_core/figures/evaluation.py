"""Figures of a run's test: confusion matrix and ROC curve."""

from collections.abc import Sequence

import plotly.graph_objects as go

from socal_core.figures.style import GUIDE, OUTCOMES, SUCCESS, styled


def confusion_matrix(matrix: Sequence[Sequence[int]]) -> go.Figure:
    """Plot [[tn, fp], [fn, tp]], rows by true and columns by predicted outcome, with the fraction of the row."""
    names = list(OUTCOMES.values())
    shares = [[count / max(1, sum(row)) for count in row] for row in matrix]
    cells = [
        [f"<b>{count}</b><br>{share:.0%} of the row" for count, share in zip(row, parts, strict=True)]
        for row, parts in zip(matrix, shares, strict=True)
    ]
    heat = go.Heatmap(
        z=shares,
        x=names,
        y=names,
        text=cells,
        texttemplate="%{text}",
        textfont={"size": 15},
        colorscale=[[0, "#F4F7FA"], [1, "#7FB2D6"]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=4,
        ygap=4,
        hovertemplate="Predicted %{x}, truly %{y}<extra></extra>",
    )
    figure = styled(go.Figure(heat), "Confusion matrix", "Predicted outcome", "True outcome", height=400)
    # The first row on top, as in a table.
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_xaxes(showgrid=False)


def roc_curve(fpr: Sequence[float], tpr: Sequence[float], auroc: float) -> go.Figure:
    """The ROC curve over the diagonal of chance."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], name="Chance", mode="lines", line={"color": GUIDE, "dash": "dash"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=list(fpr),
        y=list(tpr),
        name=f"Model, AUROC {auroc:.2f}",
        mode="lines+markers",
        line={"color": SUCCESS, "width": 2.5},
        marker={"size": 6},
        hovertemplate="False alarms %{x:.0%}, found %{y:.0%}<extra></extra>",
    )
    styled(
        figure,
        "ROC curve",
        "False positive rate (failures called success)",
        "True positive rate (successes found)",
        height=400,
    )
    figure.update_xaxes(range=[-0.02, 1.02], constrain="domain")
    return figure.update_yaxes(range=[-0.02, 1.02], scaleanchor="x", constrain="domain")
