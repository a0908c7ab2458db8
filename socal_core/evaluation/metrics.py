"""Compute metrics from a table of predictions, without a model and without torch. Success is the positive class.

A value that is not defined, such as the AUROC of trials with one outcome, is None.
"""

from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import binomtest, norm
from sklearn import metrics as sklearn_metrics

from socal_core.runs.files.metrics_record import ClassScores, Interval, Scores

CONFIDENCE = 0.95


def metrics_of(labels: ArrayLike, probabilities: ArrayLike, predicted: ArrayLike) -> Scores:
    """Compute the metrics of n >= 1 trials.

    Args:
        labels: True outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        predicted: Predicted outcomes, 0 or 1, shape (n,).

    Returns:
        The metrics by name. `intervals` has their 95 % intervals: Wilson's for proportions, and `auroc_interval`.

    Raises:
        ValueError: The three arrays have different lengths, or there are no trials.
    """
    y, p, decided = _column(labels), np.asarray(probabilities, dtype=float), _column(predicted)
    if not len(y) == len(p) == len(decided) > 0:
        lengths = f"{len(y)}, {len(p)}, {len(decided)}"
        raise ValueError(
            f"labels, probabilities and predicted must have the same length and not be empty, got {lengths}"
        )
    matrix = sklearn_metrics.confusion_matrix(y, decided, labels=[0, 1])
    (tn, fp), (fn, tp) = matrix.tolist()
    both = 0 < y.sum() < len(y)
    per_class: dict[str, ClassScores] = {
        "failure": class_scores(hit=tn, wrongly=fn, missed=fp),
        "success": class_scores(hit=tp, wrongly=fp, missed=fn),
    }
    success = per_class["success"]
    return {
        "n": len(y),
        "accuracy": (tp + tn) / len(y),
        "balanced_accuracy": float(sklearn_metrics.balanced_accuracy_score(y, decided)) if both else None,
        "precision": success["precision"],
        "recall": success["recall"],
        "f1": success["f1"],
        "auroc": auroc(y, p),
        "brier": float(sklearn_metrics.brier_score_loss(y, p, pos_label=1)),
        "confusion_matrix": [[tn, fp], [fn, tp]],
        "per_class": per_class,
        "intervals": {
            "accuracy": wilson_interval(tp + tn, len(y)),
            "precision": wilson_interval(tp, tp + fp),
            "recall": wilson_interval(tp, tp + fn),
            "auroc": auroc_interval(y, p),
        },
    }


def auroc(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Compute the area under the ROC curve, where ties count half.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        scores: Finite scores, higher for success, shape (n,).

    Returns:
        The AUROC, or None if all trials have the same outcome.
    """
    y = _column(labels)
    return float(sklearn_metrics.roc_auc_score(y, np.asarray(scores, dtype=float))) if 0 < y.sum() < len(y) else None


def length_auroc(trials: pd.DataFrame) -> float | None:
    """Compute the AUROC of the number of frames alone, in the direction in which it is at least 0.5.

    Args:
        trials: The trials of a data set; those with an unknown outcome are left out.

    Returns:
        The AUROC, or None if all trials have the same outcome.
    """
    known = trials[trials["success"].notna()]
    rising = auroc(known["success"], known["n_frames"])
    return None if rising is None else max(rising, 1 - rising)


def wilson_interval(successes: int, n: int) -> Interval:
    """Compute the 95 % score interval of a proportion (Wilson, JASA 1927;22:209); None if n is 0."""
    if n == 0:
        return None
    interval = binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def auroc_interval(labels: ArrayLike, probabilities: ArrayLike) -> Interval:
    """Compute a 95 % interval of the AUROC that is also valid for few trials and for a perfect score.

    This is method 5 of Newcombe, Stat Med 2006;25:559: the score interval with the variance of Hanley and McNeil. It
    treats trials as independent. Trials of the same surgeon are not, so the true interval is a little wider.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).

    Returns:
        The low and high end, or None if all trials have the same outcome.
    """
    y, p = _column(labels), np.asarray(probabilities, dtype=float)
    positives, negatives = int(y.sum()), int(len(y) - y.sum())
    estimate = auroc(y, p)
    if estimate is None:
        return None
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    spread = (positives + negatives) / 2 - 1

    def distance(theta: float, sign: int) -> float:
        inner = 1 + spread * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return sign * (theta - estimate) - z * sqrt(theta * (1 - theta) * inner / (positives * negatives))

    # At 0 and 1 the variance and the distance are 0, which is a meaningless root. So search a small step away from it.
    step = 1e-9
    low = 0.0 if estimate == 0 else brentq(distance, step, min(estimate, 1 - step), args=(-1,))
    high = 1.0 if estimate == 1 else brentq(distance, max(estimate, step), 1 - step, args=(1,))
    return float(low), float(high)


def roc_points(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the ROC curve of trials with both outcomes.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).

    Returns:
        False positive rates and true positive rates, both rising from 0 to 1.
    """
    fpr, tpr, _ = sklearn_metrics.roc_curve(_column(labels), np.asarray(probabilities, dtype=float))
    return fpr, tpr


def choose_threshold(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Choose the threshold with the highest balanced accuracy on the given trials.

    Pass validation trials, never test trials. The candidates are 0.5 and the midpoints between neighbouring
    probabilities. Among equally good candidates, the one nearest to 0.5 is chosen.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).

    Returns:
        The threshold, which is 0.5 if all trials have the same outcome.
    """
    y, p = _column(labels), np.asarray(probabilities, dtype=float)
    if not 0 < y.sum() < len(y):
        return 0.5
    values = np.unique(p)
    candidates = np.append((values[1:] + values[:-1]) / 2, 0.5)
    scores = [sklearn_metrics.balanced_accuracy_score(y, p >= threshold) for threshold in candidates]
    best = candidates[np.isclose(scores, np.max(scores))]
    return float(best[np.abs(best - 0.5).argmin()])


def class_scores(hit: int, wrongly: int, missed: int) -> ClassScores:
    """Compute precision, recall and F1 of a class.

    Args:
        hit: The number of its trials that are predicted correctly.
        wrongly: The number of other trials that are predicted to be of this class.
        missed: The number of its trials that are predicted to be of another class.
    """
    return {
        "precision": hit / (hit + wrongly) if hit + wrongly else None,
        "recall": hit / (hit + missed) if hit + missed else None,
        "f1": 2 * hit / (2 * hit + wrongly + missed) if 2 * hit + wrongly + missed else None,
        "support": hit + missed,
    }


def _column(values: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)
