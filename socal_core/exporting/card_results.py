"""The part of a run card about the results: scores, intervals, controls, and the points of its figures.

It takes what metrics.json contains, also of earlier versions and for targets other than success.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd

from socal_core.dataset.targets import Target
from socal_core.evaluation.intervals import rate_interval
from socal_core.evaluation.metrics import roc_points
from socal_core.evaluation.trial_scores import surgeons_of
from socal_core.runs.files.metrics_record import Score

LABELS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "f1": "F1",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "npv": "NPV",
    "f1_failure": "F1 of failure",
    "matthews": "Matthews correlation",
    "large_recall": "Sensitivity for > 500 mL",
}
"""The names to display; others are made of the names in metrics.json."""
COPIED = (
    "n",
    "task",
    "window",
    "epoch",
    "threshold",
    "validation_trials",
    "share_ending_inside",
    "confusion_matrix",
    "data_fingerprint",
)
BINS = 5
"""Bins of the calibration figure, with about the same number of trials."""


def result_facts(metrics: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """Return the results of a run in values for JSON.

    Args:
        metrics: The content of metrics.json; fields may be missing.
        target: What the model predicts.

    Returns:
        The fields COPIED; target, classes, model, scores (name, label, value, low, high), per_class, controls,
        cross_validation, left_out and stand_ins (their numbers), roc and calibration (None if they are not defined).
    """
    intervals = metrics.get("intervals") or {}
    return {
        **{name: metrics.get(name) for name in COPIED},
        "target": target.label_with_unit,
        "classes": list(target.classes),
        "model": (metrics.get("model") or {}).get("text"),
        "scores": [_score(name, value, intervals.get(name)) for name, value in scores_in(metrics).items()],
        "per_class": metrics.get("per_class") or {},
        "controls": [_control(row) for row in metrics.get("controls") or []],
        "cross_validation": metrics.get("cross_validation"),
        "left_out": len(metrics.get("left_out") or []),
        "stand_ins": len(metrics.get("stand_ins") or []),
        **_points(metrics),
    }


def scores_in(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the scores of the test trials by name, None where a score is not defined."""
    if "scores" in metrics:  # of another target than success
        return dict(metrics["scores"])
    return {name: metrics[name] for name in get_args(Score) if name in metrics}


def label_of_score(name: str) -> str:
    """Return the name of a score to display."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _score(name: str, value: float | None, interval: Sequence[float] | None) -> dict[str, Any]:
    low, high = interval or (None, None)
    return {"name": name, "label": label_of_score(name), "value": value, "low": low, "high": high}


def _control(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a control without its predictions."""
    scores = row.get("scores") or {
        name: row[name] for name in ("accuracy", "balanced_accuracy", "auroc") if name in row
    }
    found = {name: row.get(name) for name in ("key", "name", "description", "difference", "verdict")}
    low, high = row.get("difference_interval") or (None, None)
    return {**found, "scores": scores, "difference_low": low, "difference_high": high}


def _points(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the points of the ROC curve and of the calibration figure; None without both outcomes."""
    trials = pd.DataFrame(metrics.get("trials") or [])
    if "prob_success" not in trials or trials["label"].nunique() < 2:
        return {"roc": None, "calibration": None}
    fpr, tpr = roc_points(trials["label"], trials["prob_success"])
    return {"roc": {"fpr": fpr.tolist(), "tpr": tpr.tolist()}, "calibration": _calibration(trials)}


def _calibration(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Return bins of trials, sorted by probability: its mean, the fraction of successes with an interval, and n."""
    ordered = trials.sort_values("prob_success", kind="stable")
    bins = []
    for part in np.array_split(np.arange(len(ordered)), min(BINS, len(ordered))):
        rows = ordered.iloc[part]
        successes = int(rows["label"].sum())
        low, high = rate_interval(rows["label"], surgeons_of(rows)) or (None, None)
        mean = float(rows["prob_success"].mean())
        bins.append({"mean": mean, "fraction": successes / len(rows), "low": low, "high": high, "n": len(rows)})
    return bins
