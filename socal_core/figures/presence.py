"""Figures of when each tool is in view: by trial and second, and as a fraction of trials by outcome."""

from math import ceil
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from socal_core.figures.groups import CODE_COLOURS, OUTCOME_NAMES, nothing, outcome_codes, plain, trial_rows
from socal_core.figures.style import OUTCOME_COLOURS, OUTCOMES, styled

MAX_COLUMNS = 600
"""Maximum number of columns. Longer trials have several seconds per column."""
MAX_LABELS = 8
"""Maximum number of small figures, which is the number of labels in SOCAL. The most common labels are shown."""
MIN_RUNNING = 5
"""A fraction of fewer running trials than this is not shown, unless the outcome has fewer trials in total."""

ABSENT_TO_PRESENT = [[0, "#E4E9EE"], [0.25, "#A9B8C4"], [1, "#33475B"]]
"""A frame without the tool has a light tint, to differ from the page background, which means that there is no frame."""

Order = Literal["outcome", "surgeon", "length"]


class Timeline(NamedTuple):
    """The frames of n trials in a grid of n rows and m columns of `step` seconds each."""

    trials: pd.DataFrame
    """The n trials that have frames."""
    step: int
    frames: NDArray[np.int64]
    """Number of frames in each cell, (n, m)."""
    keys: NDArray[np.int64]
    """The key of each frame, from `_keys`."""
    cells: NDArray[np.int64]
    """The index of each frame's cell in the flattened grid."""


def timeline(frames: pd.DataFrame, trials: pd.DataFrame) -> Timeline:
    """Arrange frames in a grid of trials and seconds.

    Args:
        frames: The frames of a data set. Those of other trials are left out.
        trials: The trials, in the order of the rows. Those without frames are left out.
    """
    trials = trials[trials.index.isin(frames["trial_id"].unique())]
    rows = trial_rows(trials, frames["trial_id"])
    inside = rows >= 0
    second = frames["second"].to_numpy(dtype=np.int64)[inside]
    length = int(second.max()) + 1 if len(second) else 0
    step = max(1, ceil(length / MAX_COLUMNS))
    width = ceil(length / step)
    cells = rows[inside] * width + second // step
    counts = np.bincount(cells, minlength=len(trials) * width).reshape(len(trials), width)
    return Timeline(trials, step, counts, _keys(rows, frames)[inside], cells)


def frames_with_boxes(line: Timeline, boxes: pd.DataFrame) -> NDArray[np.int64]:
    """Count the frames in each cell that have at least one of the boxes, (n, m)."""
    rows = trial_rows(line.trials, boxes["trial_id"])
    shown = np.isin(line.keys, _keys(rows, boxes)[rows >= 0])
    return np.bincount(line.cells[shown], minlength=line.frames.size).reshape(line.frames.shape)


