"""Live figures of a run by epoch: loss, validation accuracy and AUROC with intervals, or RMSE, and learning rate."""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.figures.groups import plain
from socal_core.figures.style import GUIDE, NEUTRAL, SECOND_SCORE, TRAINING, VALIDATION, styled, with_message

MAX_STEP_POINTS = 500
"""About how many single steps are plotted, so that a long run is displayed as quickly as a short one."""
BAND_OPACITY = 0.16
SMALL_HEIGHT = 190

Trace = dict[str, Any]
_SCORES = {"val_accuracy": ("Accuracy", VALIDATION), "val_auroc": ("AUROC", SECOND_SCORE)}
_NAMES = {score: name for score, (name, _) in _SCORES.items()} | {"val_rmse": "RMSE"}


def loss_curves(epochs: pd.DataFrame, steps: pd.DataFrame, target: Target = SUCCESS_TARGET) -> go.Figure:
    """Plot the training and validation loss by epoch, and the loss of single steps behind them.

    Args:
        epochs: The table of epochs (runs/events.py).
        steps: The table of steps (runs/events.py).
        target: What the run predicts.
    """
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
    figure = _figure(traces, last, "Loss (thin line: single steps)", loss_name(target))
    if steps.empty and epochs.empty:
        with_message(figure, "The curve starts with the first training step.")
    return figure


def accuracy_curves(epochs: pd.DataFrame) -> go.Figure:
    """Plot accuracy and AUROC on the validation trials by epoch, with bands for their 95 % intervals if there are any.

    Args:
        epochs: The table of epochs (runs/events.py).
    """
    bands = [band for score, (_, colour) in _SCORES.items() for band in _band(epochs, score, colour)]
    curves = [
        _curve(epochs, score, name, colour) | _hover_with_interval(epochs, score)
        for score, (name, colour) in _SCORES.items()
    ]
    title = "On the validation trials" + _about_bands(epochs, bands)
    traces = [*bands, *curves, *_best(epochs, "val_accuracy")]
    figure = _figure(traces, _last_epoch(epochs), title, "Score (0 to 1)", range=[-0.02, 1.05])
    if epochs.empty:
        with_message(figure, "The curve starts when the first epoch is done.")
    return figure


def error_curve(epochs: pd.DataFrame, unit: str) -> go.Figure:
    """Plot the root mean squared error on the validation trials by epoch, with a band for its 95 % intervals if any.

    Args:
        epochs: The table of epochs (runs/events.py).
        unit: The unit of the number; "" if it has none.
    """
    bands = list(_band(epochs, "val_rmse", VALIDATION))
    curve = _curve(epochs, "val_rmse", "RMSE", VALIDATION) | _hover_with_interval(epochs, "val_rmse")
    traces = [*bands, curve, *_best(epochs, "val_rmse")]
    y = f"RMSE ({plain(unit)})" if unit else "RMSE"
    figure = _figure(
        traces,
        _last_epoch(epochs),
        "Error on the validation trials" + _about_bands(epochs, bands),
        y,
        rangemode="tozero",
    )
    if epochs.empty:
        with_message(figure, "The curve starts when the first epoch is done.")
    return figure


def loss_name(target: Target) -> str:
    """Return the name of the loss of a model that predicts a target."""
    return "Squared error (1: predict the mean)" if target.is_number else "Class-weighted cross-entropy"


