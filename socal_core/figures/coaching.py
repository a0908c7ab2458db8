"""The effect of coaching: each surgeon's trial 1, before it, against trial 2, after it."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.stats import binomtest, wilcoxon

from socal_core.figures.groups import nothing, plain
from socal_core.figures.style import FAILURE, GUIDE, OUTCOMES, SUCCESS, styled

MEASURES = {"tth": ("Time to haemostasis", "s"), "blood_loss": ("Blood loss", "mL")}
"""What is compared besides success, with its unit; lower is better for both."""

CHANGES = [["neither", "improved"], ["worsened", "both"]]
"""How a surgeon is described by success in trial 1 (row: no, yes) and in trial 2 (column)."""


def coaching_table(trials: pd.DataFrame) -> pd.DataFrame:
    """success, tth (s) and blood_loss (mL) `_before` and `_after` of each surgeon who has both trials.

    Indexed by participant_id, in the order of `trials`; NA where a value is missing. Trials whose surgeon is not known
    are left out; of two trials with one number the first counts.
    """
    columns = ["success", *MEASURES]
    known = trials[(trials["participant_id"] != "") & trials["trial_number"].isin([1, 2])]
    known = known.drop_duplicates(["participant_id", "trial_number"]).set_index("participant_id")
    before, after = (known.loc[(known["trial_number"] == number).to_numpy(), columns] for number in (1, 2))
    return before.add_suffix("_before").join(after.add_suffix("_after"), how="inner")


def coaching_summary(trials: pd.DataFrame) -> dict[str, Any]:
    """The effect in plain numbers: `surgeons` with both trials, and an entry each for success, tth and blood_loss.

    success: pairs, and of them both, improved, worsened, neither; p_value by McNemar's exact test (Psychometrika
    1947;12:153), the binomial test of improved against worsened. tth, blood_loss: pairs, the medians before and after,
    the median_change of a surgeon (after - before), p_value by Wilcoxon's signed-rank test (Biometrics Bulletin
    1945;1:80) without the surgeons who did not change: exact for up to fifty pairs without ties, else by the normal
    approximation. All p values are two-sided. A value that is not defined is None.
    """
    table = coaching_table(trials)
    return {
        "surgeons": len(table),
        "success": _success_change(table),
        **{column: _measured_change(table, column) for column in MEASURES},
    }


def coaching_success(trials: pd.DataFrame) -> go.Figure:
    """How many surgeons succeeded before and after coaching, as two by two cells that say what it means."""
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
    facts = f"{summary['pairs']} surgeons, exact McNemar {_p_text(summary['p_value'])}"
    figure = styled(go.Figure(heat), title, "Trial 2, after", "Trial 1, before").update_layout(
        title_subtitle=_small(facts)
    )
    return figure.update_yaxes(autorange="reversed", showgrid=False).update_xaxes(showgrid=False)


def coaching_change(trials: pd.DataFrame, column: str) -> go.Figure:
    """One line per surgeon from trial 1 to trial 2 in a column of MEASURES, and the line of the medians."""
    title, unit = MEASURES[column]
    summary = coaching_summary(trials)[column]
    if not summary["pairs"]:
        return nothing(f"{title} before and after coaching", "No surgeon has this value in both trials.")
    table = _pairs(coaching_table(trials), column)
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
    facts += f"Wilcoxon {_p_text(summary['p_value'])}"
    styled(figure, f"{title} before and after coaching", "", f"{title} ({unit})", height=420)
    figure.update_layout(title_subtitle=_small(facts), margin_t=96)
    figure.update_xaxes(range=[0.85, 2.15], tickvals=[1, 2], ticktext=["Trial 1, before", "Trial 2, after"])
    return figure.update_yaxes(rangemode="tozero")


def _success_change(table: pd.DataFrame) -> dict[str, Any]:
    pairs = _pairs(table, "success").astype(bool)
    counts = {
        change: int(((pairs["before"] == bool(before)) & (pairs["after"] == bool(after))).sum())
        for before, row in enumerate(CHANGES)
        for after, change in enumerate(row)
    }
    discordant = counts["improved"] + counts["worsened"]
    p_value = float(binomtest(counts["improved"], discordant).pvalue) if discordant else None
    return {"pairs": len(pairs), **counts, "p_value": p_value}


def _measured_change(table: pd.DataFrame, column: str) -> dict[str, Any]:
    pairs = _pairs(table, column)
    change = pairs["after"] - pairs["before"]
    changed = change[change != 0]
    medians = {"before": pairs["before"], "after": pairs["after"], "median_change": change}
    return {
        "pairs": len(pairs),
        **{name: float(values.median()) if len(values) else None for name, values in medians.items()},
        "p_value": float(wilcoxon(changed).pvalue) if len(changed) else None,
    }


def _pairs(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """before and after (float) of the surgeons who have both."""
    pairs = pd.DataFrame({name: table[f"{column}_{name}"].astype("Float64") for name in ("before", "after")})
    return pairs.dropna().astype(float)


def _slopes(figure: go.Figure, table: pd.DataFrame, name: str, colour: str, unit: str) -> None:
    """The lines of some surgeons as one trace, with a gap after each."""
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


def _p_text(p_value: float | None) -> str:
    if p_value is None:
        return "not defined: nobody changed"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"
