"""Figures of a target: its distribution in a data set, and how well a run predicts it.

Names of classes and columns come from files: they are shortened, and shown without markup.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from socal_core.dataset.targets import Target, amount, short_name
from socal_core.figures.groups import nothing, plain
from socal_core.figures.style import GUIDE, NEUTRAL, SUCCESS, VALIDATION, styled

SHORT, LONG = 18, 90
"""Characters of a name on an axis and in the hover text."""
MANY_CLASSES, LARGE, SMALL = 4, 15, 11
"""Up to so many classes, the cells of a confusion matrix have large text and the fraction of their row."""
CLASS_HEIGHT, LEAST_HEIGHT = 44, 400
"""Height in pixels of a class in a confusion matrix, and of the smallest one."""
MOST_BINS, MOST_TICKS = 20, 7
TEXT_WIDTH = 80
"""Pixels beside a figure for the text of its lines."""
LIMITS = 1.96
"""Standard deviations of the errors between the mean and the limits of agreement (Bland and Altman, Lancet 1986)."""


def distribution(values: pd.Series, target: Target) -> go.Figure:
    """Plot how many trials have each class, or a histogram of the number.

    Args:
        values: The target of each usable trial, from `Dataset.target_values`.
        target: The target.
    """
    title = f"{plain(short_name(target.label))} of {len(values):,} trials"
    if values.empty:
        return nothing(title, "No trial with a known value to show.")
    if target.is_number:
        hover = f"%{{x}} {plain(target.unit)}: %{{y}} trials<extra></extra>"
        bars = go.Histogram(x=values.to_numpy(), nbinsx=MOST_BINS, marker_color=NEUTRAL, hovertemplate=hover)
        figure = styled(go.Figure(bars), title, _axis(target.label, target.unit), "Trials")
        return figure.update_layout(bargap=0.05)
    counts = values.value_counts().reindex(range(len(target.classes)), fill_value=0)
    bars = go.Bar(
        x=list(counts.index),
        y=counts.to_list(),
        text=[f"{count} ({count / len(values):.0%})" for count in counts],
        textposition="outside",
        cliponaxis=False,
        marker_color=NEUTRAL,
        customdata=[plain(short_name(name, LONG)) for name in target.classes],
        hovertemplate="%{customdata}: %{y} trials<extra></extra>",
        width=0.6,
    )
    return _with_names(styled(go.Figure(bars), title, "", "Trials"), "xaxis", target.classes)


def class_confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> go.Figure:
    """Plot a confusion matrix of several classes, with each count as a fraction of its row.

    Args:
        matrix: The number of trials by true class (rows) and predicted class (columns).
        classes: The names of the classes.
    """
    counts = np.array(matrix)
    fractions = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    few = len(classes) <= MANY_CLASSES
    template = "<b>{}</b><br>{:.0%} of the row" if few else "<b>{}</b>"
    cells = [
        [template.format(count, part) for count, part in zip(row, parts, strict=True)]
        for row, parts in zip(counts, fractions, strict=True)
    ]
    names = [plain(short_name(name, LONG)) for name in classes]
    hovers = [[f"Predicted {predicted}, true {true}" for predicted in names] for true in names]
    heat = go.Heatmap(
        z=fractions,
        text=cells,
        texttemplate="%{text}",
        textfont={"size": LARGE if few else SMALL},
        customdata=hovers,
        colorscale=[[0, "#F4F7FA"], [1, "#7FB2D6"]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=4,
        ygap=4,
        hovertemplate="%{customdata}: %{z:.0%} of the row<extra></extra>",
    )
    height = max(LEAST_HEIGHT, 160 + CLASS_HEIGHT * len(classes))
    figure = styled(go.Figure(heat), "Confusion matrix", "Predicted class", "True class", height)
    # Put the first row at the top, as in a table.
    figure.update_yaxes(autorange="reversed", showgrid=False).update_xaxes(showgrid=False)
    return _with_names(_with_names(figure, "xaxis", classes), "yaxis", classes)


def predicted_against_true(trials: pd.DataFrame, name: str, unit: str) -> go.Figure:
    """Plot the predicted number of each trial against the true one, with the line on which both are equal.

    Args:
        trials: The columns trial_id, participant_id, label (the true number) and predicted.
        name: The name of the number within a sentence.
        unit: Its unit; "" if it has none.
    """
    values = trials[["label", "predicted"]].to_numpy(float)
    margin = 0.05 * float(np.ptp(values)) or 1.0
    ends = [float(values.min()) - margin, float(values.max()) + margin]
    figure = go.Figure()
    figure.add_scatter(
        x=ends, y=ends, name="Equal", mode="lines", line={"color": GUIDE, "dash": "dash"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=trials["label"],
        y=trials["predicted"],
        name="Test trial",
        mode="markers",
        marker={"color": SUCCESS, "size": 9, "opacity": 0.9},
        customdata=_hovers(trials, unit),
        hovertemplate="%{customdata}<extra></extra>",
    )
    styled(figure, "Predicted against true", _axis(f"True {name}", unit), _axis("Predicted", unit), 430)
    # Equal scales and ticks, so that the line is at 45 degrees.
    step = _step(ends[1] - ends[0])
    figure.update_xaxes(range=ends, constrain="domain", dtick=step)
    return figure.update_yaxes(range=ends, scaleanchor="x", constrain="domain", dtick=step)


def bland_altman(trials: pd.DataFrame, unit: str) -> go.Figure:
    """Plot the error of each trial against the mean of its predicted and its true number (Bland and Altman, 1986).

    Args:
        trials: As in `predicted_against_true`.
        unit: The unit of the number; "" if it has none.
    """
    errors = (trials["predicted"] - trials["label"]).astype(float)
    figure = go.Figure()
    figure.add_scatter(
        x=(trials["predicted"] + trials["label"]) / 2,
        y=errors,
        mode="markers",
        marker={"color": SUCCESS, "size": 9, "opacity": 0.9},
        customdata=_hovers(trials, unit),
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    mean = float(errors.mean())
    lines = [(mean, "mean", "dash")]
    if len(errors) > 1:
        spread = LIMITS * float(errors.std())
        lines += [(mean + spread, f"+{LIMITS} SD", "dot"), (mean - spread, f"−{LIMITS} SD", "dot")]
    for height, name, dash in lines:
        figure.add_hline(
            height,
            line={"color": VALIDATION, "width": 1.5, "dash": dash},
            annotation_text=f"{name}<br>{plain(short_name(amount(height, unit), SHORT))}",
            annotation_position="right",  # beside the plot, where no point is
            annotation_align="left",
            annotation_font_color=VALIDATION,
        )
    x = _axis("Mean of predicted and true", unit)
    styled(figure, "Agreement (Bland-Altman)", x, _axis("Predicted minus true", unit), height=430)
    low, high = min(*errors, *(line[0] for line in lines)), max(*errors, *(line[0] for line in lines))
    room = 0.08 * (high - low) or 1.0
    figure.update_layout(margin={"r": TEXT_WIDTH})
    return figure.update_yaxes(range=[low - room, high + room], zeroline=True)


def _hovers(trials: pd.DataFrame, unit: str) -> list[str]:
    rows = zip(trials["trial_id"], trials["participant_id"], trials["label"], trials["predicted"], strict=True)
    return [
        f"{plain(trial)}, surgeon {plain(surgeon or 'unknown')}<br>true {plain(amount(true, unit))}, "
        f"predicted {plain(amount(predicted, unit))}"
        for trial, surgeon, true, predicted in rows
    ]


def _step(span: float) -> float:
    """Return a round distance of ticks for an axis of this length, of which there are three to eight."""
    power = 10.0 ** math.floor(math.log10(span))
    return next(part * power for part in (0.2, 0.5, 1, 2) if span / (part * power) <= MOST_TICKS)


def _axis(name: str, unit: str) -> str:
    return plain(f"{short_name(name)} ({unit})" if unit else short_name(name))


def _with_names(figure: go.Figure, axis: str, classes: Sequence[str]) -> go.Figure:
    """Name the places 0, 1, … of an axis, since shortened names of classes may be alike."""
    places: NDArray[np.int64] = np.arange(len(classes))
    names = [plain(short_name(name, SHORT)) for name in classes]
    return figure.update_layout({axis: {"tickmode": "array", "tickvals": places, "ticktext": names}})
