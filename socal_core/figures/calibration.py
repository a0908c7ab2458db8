"""Figures of probabilities: reliability before and after temperature scaling, and accuracy by confidence."""

from collections.abc import Sequence

import plotly.graph_objects as go

from socal_core.evaluation.calibration import Calibration, CalibrationReport
from socal_core.evaluation.confidence import ConfidenceGroup
from socal_core.figures.groups import nothing
from socal_core.figures.style import BELOW, FAILURE, GUIDE, SUCCESS, interval_bars, interval_text, styled

HEIGHT = 440


def reliability_diagram(report: CalibrationReport) -> go.Figure:
    """Plot the fraction of successes against the mean probability of success by bin, before and after scaling.

    Args:
        report: The report of a run. If no temperature was fitted, only the probabilities before scaling are plotted.
    """
    title = "Are the probabilities right?"
    if not report.before.bins:
        return nothing(title, "There are no test trials.")
    figure = go.Figure()
    _add_diagonal(figure, 0, "Perfect calibration")
    _add_bins(figure, report.before, "As predicted", SUCCESS, "circle")
    fitted = report.temperature.value != 1
    if fitted:
        _add_bins(figure, report.after, f"Temperature {report.temperature.value:.2f}", FAILURE, "diamond")
    styled(figure, title, "Mean probability of success", "Fraction of successes", HEIGHT)
    figure.update_layout(legend=BELOW)
    figure.update_xaxes(range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(range=[-0.02, 1.02], scaleanchor="x", constrain="domain")
    return figure if fitted else _with_subtitle(figure, report.temperature.note)


def confidence_figure(groups: Sequence[ConfidenceGroup]) -> go.Figure:
    """Plot the accuracy of groups of trials against their confidence.

    Args:
        groups: The groups, the least confident first.
    """
    title = "Is the model right where it is certain?"
    if not groups:
        return nothing(title, "There are no test trials.")
    figure = go.Figure()
    _add_diagonal(figure, 0.5, "Accuracy equals confidence")
    figure.add_scatter(
        x=[group.confidence for group in groups],
        y=[group.accuracy for group in groups],
        error_y=interval_bars([group.accuracy for group in groups], [group.interval for group in groups], SUCCESS),
        name="Test trials",
        mode="lines+markers",
        line={"color": SUCCESS, "width": 2.5},
        marker={"size": 9},
        customdata=[
            [group.low, group.high, group.right, group.n, interval_text(group.interval, ".0%")] for group in groups
        ],
        hovertemplate=(
            "Confidence %{customdata[0]:.2f} to %{customdata[1]:.2f}<br>%{customdata[2]} of %{customdata[3]} trials "
            "correct: %{y:.0%}<br>%{customdata[4]}<extra></extra>"
        ),
    )
    styled(figure, title, "Confidence (probability of the likelier outcome)", "Accuracy", HEIGHT)
    figure.update_layout(legend=BELOW)
    return figure.update_xaxes(range=[0.49, 1.01]).update_yaxes(range=[-0.02, 1.05])


def _add_bins(figure: go.Figure, calibration: Calibration, name: str, colour: str, symbol: str) -> None:
    bins = calibration.bins
    figure.add_scatter(
        x=[found.predicted for found in bins],
        y=[found.observed for found in bins],
        error_y=interval_bars([found.observed for found in bins], [found.interval for found in bins], colour),
        name=f"{name}: calibration error {calibration.error:.2f}",
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 9, "symbol": symbol},
        customdata=[[found.low, found.high, found.n, interval_text(found.interval, ".0%")] for found in bins],
        hovertemplate=(
            "Probabilities %{customdata[0]:.2f} to %{customdata[1]:.2f}, mean %{x:.2f}<br>%{y:.0%} successes among "
            "%{customdata[2]} trials<br>%{customdata[3]}<extra></extra>"
        ),
    )


def _add_diagonal(figure: go.Figure, start: float, name: str) -> None:
    line = {"color": GUIDE, "dash": "dash"}
    figure.add_scatter(x=[start, 1], y=[start, 1], name=name, mode="lines", line=line, hoverinfo="skip")


def _with_subtitle(figure: go.Figure, text: str) -> go.Figure:
    return figure.update_layout(title_subtitle={"text": text, "font": {"size": 12}}, margin_t=96)
