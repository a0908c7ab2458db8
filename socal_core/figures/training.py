"""Live figures of a run: loss, validation accuracy and AUROC with their intervals, learning rate, by epoch."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from socal_core.figures.style import GUIDE, NEUTRAL, SECOND_SCORE, TRAINING, VALIDATION, styled, with_message

MAX_STEP_POINTS = 500
"""Single steps are thinned to about this many points, so that a long run is displayed as quickly as a short one."""
BAND_OPACITY = 0.16
SMALL_HEIGHT = 190

Trace = dict[str, Any]
_SCORES = {"val_accuracy": ("Accuracy", VALIDATION), "val_auroc": ("AUROC", SECOND_SCORE)}


def loss_curves(epochs: pd.DataFrame, steps: pd.DataFrame) -> go.Figure:
    """Training and validation loss by epoch, the loss of single steps behind them (tables of runs/events.py)."""
    thin = steps.iloc[thinning(len(steps))]
    traces = [
        {
            "x": _position(thin),
            "y": _numbers(thin, "loss"),
            "name": "Single steps",
            "mode": "lines",
            "line": {"color": GUIDE, "width": 1},
            "opacity": 0.55,
            "hovertemplate": "%{y:.3f}",
            "showlegend": False,
        },
        _curve(epochs, "train_loss", "Training", TRAINING),
        _curve(epochs, "val_loss", "Validation", VALIDATION),
        *_best(epochs, "val_loss"),
    ]
    last = max(_last_epoch(steps), _last_epoch(epochs))
    figure = _figure(traces, last, "Loss (thin line: single steps)", "Class-weighted cross-entropy")
    if steps.empty and epochs.empty:
        with_message(figure, "The curve starts with the first training step.")
    return figure


def accuracy_curves(epochs: pd.DataFrame) -> go.Figure:
    """Accuracy and AUROC on the validation trials by epoch, with bands where their 95 % intervals are known."""
    bands = [band for score, (_, colour) in _SCORES.items() for band in _band(epochs, score, colour)]
    curves = [
        _curve(epochs, score, name, colour) | _hover_with_interval(epochs, score)
        for score, (name, colour) in _SCORES.items()
    ]
    title = "On the validation trials" + (" (bands: 95% intervals)" if bands else "")
    traces = [*bands, *curves, *_best(epochs, "val_accuracy")]
    figure = _figure(traces, _last_epoch(epochs), title, "Score (0 to 1)", range=[-0.02, 1.05])
    if epochs.empty:
        with_message(figure, "The curve starts when the first epoch is done.")
    return figure


def learning_rates(epochs: pd.DataFrame, steps: pd.DataFrame) -> go.Figure:
    """The learning rate by epoch, on a logarithmic axis; of single steps where they are known."""
    thin = steps.iloc[thinning(len(steps))] if len(steps) else epochs.assign(step=1, steps=1)
    rates = _numbers(thin, "learning_rate")
    curve = {
        "x": _position(thin),
        "y": rates.where(rates > 0),  # zero, where a schedule starts or ends, has no logarithm
        "name": "Learning rate",
        "mode": "lines",
        "line": {"color": NEUTRAL, "width": 2.5},
        "hovertemplate": "%{y:.2e}",
        "showlegend": False,
    }
    last = max(_last_epoch(steps), _last_epoch(epochs))
    figure = _figure([curve], last, "Learning rate", "", type="log", exponentformat="e", nticks=4)
    figure.layout.update(height=SMALL_HEIGHT, margin={"t": 40})  # it has no legend
    if thin.empty:
        with_message(figure, "Starts with the first step.")
    return figure


def thinning(count: int) -> slice:
    """Choose the steps to plot: about MAX_STEP_POINTS, and always the last one, where the curve is now."""
    every = max(1, count // MAX_STEP_POINTS)
    return slice((count - 1) % every, None, every)


def _figure(traces: list[Trace], last: int, title: str, y: str, **y_axis: Any) -> go.Figure:
    """The figure in one go, which takes plotly a tenth of the time of one addition after another.

    Epochs from 0 to the last one on the x axis, at least five: ticks at whole epochs, and no leap at the start.
    """
    layout = _layout(title, y)
    x_axis = {**layout["xaxis"], "range": [0, 1.02 * max(5, last)], "tickformat": "d", "minallowed": 0}
    axes = {"xaxis": x_axis, "yaxis": {**layout["yaxis"], **y_axis}}
    return go.Figure([{"type": "scatter", **trace} for trace in traces], {**layout, **axes, "hovermode": "x unified"})


@cache
def _layout(title: str, y: str) -> dict[str, Any]:
    """The common layout without plotly's template, which every figure has already."""
    layout: dict[str, Any] = styled(go.Figure(layout={"template": None}), title, "Epoch", y).layout.to_plotly_json()
    layout.pop("template", None)
    return layout


