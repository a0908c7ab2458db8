"""What figures of a data set share: groups of trials with their names and colours, and the figure of nothing."""

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from socal_core.dataset.filters import UNKNOWN, frame_sizes
from socal_core.figures.style import GUIDE, OUTCOME_COLOURS, OUTCOMES, styled, with_message

OUTCOME_NAMES = [*OUTCOMES.values(), UNKNOWN]
"""The name of each code that `outcome_codes` gives."""
CODE_COLOURS = [*OUTCOME_COLOURS.values(), GUIDE]

GROUPS = {
    "cohort": "Cohort",
    "training_status": "Training status",
    "trial_number": "Trial number",
    "size": "Frame size",
}
"""The columns by which trials are grouped, and what they are called; `size` is width and height together."""


def outcome_codes(trials: pd.DataFrame) -> NDArray[np.int64]:
    """The outcome of each trial: 0 failure, 1 success, 2 unknown."""
    return trials["success"].fillna(2).to_numpy(dtype=np.int64)


def group_names(trials: pd.DataFrame, column: str) -> pd.Series:
    """The name of each trial's group as an ordered category, `Unknown` last; `column` is one of GROUPS."""
    if column == "size":
        sizes = frame_sizes(trials)
        order = [f"{size[0]}x{size[1]}" for size in sorted({size for size in sizes if size is not None})]
        names = pd.Series([None if size is None else f"{size[0]}x{size[1]}" for size in sizes], trials.index, "object")
    else:
        values = trials[column]
        prefix = "Trial " if column == "trial_number" else ""
        order = [f"{prefix}{plain(value)}" for value in sorted(values.dropna().unique())]
        names = values.map(lambda value: f"{prefix}{plain(value)}", na_action="ignore").astype("object")
    categories = pd.Index([*(name for name in order if name != UNKNOWN), UNKNOWN], dtype="object")
    return names.where(names.notna(), UNKNOWN).astype(pd.CategoricalDtype(categories, ordered=True))


def trial_rows(trials: pd.DataFrame, trial_ids: pd.Series) -> NDArray[np.int64]:
    """The row in `trials` of each trial id, -1 where it has none; each distinct id is looked up once."""
    codes, ids = pd.factorize(trial_ids)
    rows: NDArray[np.int64] = trials.index.get_indexer(pd.Index(ids))[codes]
    return rows


def percent(share: float) -> str:
    """Format a fraction as a whole percentage; a small one is not shown as zero."""
    return "<1%" if 0 < share < 0.01 else f"{share:.0%}"


def plain(value: object) -> str:
    """Return the value as text in which plotly finds no markup: names come from files that anybody may have written."""
    return html.escape(str(value), quote=False)


def nothing(title: str, text: str) -> go.Figure:
    """A figure without data that says what is missing."""
    figure = styled(with_message(go.Figure(), text), title, "", "")
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)
