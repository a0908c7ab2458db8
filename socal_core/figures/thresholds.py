"""Figures over thresholds: the scores at each threshold, and the net benefit at each threshold probability."""

import pandas as pd
import plotly.graph_objects as go

from socal_core.evaluation.decision_curve import FAILURE as FAILURE_OUTCOME
from socal_core.figures.groups import nothing
from socal_core.figures.style import BELOW, FAILURE, GUIDE, NEUTRAL, OUTCOMES, SECOND_SCORE, SUCCESS, styled

SCORES = {
    "sensitivity": ("Sensitivity (successes found)", SUCCESS, "solid"),
    "specificity": ("Specificity (failures found)", FAILURE, "dash"),
    "balanced_accuracy": ("Balanced accuracy", SECOND_SCORE, "solid"),
    "f1": ("F1", NEUTRAL, "dot"),
}
"""The scores that are plotted, with name, colour and line style."""
LOWEST_BENEFIT = -0.1
"""Lower end of the net benefit that is shown: treating all falls without limit, and what is below 0 is no choice."""


def scores_over_thresholds(curve: pd.DataFrame, chosen: float, other: float | None = None) -> go.Figure:
    """Plot scores over all thresholds, with the chosen threshold.

    Args:
        curve: The scores from `evaluation.thresholds.threshold_curve`.
        chosen: The threshold of the run, which was chosen on the validation trials.
        other: A threshold to explore.
    """
    title = "Scores at other thresholds"
    figure = go.Figure()
    for column, (name, colour, dash) in SCORES.items():
        if curve[column].notna().any():
            figure.add_scatter(
                x=curve["threshold"],
                y=curve[column],
                name=name,
                mode="lines",
                line={"color": colour, "width": 2, "dash": dash, "shape": "vh"},
                hovertemplate="%{y:.2f}",
            )
    if not figure.data:
        return nothing(title, "The test trials have no scores.")
    above_the_curves = {"text": f"chosen: {chosen:.2f}", "yanchor": "bottom", "xanchor": "center"}
    figure.add_vline(x=chosen, line={"color": GUIDE, "dash": "dash"}, annotation=above_the_curves)
    if other is not None:
        figure.add_vline(
            x=other, line={"color": NEUTRAL}, annotation={"text": f"{other:.2f}"}, annotation_position="bottom right"
        )
    styled(figure, title, "Threshold of the probability of success", "Score (0 to 1)", height=420)
    figure.update_layout(hovermode="x unified", legend=BELOW)
    figure.update_xaxes(range=[-0.01, 1.01], hoverformat=".2f")
    return figure.update_yaxes(range=[-0.02, 1.05])


def decision_figure(curve: pd.DataFrame, outcome: int = FAILURE_OUTCOME) -> go.Figure:
    """Plot the net benefit of the model, of treating all and of treating none.

    Args:
        curve: The net benefits from `evaluation.decision_curve.decision_curve`.
        outcome: The outcome of interest of that curve, 0 or 1.
    """
    name = OUTCOMES[outcome].lower()
    title = f"Net benefit of acting on a predicted {name}"
    if curve["model"].isna().all():
        return nothing(title, "There are no test trials.")
    figure = go.Figure()
    lines = (
        ("treat_all", "Act in every trial", NEUTRAL, "dot"),
        ("treat_none", "Never act", GUIDE, "dash"),
        ("model", "Act on the model", SUCCESS, "solid"),
    )
    for column, text, colour, dash in lines:
        figure.add_scatter(
            x=curve["threshold"],
            y=curve[column],
            name=text,
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate="%{y:.3f}",
        )
    styled(figure, title, f"Probability of {name} from which one would act", "Net benefit", height=420)
    figure.update_layout(hovermode="x unified", legend=BELOW)
    highest = float(curve[["model", "treat_all"]].to_numpy().max())
    figure.update_xaxes(range=[0, 1], tickformat=".0%", hoverformat=".0%")
    return figure.update_yaxes(range=[LOWEST_BENEFIT, 1.1 * max(highest, -LOWEST_BENEFIT)], zeroline=False)
