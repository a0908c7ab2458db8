"""The effect of coaching: trial 1 of each surgeon, before coaching, compared with trial 2, after it."""

from typing import Any

import pandas as pd
from scipy.stats import wilcoxon

from socal_core.evaluation.mcnemar import exact_mcnemar

MEASURES = {"tth": ("Time to haemostasis", "s"), "blood_loss": ("Blood loss", "mL")}
"""The measures to compare besides success, with their units. Lower is better for both."""

CHANGES = [["neither", "improved"], ["worsened", "both"]]
"""The names of the combinations of success in trial 1 (row: no, yes) and in trial 2 (column: no, yes)."""


def coaching_table(trials: pd.DataFrame) -> pd.DataFrame:
    """Pair the trials of each surgeon who has both.

    Args:
        trials: The trials of a data set. Trials of unknown surgeons are left out. If a surgeon has two trials with the
            same number, the first one counts.

    Returns:
        One row per surgeon, indexed by participant_id in the order of `trials`: success, tth (s) and blood_loss (mL),
        each with `_before` and `_after`; NA if missing.
    """
    columns = ["success", *MEASURES]
    known = trials[(trials["participant_id"] != "") & trials["trial_number"].isin([1, 2])]
    known = known.drop_duplicates(["participant_id", "trial_number"]).set_index("participant_id")
    before, after = (known.loc[(known["trial_number"] == number).to_numpy(), columns] for number in (1, 2))
    return before.add_suffix("_before").join(after.add_suffix("_after"), how="inner")


def coaching_summary(trials: pd.DataFrame) -> dict[str, Any]:
    """Summarize the effect of coaching in numbers.

    All p values are two-sided. A value that is not defined is None.

    Args:
        trials: The trials of a data set.

    Returns:
        `surgeons`, the number of surgeons with both trials, and one dictionary for each of:

        `success`: pairs, and how many of them are both, improved, worsened and neither. p_value is from McNemar's exact
        test (Psychometrika 1947;12:153), the binomial test of improved against worsened.

        `tth` and `blood_loss`: pairs, the medians before and after, and median_change (after - before). p_value is from
        Wilcoxon's signed-rank test (Biometrics Bulletin 1945;1:80) without the surgeons whose value did not change. It
        is exact for up to fifty pairs, with ties for up to thirteen; else it uses the normal approximation.
    """
    table = coaching_table(trials)
    return {
        "surgeons": len(table),
        "success": _success_change(table),
        **{column: _measured_change(table, column) for column in MEASURES},
    }


def coaching_sentences(trials: pd.DataFrame) -> list[str]:
    """Describe the effect of coaching: one sentence for success and one for each measure known in both trials."""
    summary = coaching_summary(trials)
    success, sentences = summary["success"], []
    if success["pairs"]:
        sentences.append(
            f"Success in trials 1 and 2 of {success['pairs']} surgeons: {success['both']} in both, "
            f"{success['improved']} only after coaching, {success['worsened']} only before, {success['neither']} in "
            f"neither (exact McNemar {p_value_text(success['p_value'])})"
        )
    for column, (name, unit) in MEASURES.items():
        measure = summary[column]
        if measure["pairs"]:
            sentences.append(
                f"{name} of {measure['pairs']} surgeons: median {measure['before']:,.0f} {unit} before coaching, "
                f"{measure['after']:,.0f} {unit} after, median change {measure['median_change']:+,.0f} {unit} "
                f"(Wilcoxon {p_value_text(measure['p_value'])})"
            )
    return sentences


def pairs_of(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return `before` and `after` (float) of the surgeons who have both values.

    Args:
        table: A table from `coaching_table`.
        column: `success`, `tth` or `blood_loss`.
    """
    pairs = pd.DataFrame({name: table[f"{column}_{name}"].astype("Float64") for name in ("before", "after")})
    return pairs.dropna().astype(float)


def p_value_text(p_value: float | None) -> str:
    """Format a p value with few digits."""
    if p_value is None:
        return "not defined: no surgeon changed"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def _success_change(table: pd.DataFrame) -> dict[str, Any]:
    pairs = pairs_of(table, "success").astype(bool)
    counts = {
        change: int(((pairs["before"] == bool(before)) & (pairs["after"] == bool(after))).sum())
        for before, row in enumerate(CHANGES)
        for after, change in enumerate(row)
    }
    return {"pairs": len(pairs), **counts, "p_value": exact_mcnemar(counts["improved"], counts["worsened"])}


def _measured_change(table: pd.DataFrame, column: str) -> dict[str, Any]:
    pairs = pairs_of(table, column)
    change = pairs["after"] - pairs["before"]
    changed = change[change != 0]
    medians = {"before": pairs["before"], "after": pairs["after"], "median_change": change}
    return {
        "pairs": len(pairs),
        **{name: float(values.median()) if len(values) else None for name, values in medians.items()},
        "p_value": float(wilcoxon(changed).pvalue) if len(changed) else None,
    }
