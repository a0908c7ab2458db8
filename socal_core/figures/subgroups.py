"""The figure of subgroups: a score of each group with its interval (forest plot)."""

from collections.abc import Sequence

import plotly.graph_objects as go

from socal_core.evaluation.intervals import Estimate
from socal_core.evaluation.subgroups import GROUPINGS, Subgroup, SubgroupReport
from socal_core.figures.groups import nothing, plain
from socal_core.figures.style import GUIDE, NEUTRAL, SUCCESS, interval_bars, interval_text, styled

SCORES = {"auroc": "AUROC", "accuracy": "Accuracy"}
"""The scores that can be plotted, with their names."""
_ROW = 34  # pixels of height


def forest_plot(report: SubgroupReport, score: str = "auroc") -> go.Figure:
    """Plot a score of all test trials and of each subgroup with its 95 % interval.

    Args:
        report: The subgroups of a run.
        score: A key of SCORES. A group for which it is not defined has a text instead of a point.
    """
    title = f"{SCORES[score]} by subgroup of the test trials"
    groups = [report.overall, *report.groups]
    if not report.overall.trials:
        return nothing(title, "There are no test trials.")
    figure = go.Figure()
    for too_small, name, colour, symbol in (
        (False, "Large enough", SUCCESS, "square"),
        (True, "Too small", NEUTRAL, "circle-open"),
    ):
        shown = [
            group for group in groups if group.too_small is too_small and _estimate(group, score).value is not None
        ]
        if shown:
            figure.add_trace(_points(shown, score, name, colour, symbol))
    for group in groups:
        if _estimate(group, score).value is None:
            figure.add_annotation(
                x=0.01, y=_label(group), text="not defined", showarrow=False, xanchor="left", font={"color": NEUTRAL}
            )
    overall = _estimate(report.overall, score).value
    if overall is not None:
        figure.add_vline(x=overall, line={"color": GUIDE, "dash": "dash"})
    styled(figure, title, f"{SCORES[score]}, with its 95 % interval", "", height=140 + _ROW * len(groups))
    order = [_label(group) for group in groups]
    figure.update_layout(showlegend=True)
    figure.update_xaxes(range=[0, 1.02], zeroline=False)
    return figure.update_yaxes(
        categoryorder="array", categoryarray=order, range=[len(order) - 0.5, -0.5], tickvals=order, ticklabelstandoff=6
    )


def _points(groups: Sequence[Subgroup], score: str, name: str, colour: str, symbol: str) -> go.Scatter:
    """Return the points of groups for which the score is defined."""
    estimates = [_estimate(group, score) for group in groups]
    values = [estimate.value or 0.0 for estimate in estimates]
    return go.Scatter(
        x=values,
        y=[_label(group) for group in groups],
        mode="markers",
        name=name,
        marker={"color": colour, "size": 10, "symbol": symbol},
        error_x=interval_bars(values, [estimate.interval for estimate in estimates], colour),
        customdata=[
            [interval_text(estimate.interval), group.trials, group.surgeons, group.successes]
            for estimate, group in zip(estimates, groups, strict=True)
        ],
        hovertemplate=(
            "%{y}: %{x:.2f}<br>%{customdata[0]}<br>%{customdata[1]} trials of %{customdata[2]} surgeons, "
            "%{customdata[3]} successes<extra></extra>"
        ),
    )


def _estimate(group: Subgroup, score: str) -> Estimate:
    return group.auroc if score == "auroc" else group.accuracy


def _label(group: Subgroup) -> str:
    """Return the name of a group, which is unique among all groupings."""
    title = GROUPINGS.get(group.grouping)
    if title is None or (group.grouping == "trial_number" and group.name.startswith(title)):
        return plain(group.name)
    return f"{title}: {plain(group.name)}"
