"""95 % intervals of each kind of score, from its jackknife over surgeons (jackknife.py)."""

from math import atanh, isfinite, sqrt, tanh

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from socal_core.evaluation.jackknife import Jackknife, Surgeons, Z, score_interval, t_interval
from socal_core.evaluation.weighted_scores import CALIBRATION_BINS, Floats, Integers, calibration_bins
from socal_core.runs.files.metrics_record import Interval

CALIBRATION_SURGEONS = 15
"""Weight of independent trials in the variance of the calibration error, in surgeons."""


def mean_size(*counts: float) -> float:
    """Compute the size for which a mean of proportions has the variance of one proportion; 0 if a count is 0."""
    return len(counts) ** 2 / sum(1 / count for count in counts) if all(counts) else 0.0


def hanley_size(auroc: float, positives: float, negatives: float) -> float:
    """Compute the size of `score_interval` that gives an AUROC the variance of Hanley and McNeil.

    The form is that of method 5 of Newcombe, Stat Med 2006;25:559.
    """
    spread = (positives + negatives) / 2 - 1
    return positives * negatives / (1 + spread * ((1 - auroc) / (2 - auroc) + auroc / (1 + auroc)))


def f1_interval(score: Jackknife, size: float) -> Interval:
    """Compute the interval of an F1: hits / (hits + errors / 2), from that of the proportion hits / (hits + errors)."""
    interval = score_interval(score.map(lambda f1: f1 / (2 - f1)), size)
    return interval and (2 * interval[0] / (1 + interval[0]), 2 * interval[1] / (1 + interval[1]))


def matthews_interval(scores: Jackknife, table: tuple[float, float, float, float]) -> Interval:
    """Compute an interval of Matthews' correlation coefficient.

    It is a t-like interval on Fisher's scale around the coefficient of the table with half a trial added to each cell,
    which is finite also for a perfect prediction. The variance of independent trials is that of the phi coefficient
    (Yule, J R Stat Soc 1912;75:579).

    Args:
        scores: The coefficient.
        table: The numbers of true positives, false positives, false negatives and true negatives.
    """
    tp, fp, fn, tn = (cell + 0.5 for cell in table)
    n = sum(table)
    said, true = (tp + fp) / (n + 2), (tp + fn) / (n + 2)
    said_spread, true_spread = said * (1 - said), true * (1 - true)
    phi = (tp * tn - fp * fn) / ((n + 2) ** 2 * sqrt(said_spread * true_spread))
    skew = (1 - 2 * said) ** 2 / said_spread + (1 - 2 * true) ** 2 / true_spread
    cross = (1 - 2 * said) * (1 - 2 * true) / sqrt(said_spread * true_spread)
    variance = scores.averaged_variance((1 - phi**2 + phi * (1 + phi**2 / 2) * cross - 0.75 * phi**2 * skew) / n)
    if not isfinite(variance):
        return None
    half = Z * sqrt(variance) / (1 - phi**2)
    return min(tanh(atanh(phi) - half), scores.value), max(tanh(atanh(phi) + half), scores.value)


def average_precision_interval(score: Jackknife, positives: float) -> Interval:
    """Compute the interval on the scale of the logit; if that is not finite, a score interval.

    Near 1 the variance is about half of that of a proportion of the positive trials.
    """
    interval = t_interval(score.map(lambda values: np.log(values / (1 - values))))
    if interval is None:
        return score_interval(score, positives, score.surgeons.usual_design_effect / 2)
    return float(expit(interval[0])), float(expit(interval[1]))


def loss_interval(score: Jackknife, p: Floats, if_success: Floats, if_failure: Floats) -> Interval:
    """Compute the interval of a mean loss on the scale of its logarithm.

    Few trials may lack the rare large losses, and then vary too little. The variance of independent trials is that
    which the probabilities p themselves predict.
    """
    expected = float((p * if_success + (1 - p) * if_failure).mean())
    squared = float((p * if_success**2 + (1 - p) * if_failure**2).mean())
    if score.value <= 0 or expected <= 0:
        return None
    interval = t_interval(score.map(np.log), (squared / expected**2 - 1) / len(p))
    return interval and (float(np.exp(interval[0])), float(np.exp(interval[1])))


def inverse_interval(score: Jackknife, power: int) -> Interval:
    """Compute the interval of an error on the scale of its inverse, or of a power of that.

    Large errors are rare and few trials may lack them, so the upper end is further away. None if there is no such end.
    """
    interval = t_interval(score.map(lambda values: 1 / values**power))
    return (interval[1] ** (-1 / power), interval[0] ** (-1 / power)) if interval and interval[0] > 0 else None


def calibration_error_interval(labels: Integers, probabilities: Floats, surgeons: Surgeons) -> Interval:
    """Compute an interval of the expected calibration error.

    The error of few trials is above the true one, since distances of either sign count as positive. So the ends are the
    true errors for which the error that was found would be Z standard deviations above or below the expected one, if
    the true distance were equal in all bins and each bin's were normally distributed. Its variance is that of right
    probabilities and independent trials, times a design effect.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        surgeons: The surgeons of the trials.

    Returns:
        The low and high end; None if the probabilities allow no error, or make none, or for one surgeon.
    """
    in_bin = calibration_bins(probabilities)[:, None] == np.arange(CALIBRATION_BINS)
    of_surgeon = np.arange(surgeons.count)[:, None] == surgeons.member
    distances = of_surgeon @ ((probabilities - labels)[:, None] * in_bin) / len(labels)  # (surgeons, bins)
    spread = (probabilities * (1 - probabilities)) @ in_bin / len(labels) ** 2  # (bins,)
    found = float(np.abs(distances.sum(axis=0)).sum())
    if not found or not spread.any() or surgeons.count == 1:
        return None
    effect = _calibration_design_effect(distances, float(spread.sum()))
    deviation = np.sqrt(effect * np.maximum(spread, 1e-12))  # not 0 in bins without trials, or with certain ones

    def excess(error: float) -> float:
        """Return by how many standard deviations the error that was found is above that expected with a true error."""
        true = error * in_bin.mean(axis=0)
        expected = deviation * np.sqrt(2 / np.pi) * np.exp(-((true / deviation) ** 2) / 2)
        expected += true * (1 - 2 * ndtr(-true / deviation))
        variance = true**2 + deviation**2 - expected**2
        return float((found - expected.sum()) / np.sqrt(variance.sum()))

    def end(z: float) -> float:
        """Return the true error at which the excess is z."""
        if excess(0) <= z:
            return 0.0
        return 1.0 if excess(1) >= z else float(brentq(lambda error: excess(error) - z, 0, 1))

    return end(Z), end(-Z)


def _calibration_design_effect(distances: Floats, independent: float) -> float:
    """Average the design effect that the distances of the surgeons show, (surgeons, bins), with 1."""
    count = len(distances)
    shown = ((distances - distances.mean(axis=0)) ** 2).sum() * count / (count - 1) / independent
    return float((count - 1) * shown + CALIBRATION_SURGEONS) / (count - 1 + CALIBRATION_SURGEONS)
