"""socal_core.evaluation.calibration, against brute force and counting by hand"""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import log_loss

from socal_core.evaluation.arrays import Binning
from socal_core.evaluation.calibration import (
    FEWEST_TRIALS,
    HIGHEST,
    LOWEST,
    Bin,
    calibration_error,
    calibration_of,
    calibration_report,
    fit_temperature,
    reliability,
)
from socal_core.evaluation.intervals import rate_interval
from socal_core.evaluation.metrics import auroc
from socal_core.evaluation.trial_scores import surgeons_of

Trials = tuple[NDArray[np.int64], NDArray[np.float64]]


def draw(seed: int, n: int, temperature: float) -> Trials:
    """Outcomes, and probabilities whose logits are `temperature` times as large as they should be."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0.3, 1.2, n)
    return (rng.random(n) < expit(true)).astype(int), expit(true * temperature)


def table(validation: Trials, test: Trials) -> pd.DataFrame:
    parts = {"validation": validation, "test": test}
    rows = pd.concat(
        pd.DataFrame({"split": name, "label": y, "prob_success": p}) for name, (y, p) in parts.items()
    ).reset_index(drop=True)
    return rows.assign(trial_id=[f"T{number}" for number in rows.index], participant_id="")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "strength"), [(12, 1.0), (22, 3.0), (200, 0.4)])
def test_no_temperature_of_a_fine_grid_has_a_lower_log_loss(seed: int, n: int, strength: float) -> None:
    y, p = draw(seed, n, strength)
    grid = np.exp(np.linspace(np.log(LOWEST), np.log(HIGHEST), 20_001))
    odds_against = np.where(y == 1, (1 - p) / p, p / (1 - p))
    losses = np.log1p(odds_against ** (1 / grid[:, None])).mean(axis=1)  # of (temperatures, trials)
    found = fit_temperature(y, p)
    assert found.value == pytest.approx(grid[losses.argmin()], rel=1e-3)
    assert log_loss(y, found.scale(p)) <= losses.min() + 1e-9


def test_with_many_trials_the_true_temperature_is_found() -> None:
    for strength in (0.5, 1.0, 2.5):
        assert fit_temperature(*draw(1, 40_000, strength)).value == pytest.approx(strength, rel=0.06)


def test_a_temperature_stays_within_its_limits_and_says_so() -> None:
    y = np.array([0, 1] * 10)
    right, wrong = fit_temperature(y, np.where(y == 1, 0.6, 0.4)), fit_temperature(y, np.where(y == 1, 0.1, 0.9))
    assert right.value == pytest.approx(LOWEST)
    assert "as low as it may be" in right.note
    assert wrong.value == pytest.approx(HIGHEST)
    assert "as high as it may be" in wrong.note


@pytest.mark.parametrize(
    ("y", "p", "reason"),
    [
        ([], [], "0 validation trials are too few"),
        ([1], [0.3], "One validation trial is too few"),
        ([0, 1] * (FEWEST_TRIALS // 2 - 1) + [1], [0.3] * (FEWEST_TRIALS - 1), "too few"),
        ([1] * FEWEST_TRIALS, [0.3] * FEWEST_TRIALS, "same outcome"),
        ([0, 1] * FEWEST_TRIALS, [0.5] * 2 * FEWEST_TRIALS, "probability of 0.5"),
    ],
)
def test_without_evidence_nothing_is_scaled(y: list[int], p: list[float], reason: str) -> None:
    found = fit_temperature(y, p)
    assert found.value == 1
    assert found.validation_trials == len(y)
    assert reason in found.note
    assert found.scale([0.0, 0.2, 1.0]).tolist() == [0.0, 0.2, 1.0]


def test_scaling_keeps_the_order_and_ties_at_one_probability_are_fitted() -> None:
    y, p = draw(3, 60, 4.0)
    found = fit_temperature(y, p)
    assert found.value > 1
    assert auroc(y, found.scale(p)) == auroc(y, p)
    assert found.scale([0.5]) == pytest.approx([0.5])
    tied = fit_temperature([1] * 8 + [0] * 4, [0.9] * 12)
    # All logits are equal, so the best temperature turns them into the rate of successes.
    assert tied.scale([0.9]) == pytest.approx([8 / 12], abs=1e-5)


def test_probabilities_of_0_and_1_are_finite() -> None:
    y, p = np.array([0, 1] * 6), np.array([0.0, 1.0] * 5 + [1.0, 0.0])
    found = fit_temperature(y, p)
    assert 1 < found.value <= HIGHEST
    assert np.isfinite(found.scale(p)).all()
    assert np.isfinite(calibration_of(y, p).log_loss or np.nan)


def test_bins_of_equal_count_by_hand() -> None:
    y, p = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.7, 0.9]
    low, high = reliability(y, p, bins=2)
    assert low == Bin(0.1, 0.3, 3, pytest.approx(0.2), 1 / 3, None)  # too few surgeons
    assert (high.low, high.high, high.n, high.observed) == (0.6, 0.9, 3, 2 / 3)
    error = (3 * abs(1 / 3 - 0.2) + 3 * abs(2 / 3 - 2.2 / 3)) / 6
    assert calibration_error((low, high)) == pytest.approx(error)


def test_bins_of_equal_width_by_hand() -> None:
    y, p = [0, 1, 1, 1], [0.0, 0.05, 0.25, 1.0]
    first, second, last = reliability(y, p, bins=4, binning=Binning.EQUAL_WIDTH)
    assert [(found.low, found.high, found.n) for found in (first, second, last)] == [
        (0, 0.25, 2),
        (0.25, 0.5, 1),
        (0.75, 1, 1),
    ]
    assert first.observed == 0.5
    assert calibration_error((first, second, last)) == pytest.approx((2 * 0.475 + 0.75 + 0) / 4)


@pytest.mark.parametrize("binning", list(Binning))
def test_equal_probabilities_share_a_bin_and_each_trial_counts_once(binning: Binning) -> None:
    rng = np.random.default_rng(5)
    for n in (1, 2, 7, 40):
        p = rng.random(n).round(1)
        found = reliability(rng.integers(0, 2, n), p, 5, binning)
        assert sum(part.n for part in found) == n
        assert all(before.high <= after.low for before, after in pairwise(found))
        assert sum(part.n * part.predicted for part in found) == pytest.approx(p.sum())
    assert len(reliability([0, 1, 1, 0], [0.4] * 4, 5, binning)) == 1


def test_the_error_is_the_gap_in_the_large_and_0_only_where_all_bins_agree() -> None:
    assert calibration_error(reliability([0] * 4, [0.25] * 4)) == 0.25
    assert calibration_error(reliability([0, 0, 0, 1], [0.25] * 4)) == 0


def test_no_trials_and_one_class() -> None:
    nothing = calibration_of([], [])
    assert (nothing.n, nothing.bins, nothing.error, nothing.brier, nothing.log_loss) == (0, (), None, None, None)
    one = calibration_of([1, 1, 1], [0.5, 0.8, 0.9])
    assert one.error == pytest.approx(np.mean([0.5, 0.2, 0.1]))
    with pytest.raises(ValueError, match="same length, got 1 and 2"):
        calibration_of([1], [0.5, 0.5])
    with pytest.raises(ValueError, match="bins must be at least 1"):
        reliability([1], [0.5], 0)


def test_the_report_fits_on_validation_and_measures_on_test() -> None:
    validation, test = draw(7, 80, 3.0), draw(8, 60, 3.0)
    predictions = table(validation, test)
    report = calibration_report(predictions)
    surgeons = surgeons_of(predictions[predictions["split"] == "test"])
    assert report.temperature == fit_temperature(*validation)
    assert report.before == calibration_of(*test, surgeons=surgeons)
    assert report.after == calibration_of(test[0], report.temperature.scale(test[1]), surgeons=surgeons)
    assert report.after.log_loss < report.before.log_loss  # the model is overconfident
    other = calibration_report(table(validation, (1 - test[0], test[1])))
    assert other.temperature == report.temperature
    assert json.loads(json.dumps(report.as_dict()))["before"]["n"] == 60


def test_the_report_of_a_cross_validation_has_no_temperature() -> None:
    report = calibration_report(table(([], []), draw(2, 30, 1.0)))
    assert report.temperature.value == 1
    assert report.before == report.after


def test_the_interval_of_a_bin_is_that_over_surgeons() -> None:
    y, surgeons = np.repeat(np.arange(20) % 3 == 0, 2).astype(int), np.repeat(np.arange(20), 2)
    (found,) = reliability(y, np.full(40, 0.4), 1, surgeons=surgeons)
    assert found.interval == rate_interval(y, surgeons)
    independent = rate_interval(y, None)
    assert found.interval[1] - found.interval[0] > independent[1] - independent[0]
