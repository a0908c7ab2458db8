"""Figures of a run's test: confusion matrix and ROC curve."""

from collections.abc import Sequence

import plotly.graph_objects as go

from socal_core.figures.style import GUIDE, OUTCOMES, SUCCESS, styled


def confusion_matrix(matrix: Sequence[Sequence[int]]) -> go.Figure:
    """Plot a confusion matrix, with each count as a fraction of its row.

    Args:
        matrix: [[tn, fp], [fn, tp]]: rows are true and columns are predicted outcomes.
    """
    names = list(OUTCOMES.values())
    fractions = [[count / max(1, sum(row)) for count in row] for row in matrix]
    cells = [
        [f"<b>{count}</b><br>{fraction:.0%} of the row" for count, fraction in zip(row, parts, strict=True)]
        for row, parts in zip(matrix, fractions, strict=True)
    ]
    heat = go.Heatmap(
        z=fractions,
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
        hovertemplate="Predicted %{x}, true %{y}<extra></extra>",
    )
    figure = styled(go.Figure(heat), "Confusion matrix", "Predicted outcome", "True outcome", height=400)
    # Put the first row at the top, as in a table.
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_xaxes(showgrid=False)


def roc_curve(fpr: Sequence[float], tpr: Sequence[float], auroc: float) -> go.Figure:
    """Plot a ROC curve and the diagonal of chance.

    Args:
        fpr: False positive rates, rising from 0 to 1.
        tpr: True positive rates at the same thresholds.
        auroc: The area under the curve, for the legend.
    """
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
