"""Simulate the course of a synthetic trial as numbers: the pool of blood, the haemostasis and what is recorded.

Lengths are in frame heights, with the origin at the centre of the frame. Areas are fractions of the visible field.
Times are seconds since the start of the trial. Nothing is rendered here.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Stream(IntEnum):
    """Independent streams of random numbers in a trial, so that a change to one part does not change the others."""

    COURSE = 0
    MOTION = 1
    BACKGROUND = 2
    CAMERA = 3
    PERSON = 4


@dataclass(frozen=True)
class Tuning:
    """The parameters of the demo, which set its difficulty; `benchmarks/demo_signal.py` measures their effect."""

    limit: int = 120
    """Seconds after which a trial ends and counts as a failure, as after 300 s in SOCAL."""
    shortest: int = 46
    """Number of frames of the shortest recording."""
    coaching: float = 0.3
    """Improvement of the second trial over the first, in standard deviations of skill."""
    luck: float = 0.5
    """Standard deviation of the random part of control in a trial, in standard deviations of skill."""
    threshold: float = -0.4
    """Control (skill, coaching and luck) above which the bleeding stops in time; sets the fraction of successes."""
    veil: float = 0.5
    """Standard deviation of the noise between true and visible control; it hides the outcome in the first 60 s."""
    growth: float = 0.011
    """Growth of the pool at a visible control of 0, as a fraction of the remaining field per second."""
    growth_slope: float = 0.5
    """How strongly visible control slows the growth: exponent per unit of control."""
    fullest: float = 0.88
    """Fraction of the field that the pool approaches without haemostasis."""
    flicker: float = 0.07
    """Relative standard deviation of the slow random change in the area of the pool."""
    slowest_stop: float = 104.0
    """Mean time to haemostasis at the threshold, in seconds."""
    stop_slope: float = 25.0
    """Seconds by which haemostasis is earlier per unit of control."""
    stop_noise: float = 7.0
    """Standard deviation of the time to haemostasis, in seconds."""
    rebleeds: float = 0.06
    """Fraction of trials with haemostasis that count as failures, for a rebleeding that the recording does not show."""
    runs_on: float = 0.04
    """Fraction of trials with haemostasis whose recording continues to the limit: successes with long recordings."""


TUNING = Tuning()
FRAME_SIZES = ((640, 360), (480, 270))
DRY = 0.02
"""Fraction of the field that stays wet after the bleeding has stopped."""
STOPPED = 0.05
"""Fraction of the field below which the bleeding counts as stopped."""
MILLILITRES = 0.17
"""Blood loss in millilitres per second for each per cent of the field under blood."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One simulated trial."""

    trial_id: str
    participant_id: str
    seed: tuple[int, int, int]
    """Seed of the demo, index of the surgeon, number of the trial."""
    width: int
    height: int
    shown: float
    """Visible control: the surgeon's control as the pool and the tools show it."""
    site: tuple[float, float]
    """Position (x, y) of the bleeding vessel."""
    frames: int
    """Number of recorded frames, one per second."""
    area: FloatArray
    """Fraction of the visible field under blood in each second up to the limit, recorded or not."""
    stopped: float | None
    """Time of haemostasis; None if the bleeding does not stop."""
    cottonoid: float | None
    """Time at which the cottonoid is first placed; None if it never is."""
    muscle: float | None
    """Time at which the muscle is first placed; None if it never is."""
    cottonoid_success: bool
    success: bool
    blood_loss: float
    """Blood loss in millilitres."""

    @property
    def tth(self) -> float:
        """Reported time to haemostasis in seconds; the limit for a failure."""
        return self.stopped if self.success and self.stopped is not None else float(TUNING.limit)

    def rng(self, stream: Stream) -> np.random.Generator:
        """Create a generator for a stream of this trial. It does not depend on the other trials."""
        return np.random.default_rng((*self.seed, stream))


def participant_ids(surgeons: int) -> list[str]:
    """Return ids from 101 on. Every tenth id has a letter, as some ids in SOCAL do."""
    return [f"A{index + 9}" if index % 10 == 3 else str(101 + index) for index in range(surgeons)]


def simulate_trials(surgeons: int, seed: int) -> list[Trial]:
    """Simulate two trials per surgeon, in the order of surgeons and trials.

    Skill is normally distributed. It is sampled in equal strata, so that the fraction of successes hardly depends on
    the seed.
    """
    rng = np.random.default_rng((seed, surgeons))
    strata = (rng.permutation(surgeons) + rng.uniform(0.05, 0.95, surgeons)) / surgeons
    skills = [NormalDist().inv_cdf(float(stratum)) for stratum in strata]
    trials = []
    for index, participant_id in enumerate(participant_ids(surgeons)):
        # One trial of each size, in random order, so that the size does not predict the outcome.
        large_first = int(rng.integers(2))
        for number in (1, 2):
            size = FRAME_SIZES[(number + large_first) % 2]
            trials.append(_simulate_trial(participant_id, (seed, index, number), skills[index], size))
    return _change_by_chance(trials, rng)


