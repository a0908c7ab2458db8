"""The effect of coaching: each surgeon's trial 1, before it, against trial 2, after it."""

from typing import Any

import pandas as pd
from scipy.stats import binomtest, wilcoxon

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
    1945;1:80) without the surgeons who did not change: exact for up to fifty pairs, with ties for up to thirteen, else
    by the normal approximation. All p values are two-sided. A value that is not defined is None.
    """
    table = coaching_table(trials)
    return {
        "surgeons": len(table),
        "success": _success_change(table),
        **{column: _measured_change(table, column) for column in MEASURES},
    }


def coaching_sentences(trials: pd.DataFrame) -> list[str]:
    """The effect in words: one sentence on success and one on each measure that surgeons have in both trials."""
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
    """`before` and `after` (float) of the surgeons in a coaching table who have both."""
    pairs = pd.DataFrame({name: table[f"{column}_{name}"].astype("Float64") for name in ("before", "after")})
    return pairs.dropna().astype(float)


def p_value_text(p_value: float | None) -> str:
    """A p value as it is written, with few digits."""
    if p_value is None:
        return "not defined: nobody changed"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def _success_change(table: pd.DataFrame) -> dict[str, Any]:
    pairs = pairs_of(table, "success").astype(bool)
    counts = {
        change: int(((pairs["before"] == bool(before)) & (pairs["after"] == bool(after))).sum())
        for before, row in enumerate(CHANGES)
        for after, change in enumerate(row)
    }
    discordant = counts["improved"] + counts["worsened"]
    p_value = float(binomtest(counts["improved"], discordant).pvalue) if discordant else None
    return {"pairs": len(pairs), **counts, "p_value": p_value}


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
