"""Figures of a data set: outcomes, lengths of trials, labels, missing values."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from socal_core.figures.groups import (
    CODE_COLOURS,
    GROUPS,
    OUTCOME_NAMES,
    group_names,
    nothing,
    outcome_codes,
    percent,
    plain,
)
from socal_core.figures.style import NEUTRAL, OUTCOME_COLOURS, OUTCOMES, styled
from socal_core.presets import PRESETS

MAX_GROUPS = 12

CAN_BE_MISSING = {
    "frames": "Video frames",
    "participant_id": "Surgeon",
    "success": "Outcome",
    **{measure.name: measure.label for preset in PRESETS for measure in preset.measures},
    "size": "Frame size",
    "cohort": "Cohort",
    "specialty": "Specialty",
    "training_status": "Training status",
}
"""The values of a trial that may be unknown, with their names for the user; a data set has only some of them."""


def class_balance(trials: pd.DataFrame) -> go.Figure:
    """Plot how many trials ended in success and how many in failure."""
    title = "Outcomes of the usable trials"
    counts = {name: int((trials["success"] == value).sum()) for value, name in OUTCOMES.items()}
    total = sum(counts.values())
    if not total:
        return nothing(title, "No trial with a known outcome to show.")
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
    return styled(go.Figure(bars), title, "", "Trials")


def class_balance_by(trials: pd.DataFrame, column: str) -> go.Figure:
    """Plot the outcomes of each group as stacked bars.

    Args:
        trials: The trials of a data set.
        column: The column that defines the groups, a key of groups.GROUPS. If there are more than MAX_GROUPS groups,
            one bar combines all but the largest.
    """
    name = GROUPS[column]
    title = f"Outcomes by {name.lower()}"
    if trials.empty:
        return nothing(title, "No trial to show.")
    codes = outcome_codes(trials)
    counts = _largest(pd.crosstab(group_names(trials, column), codes))
    figure = go.Figure()
    for code in np.unique(codes):
        figure.add_bar(
            x=counts[code].to_list(),
            y=counts.index.to_list(),
            orientation="h",
            name=OUTCOME_NAMES[code],
            marker_color=CODE_COLOURS[code],
            text=[str(count) if count else "" for count in counts[code]],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            hovertemplate=f"%{{y}}, {OUTCOME_NAMES[code].lower()}: %{{x}} trials<extra></extra>",
        )
    _success_rates(figure, counts)
    styled(figure, title, "Trials", "", height=max(300, 140 + 36 * len(counts)))
    # A number that does not fit into its part of the bar appears only in the hover text.
    figure.update_layout(barmode="stack", legend_traceorder="normal", uniformtext={"minsize": 9, "mode": "hide"})
    # Leave room for the rate at the end of the longest bar.
    most = int(counts.sum(axis=1).max())
    figure.update_xaxes(range=[0, 1.4 * most], dtick=_whole_steps(most))
    return figure.update_yaxes(type="category", autorange="reversed")


def frames_by_outcome(trials: pd.DataFrame) -> go.Figure:
    """Plot the number of frames per trial as one histogram per outcome, with common bins."""
    title = "Frames per trial by outcome"
    if not trials["success"].isin(list(OUTCOMES)).any():
        return nothing(title, "No trial with a known outcome to show.")
    figure = go.Figure()
    longest = int(trials["n_frames"].max())
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
    return styled(figure, title, "Frames in the trial (one per second)", "Trials")


def frames_per_trial(trials: pd.DataFrame) -> go.Figure:
    """Plot one bar per trial that has frames, shortest first, in the colour of its outcome."""
    title = "Frames per trial"
    ordered = trials[trials["n_frames"] > 0].sort_values("n_frames", kind="stable")
    if ordered.empty:
        return nothing(title, "No trial with frames to show.")
    codes, ranks = outcome_codes(ordered), np.arange(1, len(ordered) + 1)
    figure = go.Figure()
    for code in np.unique(codes):
        figure.add_bar(
            x=ranks[codes == code],
            y=ordered["n_frames"].to_numpy()[codes == code],
            name=OUTCOME_NAMES[code],
            marker_color=CODE_COLOURS[code],
            customdata=[plain(trial) for trial in ordered.index[codes == code]],
            hovertemplate=f"%{{customdata}}, {OUTCOME_NAMES[code].lower()}: %{{y:,}} frames<extra></extra>",
        )
    figure.update_layout(barmode="overlay", bargap=0.1 if len(ordered) < 100 else 0)
    figure.update_xaxes(dtick=_whole_steps(len(ordered)))
    return styled(figure, title, "Trials, the shortest first", "Frames")


def boxes_by_label(boxes: pd.DataFrame) -> go.Figure:
    """Plot the number of boxes of each label, with the most common at the top."""
    title = "Boxes by label"
    counts = boxes["label"].value_counts(ascending=True)
    if counts.empty:
        return nothing(title, "No box to show.")
    bars = go.Bar(
        x=counts.to_list(),
        y=[plain(label) for label in counts.index],
        orientation="h",
        text=[f"{count:,}" for count in counts],
        textposition="outside",
        cliponaxis=False,
        marker_color=NEUTRAL,
        hovertemplate="%{y}: %{x:,} boxes<extra></extra>",
    )
    figure = styled(go.Figure(bars), title, "Boxes", "")
    # Labels are categories, even if they look like numbers.
    figure.update_yaxes(type="category")
    # Leave room for the number at the end of the longest bar.
    return figure.update_xaxes(range=[0, 1.18 * counts.max()])


def missing_values(trials: pd.DataFrame) -> go.Figure:
    """Plot the fraction of trials in which each value is missing, with the highest fraction at the top."""
    title = "Missing data"
    if trials.empty:
        return nothing(title, "No trial to show.")
    counts = missing_counts(trials).sort_values(kind="stable")
    bars = go.Bar(
        x=(counts / len(trials)).to_list(),
        y=counts.index.to_list(),
        orientation="h",
        text=[plain(percent(count / len(trials))) if count else "none" for count in counts],
        textposition="outside",
        cliponaxis=False,
        marker_color=NEUTRAL,
        customdata=counts.to_list(),
        hovertemplate=f"%{{y}}: missing in %{{customdata:,}} of {len(trials):,} trials<extra></extra>",
    )
    figure = styled(go.Figure(bars), title, f"Fraction of the {len(trials):,} trials", "", height=420)
    return figure.update_xaxes(range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])


def missing_counts(trials: pd.DataFrame) -> pd.Series:
    """Count the trials in which each value of CAN_BE_MISSING is unknown, indexed by its name for the user."""
    missing = trials.isna().assign(
        frames=trials["n_frames"] == 0,
        participant_id=trials["participant_id"] == "",
        size=trials[["width", "height"]].isna().any(axis=1),
    )
    return missing[[name for name in CAN_BE_MISSING if name in missing]].sum().rename(CAN_BE_MISSING)


def _largest(counts: pd.DataFrame) -> pd.DataFrame:
    """Combine all but the MAX_GROUPS largest groups in a last row."""
    sizes = counts.sum(axis=1).sort_values(ascending=False, kind="stable")
    counts = counts.set_axis(counts.index.astype("object"), axis="index")
    if len(sizes) <= MAX_GROUPS:
        return counts
    largest = counts.index.isin(list(sizes.index[:MAX_GROUPS]))
    others = counts[~largest].sum().to_frame(f"{len(sizes) - MAX_GROUPS} others").T
    return pd.concat([counts[largest], others])


def _success_rates(figure: go.Figure, counts: pd.DataFrame) -> None:
    """Add the success rate among the known outcomes of each group at the end of its bar."""
    known = counts.reindex(columns=list(OUTCOMES), fill_value=0)
    rates = [f"  {row[1] / row.sum():.0%} success" if row.sum() else "" for row in known.to_numpy()]
    figure.add_scatter(
        x=counts.sum(axis=1).to_list(),
        y=counts.index.to_list(),
        text=rates,
        mode="text",
        textposition="middle right",
        cliponaxis=False,
        showlegend=False,
        hoverinfo="skip",
    )


def _whole_steps(largest: int) -> int | None:
    """Return the distance of ticks on an axis of counts, to avoid ticks at halves; None for plotly's own choice."""
    return 1 if largest <= 5 else None
