"""Compute scores of trials for many sets of weights at once, as resampling over surgeons needs them.

Weights have the shape (sets, n), and each score is an array of the shape (sets,), NaN where it is not defined. A weight
of 2 counts a trial twice, one of 0 leaves it out.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
WeightedScores = dict[str, Floats]

CALIBRATION_BINS = 10
"""Number of bins of equal width of the probability of success, for the expected calibration error."""
LARGE_ML = 500
"""A blood loss above this, in mL, is large (Pangal et al., Sci Rep 2022;12:8137)."""
_SMALLEST = float(np.finfo(np.float64).eps)


def outcome_scores(labels: Integers, probabilities: Floats, predicted: Integers, weights: Floats) -> WeightedScores:
    """Compute the scores of predictions of an outcome. Success is the positive class.

    Args:
        labels: True outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        predicted: Predicted outcomes, 0 or 1, shape (n,).
        weights: Weights of the trials, shape (sets, n).

    Returns:
        The scores by name, each of shape (sets,). `precision` is the positive predictive value, `recall` the
        sensitivity and `npv` the negative predictive value. `f1` is of success, `f1_failure` of failure.
    """
    y, d = labels == 1, predicted == 1
    tp, fp, fn, tn = (weights @ chosen.astype(float) for chosen in (y & d, ~y & d, y & ~d, ~y & ~d))
    recall, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    return {
        "accuracy": ratio(tp + tn, tp + fp + fn + tn),
        "balanced_accuracy": (recall + specificity) / 2,
        "precision": ratio(tp, tp + fp),
        "recall": recall,
        "specificity": specificity,
        "npv": ratio(tn, tn + fn),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "f1_failure": ratio(2 * tn, 2 * tn + fp + fn),
        "matthews": ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
        **ranking_scores(y, probabilities, weights),
        "brier": mean((probabilities - y) ** 2, weights),
        "log_loss": mean(log_losses(np.where(y, probabilities, 1 - probabilities)), weights),
        "calibration_error": calibration_error(y, probabilities, weights),
    }


def class_scores(labels: Integers, probabilities: Floats, predicted: Integers, weights: Floats) -> WeightedScores:
    """Compute the scores of predictions of one of several classes.

    Args:
        labels: True classes, 0 to k - 1, shape (n,).
        probabilities: The probability of each class, shape (n, k).
        predicted: Predicted classes, shape (n,).
        weights: Weights of the trials, shape (sets, n).

    Returns:
        The scores by name, each of shape (sets,). Balanced accuracy and `macro_auroc` (one class against the rest) are
        means over the classes with trials; `macro_f1` is the mean over those that have or are predicted for a trial.
    """
    recalls, f1s, aurocs = [], [], []
    for k in range(probabilities.shape[1]):
        is_k, said_k = labels == k, predicted == k
        hit, support, said = (weights @ chosen.astype(float) for chosen in (is_k & said_k, is_k, said_k))
        if is_k.any():
            recalls.append(ratio(hit, support))
            aurocs.append(ranking_scores(is_k, probabilities[:, k], weights)["auroc"])
        if (is_k | said_k).any():
            f1s.append(ratio(2 * hit, support + said))
    return {
        "accuracy": mean((labels == predicted).astype(float), weights),
        "balanced_accuracy": np.mean(recalls, axis=0),
        "macro_f1": np.mean(f1s, axis=0),
        "macro_auroc": np.mean(aurocs, axis=0),
    }


def number_scores(true: Floats, predicted: Floats, weights: Floats) -> WeightedScores:
    """Compute the scores of predicted numbers, such as a blood loss in mL.

    Args:
        true: True numbers, shape (n,).
        predicted: Predicted numbers, shape (n,).
        weights: Weights of the trials, shape (sets, n).

    Returns:
        The scores by name, each of shape (sets,). `mean_error` is that of the prediction minus the true number,
        `correlation` Pearson's, and `large_recall` the fraction of numbers above LARGE_ML predicted to be so.
    """
    error, large = predicted - true, (true > LARGE_ML).astype(float)
    squared = mean(error**2, weights)
    spread_true = mean(true**2, weights) - mean(true, weights) ** 2
    spread_predicted = mean(predicted**2, weights) - mean(predicted, weights) ** 2
    together = mean(true * predicted, weights) - mean(true, weights) * mean(predicted, weights)
    return {
        "rmse": np.sqrt(squared),
        "mae": mean(np.abs(error), weights),
        "mean_error": mean(error, weights),
        "r2": 1 - ratio(squared, spread_true),
        "correlation": ratio(together, np.sqrt(spread_true * spread_predicted)),
        "large_recall": ratio(weights @ (large * (predicted > LARGE_ML)), weights @ large),
    }


def ranking_scores(positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> WeightedScores:
    """Compute the AUROC, where ties count half, and the average precision.

    Args:
        positive: Whether a trial is of the positive class, shape (n,).
        scores: Scores, higher for the positive class, shape (n,).
        weights: Weights of the trials, shape (sets, n).

    Returns:
        `auroc` and `average_precision`, each of shape (sets,).
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.inf))  # where a lower score begins
    sorted_weights = weights[:, order]
    hits = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)  # (sets, different scores)
    false_alarms = np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)
    true_so_far, false_so_far = hits.cumsum(axis=1), false_alarms.cumsum(axis=1)
    positives, negatives = true_so_far[:, -1], false_so_far[:, -1]
    wins = (false_alarms * (true_so_far - hits / 2)).sum(axis=1)
    precision = np.divide(true_so_far, true_so_far + false_so_far, where=true_so_far > 0, out=np.zeros_like(hits))
    return {
        "auroc": ratio(wins, positives * negatives),
        "average_precision": ratio((hits * precision).sum(axis=1), positives),
    }


def calibration_error(positive: NDArray[np.bool_], probabilities: Floats, weights: Floats) -> Floats:
    """Compute the expected calibration error over CALIBRATION_BINS bins of equal width, shape (sets,).

    It is the mean over the trials of the distance, in the trial's bin, between the mean probability and the fraction of
    positive trials. It is biased upwards: with few trials per bin, a perfectly calibrated prediction is above 0 too.
    """
    in_bin = calibration_bins(probabilities)[:, None] == np.arange(CALIBRATION_BINS)
    distances = weights @ ((probabilities - positive)[:, None] * in_bin)
    return ratio(np.abs(distances).sum(axis=1), weights.sum(axis=1))


def calibration_bins(probabilities: Floats) -> Integers:
    """Return the bin of each probability, 0 to CALIBRATION_BINS - 1; the last one includes 1."""
    return np.minimum((probabilities * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)


def log_losses(probabilities: Floats) -> Floats:
    """Compute the log loss of each probability of what happened; one of 0 counts as the smallest positive step."""
    return -np.log(np.clip(probabilities, _SMALLEST, 1))


def mean(values: Floats, weights: Floats) -> Floats:
    """Compute the weighted means of the values of n trials, shape (sets,)."""
    return ratio(weights @ values, weights.sum(axis=1))


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where the denominator is not positive."""
    result: Floats = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
