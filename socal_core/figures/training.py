"""Live figures of a run: loss, validation accuracy and AUROC by epoch."""

import pandas as pd
import plotly.graph_objects as go

from socal_core.figures.style import GUIDE, SECOND_SCORE, TRAINING, VALIDATION, styled, waiting

MAX_STEP_POINTS = 1000
"""The step loss is thinned to about this many points, so that a long run draws as quickly as a short one."""


def loss_curves(epochs: pd.DataFrame, steps: pd.DataFrame) -> go.Figure:
    """Training and validation loss by epoch, the loss of single steps behind them (tables of runs/events.py)."""
    figure = go.Figure()
    thin = steps.iloc[:: max(1, len(steps) // MAX_STEP_POINTS)]
    figure.add_scatter(
        x=thin["epoch"] - 1 + thin["step"] / thin["steps"],
        y=thin["loss"],
        name="Single steps",
        mode="lines",
        line={"color": GUIDE, "width": 1},
        opacity=0.55,
        hovertemplate="%{y:.3f}",
        showlegend=False,
    )
    _curve(figure, epochs, "train_loss", "Training", TRAINING)
    _curve(figure, epochs, "val_loss", "Validation", VALIDATION)
    _mark_best(figure, epochs, "val_loss")
    if steps.empty and epochs.empty:
        waiting(figure, "The curve starts with the first training step.")
    styled(figure, "Loss (thin line: single steps)", "Epoch", "Class-weighted cross-entropy")
    return _by_epoch(figure, _last_epoch(steps))


def accuracy_curves(epochs: pd.DataFrame) -> go.Figure:
    """Accuracy and AUROC on the validation trials by epoch."""
    figure = go.Figure()
    _curve(figure, epochs, "val_accuracy", "Accuracy", VALIDATION)
    _curve(figure, epochs, "val_auroc", "AUROC", SECOND_SCORE)
    _mark_best(figure, epochs, "val_accuracy")
    if epochs.empty:
        waiting(figure, "The curve starts when the first epoch is done.")
    figure.update_yaxes(range=[-0.02, 1.05])
    styled(figure, "On the validation trials", "Epoch", "Score (0 to 1)")
    return _by_epoch(figure, _last_epoch(epochs))


def _curve(figure: go.Figure, epochs: pd.DataFrame, column: str, name: str, colour: str) -> None:
    figure.add_scatter(
        x=epochs["epoch"],
        y=epochs[column],
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 2.5},
        marker={"size": 6},
        hovertemplate="%{y:.3f}",
    )


def _mark_best(figure: go.Figure, epochs: pd.DataFrame, column: str) -> None:
    """A star on the epoch whose weights are kept: the last one that lowered the validation loss."""
    best = epochs[epochs["best"].astype(bool)].tail(1)
    if best.empty:
        return
    figure.add_scatter(
        x=best["epoch"],
        y=best[column],
        name=f"Best epoch: {best['epoch'].iloc[0]}",
        mode="markers",
        marker={"symbol": "star", "size": 15, "color": "#F0B400", "line": {"color": "#333333", "width": 1}},
        hoverinfo="skip",
    )


def _last_epoch(table: pd.DataFrame) -> int:
    return 0 if table.empty else int(table["epoch"].max())


def _by_epoch(figure: go.Figure, last: int) -> go.Figure:
    """Epochs from 0 to the last one on the x axis, at least five: ticks at whole epochs, and no leap at the start."""
    figure.update_layout(hovermode="x unified")
    return figure.update_xaxes(range=[0, 1.02 * max(5, last)], tickformat="d", minallowed=0)