def tool_presence(
    frames: pd.DataFrame, boxes: pd.DataFrame, trials: pd.DataFrame, label: str | None = None, order: Order = "outcome"
) -> go.Figure:
    """Plot when a label is in view: one row per trial, one column per second, coloured by the fraction of frames.

    Cells without a frame, such as after the end of a trial, are blank.

    Args:
        frames: The frames of a data set.
        boxes: Its boxes.
        trials: The trials to plot. Those without frames are left out.
        label: The label to plot; None for any label.
        order: Order of the rows: `outcome`, longest first within each outcome; `length`, longest first; `surgeon`, as
            in `trials`.
    """
    title = f"When {'any label' if label is None else plain(label)} is in view"
    line = timeline(frames, _in_order(trials, order))
    if line.trials.empty:
        return nothing(title, "No trial with frames to show.")
    hits = frames_with_boxes(line, boxes if label is None else boxes[boxes["label"] == label])
    fractions: NDArray[np.float32] = np.full(line.frames.shape, np.nan, dtype=np.float32)
    np.divide(hits, line.frames, out=fractions, where=line.frames > 0)
    codes = outcome_codes(line.trials)
    trial_ids = map(plain, line.trials.index)
    names = [f"{trial}, {OUTCOME_NAMES[code].lower()}" for trial, code in zip(trial_ids, codes, strict=True)]
    figure = go.Figure(
        go.Heatmap(
            z=fractions,
            x=np.arange(fractions.shape[1]) * line.step,
            y=names,
            zmin=0,
            zmax=1,
            colorscale=ABSENT_TO_PRESENT,
            colorbar={"title": "Frames with it", "tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
            hoverongaps=False,
            hovertemplate="%{y}<br>second %{x}: %{z:.0%} of the frames<extra></extra>",
        )
    )
    _outcome_strip(figure, names, codes)
    styled(figure, title, "", "", height=min(900, 160 + max(200, 4 * len(names))))
    figure.update_layout(xaxis={"title": "Seconds since the first frame", "domain": [0.02, 1], "showgrid": False})
    figure.update_yaxes(autorange="reversed", type="category", anchor="x2", showgrid=False, showticklabels=False)
    return _group_by_outcome(figure, names, codes) if order == "outcome" else figure


def presence_by_outcome(frames: pd.DataFrame, boxes: pd.DataFrame, trials: pd.DataFrame) -> go.Figure:
    """Plot the fraction of running trials that show each label, by second and outcome, in one small figure per label.

    The figure shows the MAX_LABELS most common labels. A line ends where fewer than MIN_RUNNING trials of its outcome
    are still running.

    Args:
        frames: The frames of a data set.
        boxes: Its boxes.
        trials: The trials to count.
    """
    title = "Fraction of running trials that show each label"
    line = timeline(frames, trials)
    boxes = boxes[boxes["trial_id"].isin(line.trials.index)]
    labels = boxes["label"].value_counts().index[:MAX_LABELS].to_list()
    codes = outcome_codes(line.trials)
    if not labels or not np.isin(codes, list(OUTCOMES)).any():
        return nothing(title, "No trial with boxes and a known outcome to show.")
    rows = ceil(len(labels) / 2)
    names = [plain(label) for label in labels]
    figure = make_subplots(
        rows, 2, shared_xaxes=True, shared_yaxes=True, subplot_titles=names, vertical_spacing=0.22 / rows
    )
    seconds = np.arange(line.frames.shape[1]) * line.step
    for index, label in enumerate(labels):
        hits = frames_with_boxes(line, boxes[boxes["label"] == label])
        for code, name in OUTCOMES.items():
            figure.add_scatter(
                x=seconds,
                y=_fraction_of_running(line.frames[codes == code] > 0, hits[codes == code] > 0),
                name=name,
                legendgroup=name,
                showlegend=index == 0,
                mode="lines",
                line={"color": OUTCOME_COLOURS[code], "width": 2},
                hovertemplate=f"{name}, second %{{x}}: %{{y:.0%}}<extra></extra>",
                row=index // 2 + 1,
                col=index % 2 + 1,
            )
    return _small_figures(figure, title, rows)


def _in_order(trials: pd.DataFrame, order: Order) -> pd.DataFrame:
    if order == "surgeon":
        return trials
    by = {"outcome": outcome_codes(trials) if order == "outcome" else 0, "length": -trials["n_frames"]}
    ordered = pd.DataFrame(by, index=trials.index).sort_values(["outcome", "length"], kind="stable").index
    return trials.loc[ordered]


def _outcome_strip(figure: go.Figure, names: list[str], codes: NDArray[np.int64]) -> None:
    """Add a narrow strip in the colours of the outcomes to the left of the rows, and a legend for it."""
    last = len(OUTCOME_NAMES) - 1
    steps = [[edge / (last + 1), CODE_COLOURS[code]] for code in range(last + 1) for edge in (code, code + 1)]
    figure.add_heatmap(
        z=codes[:, np.newaxis].astype(np.uint8),
        x=[0],
        y=names,
        xaxis="x2",
        zmin=-0.5,
        zmax=last + 0.5,
        colorscale=steps,
        showscale=False,
        hovertemplate="%{y}<extra></extra>",
    )
    figure.update_layout(xaxis2={"domain": [0, 0.014], "showticklabels": False, "showgrid": False, "fixedrange": True})
    for code in np.unique(codes):
        marker = {"color": CODE_COLOURS[code], "symbol": "square", "size": 10}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=OUTCOME_NAMES[code])


def _group_by_outcome(figure: go.Figure, names: list[str], codes: NDArray[np.int64]) -> go.Figure:
    """Add a line between the outcomes, and label each with its number of trials. Rows must be sorted by outcome."""
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = [*starts[1:], len(codes)]
    for start in starts[1:]:
        figure.add_hline(y=start - 0.5, line={"color": "#FFFFFF", "width": 3})
    counts = [f"{OUTCOME_NAMES[codes[start]]} ({end - start})" for start, end in zip(starts, ends, strict=True)]
    middles = [names[(start + end) // 2] for start, end in zip(starts, ends, strict=True)]
    return figure.update_yaxes(showticklabels=True, tickmode="array", tickvals=middles, ticktext=counts)


def _fraction_of_running(running: NDArray[np.bool_], showing: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Compute, for each column, the fraction of running rows that show the label; NaN where too few are running."""
    many = running.sum(axis=0)
    fraction = np.full(len(many), np.nan, dtype=np.float32)
    np.divide(showing.sum(axis=0), many, out=fraction, where=many >= max(1, min(MIN_RUNNING, len(running))))
    return fraction


def _small_figures(figure: go.Figure, title: str, rows: int) -> go.Figure:
    """Add titles and axes to small figures in two columns, with the title of the x axis once per column."""
    height = 120 + 150 * rows
    styled(figure, title, "", "", height=height)
    legend = {"yref": "container", "y": 1 - 40 / height, "yanchor": "top"}
    figure.update_layout(margin_t=96, legend=legend)
    figure.update_xaxes(title_text="Seconds since the first frame", row=rows)
    return figure.update_yaxes(range=[0, 1.04], tickformat=".0%", tickvals=[0, 0.5, 1])


def _keys(rows: NDArray[np.int64], table: pd.DataFrame) -> NDArray[np.int64]:
    """Return a key per row of the table that identifies its frame, from the row of the trial and the position in it."""
    keys: NDArray[np.int64] = (rows << 32) + table["position"].to_numpy(dtype=np.int64)
    return keys
