"""Figures of boxes: their number per frame, and where in the frame they are."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from socal_core.annotations.rows import CORNERS, KnownFrames
from socal_core.figures.groups import nothing, percent, plain
from socal_core.figures.style import NEUTRAL, styled

MOST_BOXES = 12
"""One bar counts all frames with this many boxes or more."""
GRID_HEIGHT, GRID_WIDTH = 36, 64
"""A 16:9 frame in square cells. Frames of another shape are stretched to this shape."""

DENSITY = [[0, "#F4F7FA"], [0.25, "#B5D3E7"], [0.6, "#3F8CBF"], [1, "#083A66"]]


def boxes_per_frame(frames: pd.DataFrame, boxes: pd.DataFrame) -> go.Figure:
    """Plot how many frames have no box, one box, two boxes and so on."""
    title = "Boxes per frame"
    if frames.empty:
        return nothing(title, "No frame to show.")
    per_frame = boxes["frame"].value_counts().clip(upper=MOST_BOXES).to_numpy(dtype=np.int64)
    counts = np.bincount(per_frame, minlength=1)
    counts[0] = len(frames) - len(per_frame)
    names = [str(number) for number in range(len(counts))]
    if len(names) > MOST_BOXES:
        names[MOST_BOXES] = f"{MOST_BOXES} or more"
    bars = go.Bar(
        x=names,
        y=counts.tolist(),
        text=[plain(percent(count / len(frames))) if count else "" for count in counts],
        textposition="outside",
        cliponaxis=False,
        marker_color=NEUTRAL,
        hovertemplate="%{x} boxes: %{y:,} frames<extra></extra>",
    )
    return styled(go.Figure(bars), title, "Boxes in the frame", "Frames").update_xaxes(type="category")


def box_density(boxes: pd.DataFrame, frames: pd.DataFrame, trials: pd.DataFrame, label: str | None = None) -> go.Figure:
    """Plot where in the frame boxes are, as the fraction of boxes that cover each cell of a grid.

    Args:
        boxes: The boxes of a data set. Those in frames of unknown size are left out.
        frames: The frames of the boxes.
        trials: The trials of the frames.
        label: The label to plot; None for all labels.
    """
    title = "Where boxes are" if label is None else f"Where boxes of {plain(label)} are"
    chosen = boxes if label is None else boxes[boxes["label"] == label]
    corners = relative_corners(chosen, frames, trials)
    if not len(corners):
        return nothing(title, "No box in a frame of known size to show.")
    heat = go.Heatmap(
        z=(covering(corners) / len(corners)).astype(np.float32),
        x=(np.arange(GRID_WIDTH) + 0.5) / GRID_WIDTH,
        y=(np.arange(GRID_HEIGHT) + 0.5) / GRID_HEIGHT,
        zmin=0,
        colorscale=DENSITY,
        colorbar={"title": "Boxes", "tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
        hovertemplate="%{z:.1%} of the boxes cover this cell<extra></extra>",
    )
    count = f"{title} ({len(corners):,} boxes)"
    figure = styled(go.Figure(heat), count, "Fraction of the frame's width", "Fraction of its height", height=400)
    figure.update_xaxes(range=[0, 1], constrain="domain", tickformat=".0%", ticklabelstandoff=6, showgrid=False)
    # Put the first row at the top, as in the image.
    shape = {"scaleanchor": "x", "scaleratio": GRID_HEIGHT / GRID_WIDTH, "constrain": "domain"}
    return figure.update_yaxes(range=[1, 0], tickformat=".0%", ticklabelstandoff=6, showgrid=False, **shape)


def relative_corners(boxes: pd.DataFrame, frames: pd.DataFrame, trials: pd.DataFrame) -> NDArray[np.float64]:
    """Compute the corners of boxes as fractions of the frame.

    Args:
        boxes: The boxes of a data set, in pixels.
        frames: The frames of the boxes. Columns width and height take precedence over the size of the trial.
        trials: The trials of the frames.

    Returns:
        x1, y1, x2 and y2, shape (n, 4), clipped to 0 and 1. Boxes in frames of unknown size are left out.
    """
    known = KnownFrames(frames, trials)
    rows = known.rows_of_names(boxes["frame"])
    sizes = np.full((len(boxes), 2), np.nan)
    sizes[rows >= 0] = known.sizes(rows[rows >= 0])
    corners: NDArray[np.float64] = boxes[list(CORNERS)].to_numpy(dtype=float) / np.tile(sizes, 2)
    return np.clip(corners[~np.isnan(corners).any(axis=1)], 0, 1)


def covering(corners: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the boxes that overlap each cell of the grid.

    Each box marks the corners of its rectangle in a table of differences, the inverse of a summed-area table (Crow,
    SIGGRAPH 1984). Two cumulative sums then fill all rectangles at once.

    Args:
        corners: Corners as fractions of the frame, as from `relative_corners`.

    Returns:
        Counts, shape (GRID_HEIGHT, GRID_WIDTH).
    """
    scale = np.array([GRID_WIDTH, GRID_HEIGHT])
    # A box at the right or bottom edge of the frame belongs to the last cell.
    low = np.minimum(np.floor(corners[:, :2] * scale), scale - 1).astype(np.int64)
    high = np.maximum(np.ceil(corners[:, 2:] * scale).astype(np.int64), low + 1)
    ends = np.zeros((GRID_HEIGHT + 1, GRID_WIDTH + 1), dtype=np.int64)
    for x, y, sign in ((low, low, 1), (high, low, -1), (low, high, -1), (high, high, 1)):
        np.add.at(ends, (y[:, 1], x[:, 0]), sign)
    filled: NDArray[np.int64] = ends.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    return filled