def learning_rates(epochs: pd.DataFrame, steps: pd.DataFrame) -> go.Figure:
    """Plot the learning rate on a logarithmic axis, by step if steps are known, else by epoch.

    Args:
        epochs: The table of epochs (runs/events.py).
        steps: The table of steps (runs/events.py).
    """
    thin = steps.iloc[thinning(len(steps))] if len(steps) else epochs.assign(step=1, steps=1)
    rates = _numbers(thin, "learning_rate")
    curve = {
        "x": _position(thin),
        "y": rates.where(rates > 0),  # a schedule may start or end at zero, which has no logarithm
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
        with_message(figure, "The curve starts with the first training step.")
    return figure


def planned_learning_rates(rates: pd.DataFrame) -> go.Figure:
    """Plot the learning rate of each layer by epoch, before a run starts. Layers with the same rate share a line.

    Args:
        rates: The table of `preflight/learning_rates.py`.
    """
    thin = rates.iloc[thinning(len(rates))]
    layers = [name for name in rates if name != "epoch"]
    alike = len(layers) > 1 and rates[layers[0]].equals(rates[layers[-1]])
    shown = {"all layers": layers[0]} if alike else {name: name for name in layers}
    colours = sample_colorscale("Viridis", [place / max(len(shown) - 1, 1) * 0.9 for place in range(len(shown))])
    traces = [
        {
            "x": thin["epoch"],
            "y": thin[layer],
            "name": name,
            "mode": "lines",
            "line": {"color": colour, "width": 1.5},
            "hovertemplate": "%{y:.2e}",
        }
        for (name, layer), colour in zip(shown.items(), colours, strict=True)
    ]
    return _figure(traces, max(1, math.ceil(rates["epoch"].max())), "Learning rate by layer", "", tickformat=".1e")


def thinning(count: int) -> slice:
    """Choose the steps to plot: about MAX_STEP_POINTS of them, always including the last."""
    every = max(1, count // MAX_STEP_POINTS)
    return slice((count - 1) % every, None, every)


def _figure(traces: list[Trace], last: int, title: str, y: str, **y_axis: Any) -> go.Figure:
    """Create a figure in one call, which takes plotly a tenth of the time of adding traces one by one.

    The x axis ends at epoch 5 or later, so that it has ticks at whole epochs and changes little at the start.
    """
    layout = _layout(title, y)
    x_axis = {**layout["xaxis"], "range": [0, 1.02 * max(5, last)], "tickformat": "d", "minallowed": 0}
    axes = {"xaxis": x_axis, "yaxis": {**layout["yaxis"], **y_axis}}
    return go.Figure([{"type": "scatter", **trace} for trace in traces], {**layout, **axes, "hovermode": "x unified"})


@cache
def _layout(title: str, y: str) -> dict[str, Any]:
    """Return the common layout without plotly's template, which every figure has anyway."""
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
    """Return the columns low and high; NaN for epochs without an interval, as in runs of earlier versions."""
    return pd.DataFrame({end: _numbers(epochs, f"{score}_{end}") for end in ("low", "high")})


def _about_bands(epochs: pd.DataFrame, bands: Sequence[Trace]) -> str:
    """Return the end of a title: what the bands are, or why there are none."""
    if bands:
        return " (bands: 95% intervals)"
    return "" if epochs.empty else " (no intervals: too few surgeons)"


def _band(epochs: pd.DataFrame, score: str, colour: str) -> Iterator[Trace]:
    """Yield the area between the ends of a score's intervals, or nothing if there are none."""
    ends = _intervals(epochs, score).assign(epoch=_numbers(epochs, "epoch")).dropna()
    if ends.empty:
        return
    outline = pd.concat([ends, ends.iloc[::-1]])
    yield {
        "x": outline["epoch"],
        "y": pd.concat([ends["high"], ends["low"].iloc[::-1]]),
        "name": f"Interval of {_NAMES[score]}",
        "fill": "toself",
        "mode": "lines",
        "line": {"color": colour, "width": 1},  # visible if there is only one epoch, which has no area
        "fillcolor": colour,
        "opacity": BAND_OPACITY,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _hover_with_interval(epochs: pd.DataFrame, score: str) -> Trace:
    """Return the hover text of the points, with their intervals if they have any."""
    ends = _intervals(epochs, score).itertuples(index=False)
    texts = [f" ({low:.2f} to {high:.2f})" if low <= high else "" for low, high in ends]
    return {"customdata": texts, "hovertemplate": "%{y:.3f}%{customdata}"}


def _best(epochs: pd.DataFrame, column: str) -> Iterator[Trace]:
    """Yield a star at the epoch whose weights are kept: the last one that lowered the validation loss."""
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
    """Return the position of each step on an axis of epochs; the last step of epoch 1 is at 1."""
    return _numbers(steps, "epoch") - 1 + _numbers(steps, "step") / _numbers(steps, "steps")


def _numbers(table: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as floats, with NaN for None, or all NaN if the table has no such column."""
    if column not in table:
        return pd.Series(float("nan"), index=table.index)
    return table[column].astype(float)


def _last_epoch(table: pd.DataFrame) -> int:
    return 0 if table.empty else int(table["epoch"].max())
