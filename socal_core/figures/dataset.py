"""Figures of a data set: outcomes, lengths of trials, boxes."""

import pandas as pd
import plotly.graph_objects as go
from sklearn.metrics import roc_auc_score

from socal_core.figures.style import NEUTRAL, OUTCOME_COLOURS, OUTCOMES, styled


def class_balance(trials: pd.DataFrame) -> go.Figure:
    """How many trials (rows with `success` 0 or 1) ended in success and how many in failure."""
    counts = {name: int((trials["success"] == value).sum()) for value, name in OUTCOMES.items()}
    total = max(1, sum(counts.values()))
    bars = go.Bar(
        x=list(counts),
        y=list(counts.values()),
        text=[f"{count} ({count / total:.0%})" for count in counts.values()],
        textposition="outside",
        cliponaxis=False,
        marker_color=list(OUTCOME_COLOURS.values()),
        hovertemplate="%{x}: %{y} trials<extra></extra>",
        width=0.6,
    )
    return styled(go.Figure(bars), "Outcomes of the usable trials", "", "Trials")


def frames_by_outcome(trials: pd.DataFrame) -> go.Figure:
    """Lengths of trials (columns `success`, `n_frames`), one histogram an outcome on shared bins."""
    figure = go.Figure()
    longest = int(trials["n_frames"].max()) if len(trials) else 1
    bin_size = max(1, round(longest / 30))
    for value, name in OUTCOMES.items():
        figure.add_histogram(
            x=trials.loc[trials["success"] == value, "n_frames"],
            name=name,
            marker_color=OUTCOME_COLOURS[value],
            opacity=0.65,
            xbins={"start": 0, "end": longest + bin_size, "size": bin_size},
            hovertemplate=f"{name}, %{{x}} frames: %{{y}} trials<extra></extra>",
        )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(rangemode="tozero")
    return styled(figure, "Frames per trial by outcome", "Frames in the trial (one a second)", "Trials")


def boxes_by_label(boxes: pd.DataFrame) -> go.Figure:
    """How many boxes each label has, the commonest on top."""
    counts = boxes["label"].value_counts(ascending=True)
    bars = go.Bar(
        x=counts.to_list(),
        y=counts.index.to_list(),
        orientation="h",
        text=[f"{count:,}" for count in counts],
        textposition="outside",
        cliponaxis=False,
        marker_color=NEUTRAL,
        hovertemplate="%{y}: %{x:,} boxes<extra></extra>",
    )
    figure = styled(go.Figure(bars), "Boxes by label", "Boxes", "")
    # Room for the number at the end of the longest bar.
    return figure.update_xaxes(range=[0, 1.18 * max(1, counts.max())]) if len(counts) else figure


def length_auroc(trials: pd.DataFrame) -> float | None:
    """The AUROC of telling the outcomes of trials apart by `n_frames` alone, 0.5 to 1; None unless both occur."""
    if trials["success"].nunique() < 2:
        return None
    auroc = float(roc_auc_score(trials["success"].astype(int), trials["n_frames"]))
    return max(auroc, 1 - auroc)