def _curve(epochs: pd.DataFrame, column: str, name: str, colour: str) -> Trace:
    return {
        "x": _numbers(epochs, "epoch"),
        "y": _numbers(epochs, column),
        "name": name,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2.5},
        "marker": {"size": 6},
        "hovertemplate": "%{y:.3f}",
    }


def _intervals(epochs: pd.DataFrame, score: str) -> pd.DataFrame:
    """Columns low and high, of every epoch; NaN where there is no interval, as in all runs of an earlier version."""
    return pd.DataFrame({end: _numbers(epochs, f"{score}_{end}") for end in ("low", "high")})


def _band(epochs: pd.DataFrame, score: str, colour: str) -> Iterator[Trace]:
    """The area between the ends of a score's intervals; nothing where there are none."""
    ends = _intervals(epochs, score).assign(epoch=_numbers(epochs, "epoch")).dropna()
    if ends.empty:
        return
    outline = pd.concat([ends, ends.iloc[::-1]])
    yield {
        "x": outline["epoch"],
        "y": pd.concat([ends["high"], ends["low"].iloc[::-1]]),
        "name": f"Interval of {_SCORES[score][0]}",
        "fill": "toself",
        "mode": "lines",
        "line": {"color": colour, "width": 1},  # seen while there is one epoch, which has no area
        "fillcolor": colour,
        "opacity": BAND_OPACITY,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _hover_with_interval(epochs: pd.DataFrame, score: str) -> Trace:
    """The hover text of a point, with its interval if it has one."""
    ends = _intervals(epochs, score).itertuples(index=False)
    texts = [f" ({low:.2f} to {high:.2f})" if low <= high else "" for low, high in ends]
    return {"customdata": texts, "hovertemplate": "%{y:.3f}%{customdata}"}


def _best(epochs: pd.DataFrame, column: str) -> Iterator[Trace]:
    """A star on the epoch whose weights are kept: the last one that lowered the validation loss."""
    best = epochs[epochs["best"].astype(bool)].tail(1)
    if best.empty:
        return
    yield {
        "x": best["epoch"],
        "y": _numbers(best, column),
        "name": f"Best epoch: {best['epoch'].iloc[0]}",
        "mode": "markers",
        "marker": {"symbol": "star", "size": 15, "color": "#F0B400", "line": {"color": "#333333", "width": 1}},
        "hoverinfo": "skip",
    }


def _position(steps: pd.DataFrame) -> pd.Series:
    """Where each step lies on an axis of epochs: the last one of epoch 1 at 1."""
    return _numbers(steps, "epoch") - 1 + _numbers(steps, "step") / _numbers(steps, "steps")


def _numbers(table: pd.DataFrame, column: str) -> pd.Series:
    """A column as floats, NaN for None; all NaN where the table has no such column."""
    if column not in table:
        return pd.Series(float("nan"), index=table.index)
    return table[column].astype(float)


def _last_epoch(table: pd.DataFrame) -> int:
    return 0 if table.empty else int(table["epoch"].max())