def _change_by_chance(trials: list[Trial], rng: np.random.Generator) -> list[Trial]:
    """Change some outcomes and lengths at random, so that no model can predict all outcomes from the video."""
    trials = list(trials)
    stopped = [index for index, trial in enumerate(trials) if trial.stopped is not None]
    order = rng.permutation(stopped).tolist()
    rebleeds, runs_on = (round(fraction * len(stopped)) for fraction in (TUNING.rebleeds, TUNING.runs_on))
    for index in order[:rebleeds]:
        trials[index] = replace(trials[index], success=False)
    for index in order[rebleeds : rebleeds + runs_on]:
        trials[index] = replace(trials[index], frames=TUNING.limit)
    return trials


def _simulate_trial(participant_id: str, seed: tuple[int, int, int], skill: float, size: tuple[int, int]) -> Trial:
    rng = np.random.default_rng((*seed, Stream.COURSE))
    control = skill + TUNING.coaching * (seed[2] == 2) + rng.normal(0, TUNING.luck)
    margin = control - TUNING.threshold
    stopped = None
    if margin > 0:
        expected = TUNING.slowest_stop - TUNING.stop_slope * margin + rng.normal(0, TUNING.stop_noise)
        stopped = float(np.clip(expected, TUNING.shortest - 3, TUNING.limit - 10).round(1))
    shown = float(control + rng.normal(0, TUNING.veil))
    cottonoid, muscle = _placements(rng, shown, stopped)
    area = _pool(rng, shown, cottonoid, muscle, stopped)
    until = TUNING.limit if stopped is None else int(stopped)
    frames = max(TUNING.shortest, min(until + int(rng.integers(3, 7)), TUNING.limit))
    return Trial(
        trial_id=f"S{participant_id}T{seed[2]}",
        participant_id=participant_id,
        seed=seed,
        width=size[0],
        height=size[1],
        shown=shown,
        site=(float(rng.uniform(-0.09, 0.09)), float(rng.uniform(-0.07, 0.07))),
        frames=frames,
        area=area,
        stopped=stopped,
        cottonoid=cottonoid,
        muscle=muscle,
        cottonoid_success=cottonoid is not None and rng.uniform() < (0.9 if stopped is not None else 0.35),
        success=stopped is not None,
        blood_loss=float(100 * MILLILITRES * area[:until].sum() * rng.lognormal(0, 0.12) + 30),
    )


def _placements(rng: np.random.Generator, shown: float, stopped: float | None) -> tuple[float | None, float | None]:
    """Choose when the cottonoid and the muscle are first placed at the vessel."""
    if stopped is not None:
        muscle = round(stopped - float(rng.uniform(11, 16)), 1)
        return round(float(rng.uniform(0.25, 0.6)) * muscle, 1), muscle
    cottonoid = round(float(np.clip(rng.normal(38 - 6 * shown, 10), 12, 80)), 1)
    muscle = round(float(rng.uniform(cottonoid + 12, 112)), 1)
    return (cottonoid if rng.uniform() < 0.85 else None), (muscle if rng.uniform() < 0.5 else None)


def _pool(
    rng: np.random.Generator,
    shown: float,
    cottonoid: float | None,
    muscle: float | None,
    stopped: float | None,
) -> FloatArray:
    """Simulate the fraction of the field under blood for each second up to the limit."""
    speed = TUNING.growth * np.exp(-TUNING.growth_slope * shown)
    start = rng.uniform(2, 5)  # the vessel is cut before the recording starts
    area = np.empty(TUNING.limit)
    level = TUNING.fullest * (1 - np.exp(-speed * start))
    decay = 0.0
    for second in range(TUNING.limit):
        if stopped is not None and muscle is not None and second >= muscle:
            # Under the muscle the pool is drained, to just below STOPPED at the time of haemostasis.
            decay = decay or np.log(max(level, 2 * STOPPED) / (STOPPED - DRY)) / max(stopped - muscle, 1)
            level = DRY + (level - DRY) * np.exp(-decay)
        else:
            pressure = 0.75 if cottonoid is not None and second >= cottonoid else 1.0
            slip = 0.9 if muscle is not None and 0 <= second - muscle < 3 else 1.0  # a patch that does not hold
            level = (level + speed * pressure * (TUNING.fullest - level)) * slip
        area[second] = level
    flicker = smooth_noise(rng, TUNING.limit, pull=0.15)
    return np.clip(area * np.exp(TUNING.flicker * flicker), 0.01, 0.95)


def smooth_noise(rng: np.random.Generator, length: int, pull: float) -> FloatArray:
    """Sample an AR(1) process of variance 1; with a stronger pull to 0, values are correlated for a shorter time."""
    steps = rng.normal(size=length)
    values = np.empty(length)
    keep = 1 - pull
    value = steps[0]
    for index, step in enumerate(steps):
        value = keep * value + np.sqrt(1 - keep**2) * step
        values[index] = value
    return values
