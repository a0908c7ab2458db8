"""The figures of a run card as small inline SVG, from the numbers of the card."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

SIZE, MARGIN = 220, 44
"""Height and width of a plot in pixels, and the space left and below for the axes."""
ROW, LEFT, WIDTH = 26, 170, 460
"""Height of a row of `differences`, the space for names, and its width."""


def figures(results: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    """Return the figures that the results of a run allow, with their captions.

    Args:
        results: The part `results` of a card.
    """
    found = []
    if results["roc"]:
        found.append(("ROC curve of the test trials", roc(results["roc"]["fpr"], results["roc"]["tpr"])))
    if results["calibration"]:
        text = "Calibration: mean probability and fraction of successes in bins of test trials, with 95 % intervals"
        found.append((text, calibration(results["calibration"])))
    rows = [row for row in results["controls"] if row["difference"] is not None]
    if rows:
        found.append(("Score of the model minus that of each control, with 95 % intervals", differences(rows)))
    return found


def roc(fpr: Sequence[float], tpr: Sequence[float]) -> Markup:
    """Draw an ROC curve.

    Args:
        fpr: False positive rates.
        tpr: True positive rates.
    """
    points = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in zip(fpr, tpr, strict=True))
    return _plot("False positive rate", "True positive rate", f'<polyline class="curve" points="{points}"/>')


def calibration(bins: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the fraction of successes over the mean probability of bins of trials, with intervals."""
    marks = []
    for item in bins:
        x = f"{_x(item['mean']):.1f}"
        if item["low"] is not None:
            ends = f'y1="{_y(item["low"]):.1f}" y2="{_y(item["high"]):.1f}"'
            marks.append(f'<line class="interval" x1="{x}" x2="{x}" {ends}/>')
        marks.append(f'<circle class="point" cx="{x}" cy="{_y(item["fraction"]):.1f}" r="4"/>')
    return _plot("Mean probability", "Fraction of successes", "".join(marks))


def differences(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the difference of a score between the model and each control, with intervals around it."""
    ends = [abs(row[name]) for row in rows for name in ("difference", "difference_low", "difference_high") if row[name]]
    reach = max([*ends, 1e-9]) * 1.1
    middle, half = (LEFT + WIDTH) / 2, (WIDTH - LEFT) / 2 - 8
    marks = []
    for index, row in enumerate(rows):
        y = ROW * (index + 0.5)
        if row["difference_low"] is not None:
            x1, x2 = (middle + row[name] / reach * half for name in ("difference_low", "difference_high"))
            marks.append(f'<line class="interval" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y}" y2="{y}"/>')
        marks.append(f'<circle class="point" cx="{middle + row["difference"] / reach * half:.1f}" cy="{y}" r="4"/>')
        marks.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(row["name"])}</text>')
    height = ROW * len(rows)
    zero = f'<line class="diagonal" x1="{middle}" x2="{middle}" y1="0" y2="{height}"/>'
    labels = "".join(
        f'<text x="{middle + sign * half:.1f}" y="{height + 16}" text-anchor="{anchor}">{sign * reach:+.2g}</text>'
        for sign, anchor in ((-1, "start"), (1, "end"))
    )
    return _svg(WIDTH, height + 24, zero + "".join(marks) + labels)


def _plot(x_label: str, y_label: str, marks: str) -> Markup:
    """Return a square plot of two fractions from 0 to 1 with a dashed diagonal."""
    left, right, top, bottom = _x(0), _x(1), _y(1), _y(0)
    frame = (
        f'<rect class="frame" x="{left}" y="{top}" width="{SIZE}" height="{SIZE}"/>'
        f'<line class="diagonal" x1="{left}" y1="{bottom}" x2="{right}" y2="{top}"/>'
    )
    ticks = "".join(
        f'<text x="{_x(value)}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
        f'<text x="{left - 6}" y="{_y(value) + 4}" text-anchor="end">{value:g}</text>'
        for value in (0, 0.5, 1)
    )
    middle = (top + bottom) / 2
    labels = (
        f'<text x="{(left + right) / 2}" y="{bottom + 34}" text-anchor="middle">{escape(x_label)}</text>'
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">{escape(y_label)}</text>'
    )
    return _svg(SIZE + MARGIN + 16, SIZE + MARGIN + 8, frame + marks + ticks + labels)


def _svg(width: float, height: float, content: str) -> Markup:
    """Wrap marks, whose text is escaped."""
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return Markup(f'<svg {size} role="img">{content}</svg>')  # noqa: S704


def _x(value: float) -> float:
    return MARGIN + SIZE * value


def _y(value: float) -> float:
    return 8 + SIZE * (1 - value)
