"""Thresholds: chosen on the validation trials by a rule, and the scores at any threshold, for exploration.

A trial is predicted to be a success if its probability reaches the threshold. Scores at a threshold that was chosen by
looking at test trials are too good, so report those at the threshold from the validation trials.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from socal_core.errors import ConfigError
from socal_core.evaluation.arrays import outcome_arrays
from socal_core.evaluation.metrics import choose_threshold

CURVE_COLUMNS = ("threshold", "sensitivity", "specificity", "precision", "accuracy", "balanced_accuracy", "f1")


class ThresholdRule(StrEnum):
    """What a threshold is chosen by."""

    BALANCED_ACCURACY = "balanced-accuracy"
    """The highest balanced accuracy, which is that of Youden's J (Cancer 1950;3:32): J = 2 balanced accuracy - 1."""
    F1 = "f1"
    """The highest F1 of success."""
    SENSITIVITY = "sensitivity"
    """The highest specificity among the thresholds with a stated sensitivity or more."""


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold, and what it was chosen by."""

    value: float
    rule: ThresholdRule
    validation_trials: int
    sensitivity: float | None = None
    """The stated sensitivity; only for that rule."""
    note: str = ""
    """Why no threshold could be chosen, so that it is 0.5; else ""."""


@dataclass(frozen=True)
class ThresholdScores:
    """The scores of trials at a threshold, with success as the positive class; None if a score is not defined."""

    threshold: float
    tp: int
    fp: int
    fn: int
    tn: int
    sensitivity: float | None
    specificity: float | None
    precision: float | None
    accuracy: float | None
    balanced_accuracy: float | None
    f1: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the scores as values for JSON."""
        return asdict(self)


def threshold_of_validation(
    predictions: pd.DataFrame,
    rule: ThresholdRule = ThresholdRule.BALANCED_ACCURACY,
    sensitivity: float | None = None,
) -> ChosenThreshold:
    """Choose a threshold on the validation trials of a run; its other trials have no influence.

    Args:
        predictions: The predictions of a run (runs/files/predictions.py). Those of a cross-validation have no
            validation trials.
        rule: What to choose the threshold by.
        sensitivity: The lowest sensitivity, above 0 and at most 1; only for the rule SENSITIVITY, which needs it.

    Raises:
        ConfigError: The sensitivity is missing, out of range, or given for another rule.
    """
    validation = predictions[predictions["split"] == "validation"]
    return choose_by_rule(validation["label"], validation["prob_success"], rule, sensitivity)


def choose_by_rule(
    labels: ArrayLike,
    probabilities: ArrayLike,
    rule: ThresholdRule = ThresholdRule.BALANCED_ACCURACY,
    sensitivity: float | None = None,
) -> ChosenThreshold:
    """Choose a threshold by a rule. Pass validation trials, never test trials.

    The candidates are 0.5 and the midpoints between neighbouring probabilities, as in `metrics.choose_threshold`; for
    F1 and the sensitivity also 0, which calls every trial a success. Among equally good candidates, the one nearest to
    0.5 is chosen.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        rule: What to choose the threshold by.
        sensitivity: As in `threshold_of_validation`.

    Raises:
        ConfigError: The sensitivity is missing, out of range, or given for another rule.
        ValueError: The lengths differ.
    """
    _check_sensitivity(rule, sensitivity)
    y, p = outcome_arrays(labels, probabilities)
    if not 0 < y.sum() < len(y):
        what = "All validation trials have the same outcome" if len(y) else "There are no validation trials"
        return ChosenThreshold(0.5, rule, len(y), sensitivity, f"{what}, so the threshold is 0.5.")
    if rule is ThresholdRule.BALANCED_ACCURACY:
        return ChosenThreshold(choose_threshold(y, p), rule, len(y))
    values = np.unique(p)
    candidates = np.concatenate([[0.0, 0.5], (values[1:] + values[:-1]) / 2])
    table = _table(y, p, candidates)
    if sensitivity is None:
        quality = table["f1"].to_numpy()
    else:
        reached = table["sensitivity"].to_numpy() >= sensitivity - 1e-12
        quality = np.where(reached, table["specificity"], -1.0)
    best = candidates[np.isclose(quality, quality.max())]
    return ChosenThreshold(float(best[np.abs(best - 0.5).argmin()]), rule, len(y), sensitivity)


def scores_at(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> ThresholdScores:
    """Compute the scores of trials at a threshold, without the delay of `metrics_of`.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        threshold: The threshold.

    Raises:
        ValueError: The lengths differ.
    """
    y, p = outcome_arrays(labels, probabilities)
    called, success = p >= threshold, y == 1
    tp, fp = int((called & success).sum()), int((called & ~success).sum())
    fn, tn = int(success.sum()) - tp, int((~success).sum()) - fp
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    return ThresholdScores(
        threshold=float(threshold),
        tp=tp,
        fp=fp,
        fn=fn,
        tn=tn,
        sensitivity=sensitivity,
        specificity=specificity,
        precision=_ratio(tp, tp + fp),
        accuracy=_ratio(tp + tn, len(y)),
        balanced_accuracy=None if sensitivity is None or specificity is None else (sensitivity + specificity) / 2,
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
    )


def threshold_curve(labels: ArrayLike, probabilities: ArrayLike) -> pd.DataFrame:
    """Compute the scores at all thresholds.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).

    Returns:
        The columns CURVE_COLUMNS, by ascending threshold from 0 to 1; NaN if a score is not defined. Scores change only
        at the probabilities of trials: those of a row hold for all thresholds above that of the row before, up to its
        own.

    Raises:
        ValueError: The lengths differ.
    """
    y, p = outcome_arrays(labels, probabilities)
    return _table(y, p, np.unique(np.concatenate([[0.0], p, [1.0]])))


def _table(y: NDArray[np.int64], p: NDArray[np.float64], thresholds: NDArray[np.float64]) -> pd.DataFrame:
    """Compute the scores at several thresholds."""
    successes, failures = np.sort(p[y == 1]), np.sort(p[y == 0])
    tp = len(successes) - np.searchsorted(successes, thresholds)
    fp = len(failures) - np.searchsorted(failures, thresholds)
    tn = len(failures) - fp
    sensitivity, specificity = _ratios(tp, len(successes)), _ratios(tn, len(failures))
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "precision": _ratios(tp, tp + fp),
            "accuracy": _ratios(tp + tn, len(y)),
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "f1": _ratios(2 * tp, tp + fp + len(successes)),
        }
    )


def _ratios(part: NDArray[np.int64], whole: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """Divide; NaN where the divisor is 0."""
    divisor = np.broadcast_to(whole, part.shape)
    result: NDArray[np.float64] = np.divide(part, divisor, out=np.full(part.shape, np.nan), where=divisor > 0)
    return result


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _check_sensitivity(rule: ThresholdRule, sensitivity: float | None) -> None:
    if (rule is ThresholdRule.SENSITIVITY) != (sensitivity is not None):
        raise ConfigError("sensitivity", f"must be given for the rule {ThresholdRule.SENSITIVITY} only", sensitivity)
    if sensitivity is not None and not 0 < sensitivity <= 1:
        raise ConfigError("sensitivity", "must be above 0 and at most 1", sensitivity)
