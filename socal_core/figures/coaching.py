"""Figures of the effect of coaching: trial 1 of each surgeon, before coaching, and trial 2, after it."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from socal_core.evaluation.coaching import (
    CHANGES,
    MEASURES,
    coaching_summary,
    coaching_table,
    p_value_text,
    pairs_of,
)
from socal_core.figures.groups import nothing, plain
from socal_core.figures.style import FAILURE, GUIDE, OUTCOMES, SUCCESS, styled


def coaching_success(trials: pd.DataFrame) -> go.Figure:
    """Plot how many surgeons succeeded before and after coaching, as a two-by-two table with captions."""
    title = "Success before and after coaching"
    summary = coaching_summary(trials)["success"]
    if not summary["pairs"]:
        return nothing(title, "No surgeon has a known outcome in both trials.")
    counts = [[summary[change] for change in row] for row in CHANGES]
    names = list(OUTCOMES.values())
    words = {"neither": "failed twice", "both": "succeeded twice", "improved": "improved", "worsened": "worsened"}
    heat = go.Heatmap(
        z=np.array(counts),
        x=names,
        y=names,
        text=[[f"<b>{summary[change]}</b><br>{words[change]}" for change in row] for row in CHANGES],
        texttemplate="%{text}",
        textfont={"size": 15},
        colorscale=[[0, "#F4F7FA"], [1, "#7FB2D6"]],
        zmin=0,
        showscale=False,
        xgap=4,
        ygap=4,
        hovertemplate="%{y} before, %{x} after: %{z} surgeons<extra></extra>",
    )
    facts = f"{summary['pairs']} surgeons, exact McNemar {p_value_text(summary['p_value'])}"
    figure = styled(go.Figure(heat), title, "Trial 2, after", "Trial 1, before").update_layout(
        title_subtitle=_small(facts)
    )
    return figure.update_yaxes(autorange="reversed", showgrid=False).update_xaxes(showgrid=False)


def coaching_change(trials: pd.DataFrame, column: str) -> go.Figure:
    """Plot one line per surgeon from trial 1 to trial 2, and the line of the medians.

    Args:
        trials: The trials of a data set.
        column: The measure to plot, a key of MEASURES.
    """
    title, unit = MEASURES[column]
    summary = coaching_summary(trials)[column]
    if not summary["pairs"]:
        return nothing(f"{title} before and after coaching", "No surgeon has this value in both trials.")
    table = pairs_of(coaching_table(trials), column)
    change = table["after"] - table["before"]
    figure = go.Figure()
    groups = {"Less": (change < 0, SUCCESS), "More": (change > 0, FAILURE), "The same": (change == 0, GUIDE)}
    for name, (rows, colour) in groups.items():
        if rows.any():
            _slopes(figure, table[rows], f"{name}: {int(rows.sum())}", colour, unit)
    figure.add_scatter(
        x=[1, 2],
        y=[summary["before"], summary["after"]],
        name="Medians",
        mode="lines+markers",
        line={"color": "#1F2933", "width": 4},
        marker={"size": 10},
        hovertemplate=f"Median %{{y:,.0f}} {unit}<extra></extra>",
    )
    facts = f"median of {summary['pairs']} surgeons' changes {summary['median_change']:+,.0f} {unit}, "
    facts += f"Wilcoxon {p_value_text(summary['p_value'])}"
    styled(figure, f"{title} before and after coaching", "", f"{title} ({unit})", height=420)
    figure.update_layout(title_subtitle=_small(facts), margin_t=96)
    figure.update_xaxes(range=[0.85, 2.15], tickvals=[1, 2], ticktext=["Trial 1, before", "Trial 2, after"])
    return figure.update_yaxes(rangemode="tozero")


def _slopes(figure: go.Figure, table: pd.DataFrame, name: str, colour: str, unit: str) -> None:
    """Add the lines of some surgeons as one trace, with a gap after each line."""
    gap = np.full(len(table), np.nan)
    surgeons = np.repeat([plain(surgeon) for surgeon in table.index], 3)
    figure.add_scatter(
        x=np.tile([1, 2, np.nan], len(table)),
        y=np.column_stack([table["before"], table["after"], gap]).ravel(),
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 1},
        marker={"size": 5},
        opacity=0.6,
        customdata=surgeons.tolist(),
        hovertemplate=f"Surgeon %{{customdata}}: %{{y:,.0f}} {unit}<extra></extra>",
    )


def _small(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": 12}}
