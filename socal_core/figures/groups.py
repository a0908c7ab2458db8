"""Helpers for figures of a data set: groups of trials with their names and colours, and empty figures."""

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from socal_core.dataset.filters import UNKNOWN, frame_sizes
from socal_core.figures.style import GUIDE, OUTCOME_COLOURS, OUTCOMES, styled, with_message

OUTCOME_NAMES = [*OUTCOMES.values(), UNKNOWN]
"""The names of the codes from `outcome_codes`."""
CODE_COLOURS = [*OUTCOME_COLOURS.values(), GUIDE]

GROUPS = {
    "cohort": "Cohort",
    "training_status": "Training status",
    "trial_number": "Trial number",
    "size": "Frame size",
}
"""The columns that trials can be grouped by, with their names for the user. `size` is width and height together."""


def outcome_codes(trials: pd.DataFrame) -> NDArray[np.int64]:
    """Return the outcome of each trial: 0 for failure, 1 for success, 2 for unknown."""
    return trials["success"].fillna(2).to_numpy(dtype=np.int64)


def group_names(trials: pd.DataFrame, column: str) -> pd.Series:
    """Return the name of each trial's group, as an ordered category with `Unknown` last.

    Args:
        trials: The trials of a data set.
        column: The column that defines the groups, a key of GROUPS.
    """
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
    """Return the row number in `trials` of each trial id, or -1 if the id is not there."""
    codes, ids = pd.factorize(trial_ids)
    rows: NDArray[np.int64] = trials.index.get_indexer(pd.Index(ids))[codes]
    return rows


def percent(fraction: float) -> str:
    """Format a fraction as a whole percentage, or as "<1%" if it is small but not zero."""
    return "<1%" if 0 < fraction < 0.01 else f"{fraction:.0%}"


def plain(value: object) -> str:
    """Return the value as text without markup for plotly, since names come from files of unknown origin."""
    return html.escape(str(value), quote=False)


def nothing(title: str, text: str) -> go.Figure:
    """Return a figure without data, with a text that states what is missing."""
    return styled(with_message(go.Figure(), text), title, "", "")
