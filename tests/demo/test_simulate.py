from collections import Counter

import numpy as np
import pytest

from socal_core.demo.simulate import FRAME_SIZES, STOPPED, TUNING, Trial, simulate_trials, smooth_noise
from socal_core.presets import SOCAL


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    return simulate_trials(100, seed=3)


def test_each_surgeon_has_two_trials_named_as_in_socal(trials: list[Trial]) -> None:
    assert [trial.trial_id for trial in trials[:8]] == [
        *("S101T1", "S101T2", "S102T1", "S102T2", "S103T1", "S103T2", "SA12T1", "SA12T2")
    ]
    assert len({trial.trial_id for trial in trials}) == 200
    assert all(SOCAL.trial_id.match(trial.trial_id) for trial in trials)


def test_the_course_depends_only_on_the_seed() -> None:
    first, again, other = (simulate_trials(6, seed) for seed in (5, 5, 6))
    assert [trial.trial_id for trial in first] == [trial.trial_id for trial in other]
    assert all(np.array_equal(a.area, b.area) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a.area, b.area) for a, b in zip(first, other, strict=True))


def test_lengths_and_areas_stay_in_their_ranges(trials: list[Trial]) -> None:
    lengths = [trial.frames for trial in trials]
    assert min(lengths) >= TUNING.shortest
    assert max(lengths) == TUNING.limit
    assert all(len(trial.area) >= trial.frames for trial in trials)
    assert all(trial.area.min() > 0 and trial.area.max() < 1 for trial in trials)


def test_the_pool_is_dry_when_the_bleeding_has_stopped_and_large_when_it_has_not(trials: list[Trial]) -> None:
    ends = {True: [], False: []}
    for trial in trials:
        ends[trial.stopped is not None].append(trial.area[trial.frames - 1])
    assert max(ends[True]) < 2 * STOPPED
    assert np.median(ends[False]) > 0.5


def test_placements_come_before_haemostasis(trials: list[Trial]) -> None:
    for trial in trials:
        if trial.stopped is not None:
            assert trial.cottonoid is not None
            assert trial.muscle is not None
            assert 0 < trial.cottonoid < trial.muscle < trial.stopped < trial.frames


@pytest.mark.parametrize("seed", range(4))
def test_about_two_trials_in_three_succeed(seed: int) -> None:
    assert 0.55 < np.mean([trial.success for trial in simulate_trials(40, seed)]) < 0.75


def test_some_outcomes_and_lengths_are_changed_by_chance(trials: list[Trial]) -> None:
    stopped = [trial for trial in trials if trial.stopped is not None]
    rebleeds = [trial for trial in stopped if not trial.success]
    runs_on = [trial for trial in stopped if trial.frames == TUNING.limit]
    assert len(rebleeds) == round(TUNING.rebleeds * len(stopped)) > 0
    assert len(runs_on) == round(TUNING.runs_on * len(stopped)) > 0
    assert all(trial.tth == TUNING.limit for trial in rebleeds)
    assert all(trial.success and trial.tth < TUNING.limit for trial in runs_on)


def test_the_length_reveals_most_outcomes_but_the_frame_size_none(trials: list[Trial]) -> None:
    by_length = [trial.success == (trial.frames < TUNING.limit) for trial in trials]
    assert 0.9 < np.mean(by_length) < 1
    assert Counter((trial.width, trial.height) for trial in trials) == dict.fromkeys(FRAME_SIZES, 100)
    large = [trial.success for trial in trials if trial.height == 360]
    small = [trial.success for trial in trials if trial.height == 270]
    assert abs(np.mean(large) - np.mean(small)) < 0.15


def test_a_larger_pool_in_the_first_minute_means_failure_more_often(trials: list[Trial]) -> None:
    mean_area = {
        success: np.mean([trial.area[:60].mean() for trial in trials if trial.success is success])
        for success in (True, False)
    }
    assert mean_area[False] > 1.4 * mean_area[True]


def test_smooth_noise_has_unit_variance_and_autocorrelation() -> None:
    values = smooth_noise(np.random.default_rng(0), 20_000, pull=0.2)
    assert np.std(values) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(values[1:], values[:-1])[0, 1] == pytest.approx(0.8, abs=0.02)
