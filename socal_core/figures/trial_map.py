"""The figure of the map of trials: a point per trial, coloured by what is known of it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from socal_core.dataset.filters import UNKNOWN
from socal_core.evaluation.similar_trials import TrialMap
from socal_core.figures.groups import plain
from socal_core.figures.style import FAILURE, GUIDE, NEUTRAL, OUTCOMES, SUCCESS, styled

COLOURINGS = {
    "outcome": "Outcome",
    "error": "Prediction",
    "subset": "Subset",
    "cohort": "Cohort",
    "surgeon": "Surgeon",
}
"""What the points can be coloured by, with its name."""
SUBSETS = {"train": "Training", "validation": "Validation", "test": "Test"}
RIGHT, WRONG, LEARNED = "Right", "Wrong", "Not a test trial"
MOST_IN_LEGEND = 12
"""With more groups than this, the legend would be longer than the figure; the names are then only in the hover text."""
# Okabe and Ito's palette, without yellow, which is hard to see on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5B7083")
_SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x", "star")
_FIXED: Mapping[str, tuple[str, str]] = {
    OUTCOMES[1]: (SUCCESS, "circle"),
    OUTCOMES[0]: (FAILURE, "square"),
    RIGHT: (SUCCESS, "circle"),
    WRONG: (FAILURE, "x"),
    LEARNED: (GUIDE, "circle-open"),
    UNKNOWN: (NEUTRAL, "circle-open"),
}


def groups_of(points: pd.DataFrame, predictions: pd.DataFrame, trials: pd.DataFrame, colouring: str) -> pd.Series:
    """Return the name of each point's group.

    Args:
        points: The points, indexed by trial_id.
        predictions: The predictions of a run, which have all these trials.
        trials: The trials of the data set.
        colouring: A key of COLOURINGS.
    """
    rows = predictions.set_index("trial_id").loc[points.index]
    if colouring == "outcome":
        return rows["label"].map(OUTCOMES)
    if colouring == "subset":
        return rows["split"].map(SUBSETS)
    if colouring == "error":
        verdict = (rows["label"] == rows["predicted"]).map({True: RIGHT, False: WRONG})
        return verdict.where(rows["split"] == "test", LEARNED)
    if colouring == "surgeon":
        return rows["participant_id"].replace("", UNKNOWN)
    return trials["cohort"].reindex(points.index).astype("object").fillna(UNKNOWN)


def trial_map_figure(
    found: TrialMap,
    predictions: pd.DataFrame,
    trials: pd.DataFrame,
    colouring: str = "outcome",
    marked: str | None = None,
) -> go.Figure:
    """Plot a point per trial, with a ring around one of them.

    Args:
        found: The places of the trials.
        predictions: The predictions of a run, which have all these trials.
        trials: The trials of the data set.
        colouring: A key of COLOURINGS.
        marked: The trial to mark, if any.
    """
    points = found.points
    groups = groups_of(points, predictions, trials, colouring)
    about = predictions.set_index("trial_id").loc[points.index]
    figure = go.Figure()
    names = sorted(groups.unique(), key=lambda name: (name in {UNKNOWN, LEARNED}, str(name)))
    for number, name in enumerate(names):
        mine = np.flatnonzero((groups == name).to_numpy())
        colour, symbol = _FIXED.get(name) or (
            _COLOURS[number % len(_COLOURS)],
            _SYMBOLS[(number + number // len(_COLOURS)) % len(_SYMBOLS)],
        )
        figure.add_trace(
            go.Scatter(
                x=points["x"].to_numpy()[mine],
                y=points["y"].to_numpy()[mine],
                mode="markers",
                name=plain(name),
                marker={"color": colour, "symbol": symbol, "size": 9, "opacity": 0.85},
                customdata=[_about(trial, about.loc[trial]) for trial in points.index[mine]],
                hovertemplate=(
                    "%{customdata[0]}<br>Surgeon %{customdata[1]}, %{customdata[2]}<br>%{customdata[3]}, predicted "
                    "%{customdata[4]}<extra></extra>"
                ),
            )
        )
    if marked in points.index:
        ring = {"color": "rgba(0,0,0,0)", "size": 20, "line": {"color": NEUTRAL, "width": 2}}
        place = points.loc[marked]
        figure.add_trace(
            go.Scatter(x=[place["x"]], y=[place["y"]], mode="markers", marker=ring, hoverinfo="skip", showlegend=False)
        )
    first, second = found.explained
    styled(
        figure,
        "Trials by how their frames look",
        f"Principal component 1 ({first:.0%} of the variance)",
        f"Principal component 2 ({second:.0%})",
        height=480,
    )
    figure.update_layout(showlegend=len(names) <= MOST_IN_LEGEND, clickmode="event+select")
    return figure


def _about(trial_id: str, row: pd.Series) -> list[str]:
    """Return what the hover text says of a trial."""
    surgeon = plain(row["participant_id"]) or "unknown"
    outcome, predicted = OUTCOMES[int(row["label"])], OUTCOMES[int(row["predicted"])].lower()
    return [plain(trial_id), surgeon, f"{SUBSETS[str(row['split'])].lower()} trial", outcome, predicted]
