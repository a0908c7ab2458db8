"""Calibration: how well predicted probabilities agree with observed frequencies, and temperature scaling.

Success is the positive class. Without trials, a score is None and there are no bins.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from socal_core.evaluation.arrays import SMALLEST, Binning, bin_numbers, log_loss, outcome_arrays
from socal_core.evaluation.intervals import rate_interval
from socal_core.evaluation.trial_scores import surgeons_of
from socal_core.runs.files.metrics_record import Interval

BINS = 5
"""Number of bins by default. Twenty test trials give four trials per bin; more bins would show mostly chance."""
FEWEST_TRIALS = 10
"""With fewer validation trials, no temperature is fitted."""
LOWEST, HIGHEST = 0.1, 10.0
"""Limits of the temperature. If all validation trials are predicted correctly, the best temperature would be 0."""


@dataclass(frozen=True)
class Bin:
    """A bin of a reliability diagram."""

    low: float
    """The lowest probability in the bin, or its edge if bins have equal width."""
    high: float
    n: int
    predicted: float
    """Mean probability of success."""
    observed: float
    """Fraction of successes."""
    interval: Interval
    """Wilson's 95 % interval of the fraction."""


@dataclass(frozen=True)
class Calibration:
    """The calibration of a set of trials."""

    n: int
    bins: tuple[Bin, ...]
    """The bins with trials, in ascending order."""
    error: float | None
    """Expected calibration error: see `calibration_error`."""
    brier: float | None
    log_loss: float | None


@dataclass(frozen=True)
class Temperature:
    """The parameter of temperature scaling: above 1, probabilities move towards 0.5; below 1, away from it."""

    value: float
    validation_trials: int
    note: str = ""
    """Why no temperature was fitted, so that it is 1, or that it is at a limit; else ""."""

    def scale(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Divide the logits of probabilities by the temperature, and return the new probabilities.

        The order of trials does not change, and so neither does the AUROC. A threshold has to be scaled too, to give
        the same predictions.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        scaled: NDArray[np.float64] = p.copy() if self.value == 1 else expit(_logits(p) / self.value)
        return scaled


@dataclass(frozen=True)
class CalibrationReport:
    """The calibration of the test trials before and after temperature scaling."""

    temperature: Temperature
    before: Calibration
    after: Calibration

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values for JSON."""
        return asdict(self)


def calibration_report(
    predictions: pd.DataFrame, bins: int = BINS, binning: Binning = Binning.EQUAL_COUNT
) -> CalibrationReport:
    """Fit a temperature on the validation trials, and measure the calibration of the test trials before and after it.

    Args:
        predictions: The predictions of a run (runs/files/predictions.py). Those of a cross-validation have no
            validation trials, so its temperature is 1.
        bins: Number of bins.
        binning: How trials are divided into bins.
    """
    validation, test = (predictions[predictions["split"] == subset] for subset in ("validation", "test"))
    temperature = fit_temperature(validation["label"], validation["prob_success"])
    scaled = temperature.scale(test["prob_success"])
    surgeons = surgeons_of(test)
    return CalibrationReport(
        temperature,
        before=calibration_of(test["label"], test["prob_success"], bins, binning, surgeons),
        after=calibration_of(test["label"], scaled, bins, binning, surgeons),
    )


def calibration_of(
    labels: ArrayLike,
    probabilities: ArrayLike,
    bins: int = BINS,
    binning: Binning = Binning.EQUAL_COUNT,
    surgeons: ArrayLike | None = None,
) -> Calibration:
    """Measure the calibration of a set of trials.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        bins: Number of bins.
        binning: How trials are divided into bins.
        surgeons: The surgeon of each trial, shape (n,); None if each trial is of another one.

    Raises:
        ValueError: The lengths differ, or there is no bin.
    """
    y, p = outcome_arrays(labels, probabilities)
    found = reliability(y, p, bins, binning, surgeons)
    brier = float(((p - y) ** 2).mean()) if len(y) else None
    return Calibration(len(y), found, calibration_error(found), brier, log_loss(y, p))


def reliability(
    labels: ArrayLike,
    probabilities: ArrayLike,
    bins: int = BINS,
    binning: Binning = Binning.EQUAL_COUNT,
    surgeons: ArrayLike | None = None,
) -> tuple[Bin, ...]:
    """Compute the reliability diagram: mean probability and fraction of successes by bin, without empty bins.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        bins: Number of bins.
        binning: How trials are divided into bins.
        surgeons: The surgeon of each trial, shape (n,); None if each trial is of another one.

    Raises:
        ValueError: The lengths differ, or there is no bin.
    """
    y, p = outcome_arrays(labels, probabilities)
    numbers = bin_numbers(p, bins, binning)
    names = None if surgeons is None else np.asarray(surgeons)
    found = []
    for number in np.unique(numbers):
        inside = numbers == number
        n, successes = int(inside.sum()), int(y[inside].sum())
        low, high = float(p[inside].min()), float(p[inside].max())
        if binning is Binning.EQUAL_WIDTH:
            low, high = float(number / bins), float((number + 1) / bins)
        predicted = float(p[inside].mean())
        interval = rate_interval(y[inside], None if names is None else names[inside])
        found.append(Bin(low, high, n, predicted, successes / n, interval))
    return tuple(found)


def calibration_error(bins: tuple[Bin, ...]) -> float | None:
    """Compute the expected calibration error of a reliability diagram; None without bins.

    It is the mean of |fraction of successes - mean probability of success| over the bins, weighted by their numbers of
    trials (Naeini et al., AAAI 2015). It depends on the bins, and is above 0 by chance also for a perfectly calibrated
    model: the fewer trials, the higher.
    """
    n = sum(found.n for found in bins)
    return sum(found.n * abs(found.observed - found.predicted) for found in bins) / n if n else None


def fit_temperature(labels: ArrayLike, probabilities: ArrayLike) -> Temperature:
    """Fit the temperature with the lowest log loss (Guo et al., ICML 2017), between LOWEST and HIGHEST.

    Pass validation trials, never test trials.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).

    Raises:
        ValueError: The lengths differ.
    """
    y, p = outcome_arrays(labels, probabilities)
    reason = _why_not(y, p)
    if reason:
        return Temperature(1.0, len(y), reason)
    signed = np.where(y == 1, 1, -1) * _logits(p)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signed / np.exp(log_temperature)).mean())

    # The loss is convex in 1 / temperature, so it has a single minimum in the logarithm of the temperature too.
    limits = (float(np.log(LOWEST)), float(np.log(HIGHEST)))
    found = float(minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-8}).x)
    best = min((found, *limits), key=loss)
    value = float(np.exp(best))
    if best not in limits:
        return Temperature(value, len(y))
    direction = "low" if best == limits[0] else "high"
    return Temperature(value, len(y), f"The temperature is as {direction} as it may be, {value:g}.")


def _why_not(y: NDArray[np.int64], p: NDArray[np.float64]) -> str:
    """Return why no temperature can be fitted to these validation trials, or ""."""
    if len(y) < FEWEST_TRIALS:
        count = f"{len(y)} validation trials are" if len(y) != 1 else "One validation trial is"
        return f"{count} too few to fit a temperature, which takes at least {FEWEST_TRIALS}."
    if y.min() == y.max():
        return "All validation trials have the same outcome, so no temperature can be fitted."
    if (p == 0.5).all():
        return "All validation trials have a probability of 0.5, which no temperature changes."
    return ""


def _logits(p: NDArray[np.float64]) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = logit(np.clip(p, SMALLEST, 1 - SMALLEST))
    return logits
