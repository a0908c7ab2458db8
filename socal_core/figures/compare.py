"""Curves of several runs in one figure: one colour per run."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.figures.groups import plain
from socal_core.figures.style import styled, with_message
from socal_core.figures.training import loss_name

RUN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5B7083", "#A6761D")
"""Okabe and Ito's palette, without yellow and black, which are invisible on a light or dark page."""
DASHES = ("solid", "dash", "dot", "dashdot")
"""From the ninth run on, the colours repeat with another line style."""
HEIGHT, LINE_HEIGHT = 320, 20
"""Height in pixels of the plot, and of each line of the legend below it."""
LONGEST_NAME = 40
"""Maximum length of a run's name in the legend. The hover text has the full name."""


def overlaid_losses(runs: Mapping[str, pd.DataFrame], target: Target = SUCCESS_TARGET) -> go.Figure:
    """Plot the validation loss of runs by epoch, with a star at the lowest loss of each run.

    Args:
        runs: The table of epochs (runs/events.py) of each run, by the name of the run.
        target: What all runs predict.
    """
    figure = _overlaid(runs, "val_loss", lowest=True)
    return _styled(figure, "Validation loss of the chosen runs", loss_name(target))


def overlaid_errors(runs: Mapping[str, pd.DataFrame], unit: str) -> go.Figure:
    """Plot the validation RMSE of runs that predict a number by epoch, with a star at the lowest one of each run.

    Args:
        runs: The table of epochs (runs/events.py) of each run, by the name of the run.
        unit: The unit of the number; "" if it has none.
    """
    figure = _overlaid(runs, "val_rmse", lowest=True)
    figure.update_yaxes(rangemode="tozero")
    return _styled(figure, "Validation error of the chosen runs", f"RMSE ({plain(unit)})" if unit else "RMSE")


def overlaid_auroc(runs: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Plot the validation AUROC of runs by epoch, with a gap where it is not defined.

    Args:
        runs: The table of epochs (runs/events.py) of each run, by the name of the run.
    """
    figure = _overlaid(runs, "val_auroc", lowest=False)
    figure.update_yaxes(range=[-0.02, 1.05])
    return _styled(figure, "Validation AUROC of the chosen runs", "AUROC (0 to 1)")


def _overlaid(runs: Mapping[str, pd.DataFrame], column: str, lowest: bool) -> go.Figure:
    figure, last = go.Figure(), 0
    for number, (name, epochs) in enumerate(runs.items()):
        colour = RUN_COLOURS[number % len(RUN_COLOURS)]
        dash = DASHES[number // len(RUN_COLOURS) % len(DASHES)]
        y = pd.to_numeric(epochs[column], errors="coerce")
        last = max(last, 0 if epochs.empty else int(epochs["epoch"].max()))
        best = y.dropna().idxmin() if lowest and y.notna().any() else None
        starred = [index == best for index in epochs.index]
        figure.add_scatter(
            x=epochs["epoch"],
            y=y,
            name=_short(name),
            mode="lines+markers",
            line={"color": colour, "width": 2.5, "dash": dash},
            marker={
                "color": colour,
                "opacity": 1,
                "size": [15 if star else 6 for star in starred],
                "symbol": ["star" if star else "circle" for star in starred],
            },
            customdata=[plain(name)] * len(epochs),
            hovertemplate="%{y:.3f}<extra>%{customdata}</extra>",
            showlegend=True,
        )
    if not any(len(epochs) for epochs in runs.values()):
        with_message(figure, "Curves start when the first epoch is done.<br>Runs with frozen features have none.")
    figure.update_layout(hovermode="x unified")
    return figure.update_xaxes(range=[0, 1.02 * max(5, last)], tickformat="d", minallowed=0)


def _styled(figure: go.Figure, title: str, y: str) -> go.Figure:
    """Add titles, and the legend below the plot, where there is room for many runs."""
    styled(figure, title, "Epoch", y, height=HEIGHT + LINE_HEIGHT * len(figure.data))
    return figure.update_layout(legend={"y": -0.2, "yanchor": "top", "orientation": "v"}, margin={"t": 40})


def _short(name: str) -> str:
    """Shorten a name for the legend, and escape it, since plotly would interpret markup."""
    return plain(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")
