"""Figures of a run with frozen features: its inner cross-validation by fold and by candidate."""

import math
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.figures.groups import plain
from socal_core.figures.style import HEIGHT, NEUTRAL, SECOND_SCORE, VALIDATION, styled, with_message
from socal_core.figures.training import loss_name
from socal_core.runs.files.event_types import CandidateRow


def inner_fold_bars(folds: pd.DataFrame, target: Target = SUCCESS_TARGET) -> go.Figure:
    """Plot the AUROC in each inner fold of the candidate that was best after that fold, or the loss for a number.

    A fold has no bar if its trials, or those of the other folds, all have the same outcome.

    Args:
        folds: The table of folds (runs/events.py).
        target: What the run predicts.
    """
    score, name, y, chance = ("auroc", "AUROC", "AUROC (0.5: chance)", 0.5)
    if target.is_number:
        score, name, y, chance = ("loss", "Squared error", loss_name(target), 1.0)
    labels = [f"Fold {row.fold}<br>{row.trials} trials" for row in folds.itertuples()]
    bars = {
        "type": "bar",
        "x": labels,
        "y": folds[score].astype(float),
        "marker": {"color": SECOND_SCORE},
        "width": 0.5,
        "hovertemplate": f"{name} %{{y:.2f}}<extra></extra>",
    }
    figure = styled(go.Figure([bars]), "Inner folds of the training trials", "", y)
    figure.update_yaxes(rangemode="tozero") if target.is_number else figure.update_yaxes(range=[0, 1.05])
    figure.add_hline(chance, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    if folds.empty:
        with_message(figure, "The bars appear when the features have been computed.")
    return figure


def inner_candidates(
    table: Sequence[CandidateRow], target: Target = SUCCESS_TARGET, chance: float | None = None
) -> go.Figure:
    """Plot the loss of each candidate in the inner cross-validation, coloured by whether it is in the head.

    Args:
        table: The `table` of the event `head` (runs/events.py); empty before that event.
        target: What the run predicts.
        chance: The loss of a prediction without features; None if it is not known, as in earlier versions.
    """
    loss, without = ("squared error", "the mean") if target.is_number else ("log loss", "chance")
    if chance is None:
        chance = 1.0 if target.is_number else math.log(target.outputs)
    x = f"{loss.capitalize()} ({chance:.2f}: {without})"
    # Two lines, so that the names leave room for the points.
    names = {
        id(row): f"{plain(' + '.join(row['encoders']))}:<br>{plain(', '.join(row['statistics']))}" for row in table
    }
    traces = []
    for member, title, colour in ((True, "In the head", VALIDATION), (False, "Left out", NEUTRAL)):
        rows = [row for row in table if row["member"] is member]
        if rows:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": [row["loss"] for row in rows],
                    "y": [names[id(row)] for row in rows],
                    "name": title,
                    "marker": {"color": colour, "size": 9},
                    "customdata": [f"{row['strength']:.3g}" for row in rows],
                    "hovertemplate": f"{loss} %{{x:.3f}}, C %{{customdata}}<extra></extra>",
                }
            )
    height = max(HEIGHT, 136 + 34 * len(table))  # room for two lines of text for each candidate
    figure = styled(go.Figure(traces), "Candidates in the inner cross-validation", x, "", height)
    figure.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=list(names.values()))
    if not table:
        with_message(figure, "The candidates appear when all folds are done.")
    return figure
