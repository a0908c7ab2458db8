"""The course of a synthetic trial as numbers: how the pool of blood grows, when it stops, what is recorded.

Lengths are in frame heights, with the origin in the middle of the frame; areas are shares of the visible field; times
are seconds since the start of the trial. Nothing here draws.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Stream(IntEnum):
    """Independent random numbers within a trial: a change to one part leaves the others as they are."""

    COURSE = 0
    MOTION = 1
    BACKGROUND = 2
    CAMERA = 3
    PERSON = 4


@dataclass(frozen=True)
class Tuning:
    """What makes the demo as hard as it is; `benchmarks/demo_signal.py` prints what a change does."""

    limit: int = 120
    """Seconds after which a trial is over and counts as a failure: the analogue of SOCAL's 300."""
    shortest: int = 46
    """Frames of the shortest recording."""
    coaching: float = 0.3
    """How much better the second trial is, in standard deviations of skill."""
    luck: float = 0.5
    """Standard deviation of what a single trial adds to the surgeon's skill."""
    threshold: float = -0.4
    """Control (skill, coaching and luck) above which the bleeding is stopped in time: sets the share of successes."""
    veil: float = 0.5
    """Standard deviation of the noise between control and what is seen of it: hides the outcome in the first 60 s."""
    growth: float = 0.011
    """Growth of the pool at a shown control of 0, in shares of the remaining field a second."""
    growth_slope: float = 0.5
    """How strongly the shown control slows the growth: exponent for one unit of it."""
    fullest: float = 0.88
    """Share of the field that the pool tends to without haemostasis."""
    flicker: float = 0.07
    """Standard deviation of the slow random change of the pool's area, relative."""
    slowest_stop: float = 104.0
    """Mean time to haemostasis at the threshold, in seconds."""
    stop_slope: float = 25.0
    """Seconds by which one unit of control brings haemostasis forward."""
    stop_noise: float = 7.0
    """Standard deviation of the time to haemostasis, in seconds."""
    rebleeds: float = 0.06
    """Share of the haemostases judged failed for a rebleeding after the recording: visible nowhere."""
    runs_on: float = 0.04
    """Share of the haemostases whose recording runs on to the limit: long though good."""


TUNING = Tuning()
FRAME_SIZES = ((640, 360), (480, 270))
DRY = 0.02
"""Share of the field that stays wet when the bleeding has stopped."""
STOPPED = 0.05
"""Share of the field below which the bleeding counts as stopped."""
MILLILITRES = 0.17
"""Blood lost a second for each per cent of the field that is under blood."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial before it is drawn."""

    trial_id: str
    participant_id: str
    seed: tuple[int, int, int]
    """Seed of the demo, index of the surgeon, number of the trial."""
    width: int
    height: int
    shown: float
    """The surgeon's control as far as the pool and the tools show it."""
    site: tuple[float, float]
    """Where the vessel bleeds."""
    frames: int
    """Length of the recording: one frame a second."""
    area: FloatArray
    """Share of the visible field under blood, one value a second up to the limit, recorded or not."""
    stopped: float | None
    """Time of haemostasis; None when the bleeding goes on."""
    cottonoid: float | None
    muscle: float | None
    """Times at which cottonoid and muscle are first placed; None when that never happens."""
    cottonoid_success: bool
    success: bool
    blood_loss: float
    """Millilitres."""

    @property
    def tth(self) -> float:
        """Time to haemostasis as it is reported: the limit for a failure."""
        return self.stopped if self.success and self.stopped is not None else float(TUNING.limit)

    def rng(self, stream: Stream) -> np.random.Generator:
        """Random numbers of this trial alone, the same however many other trials there are."""
        return np.random.default_rng((*self.seed, stream))


def participant_ids(surgeons: int) -> list[str]:
    """Ids from 101 on; every tenth holds a letter, as some do in SOCAL."""
    return [f"A{index + 9}" if index % 10 == 3 else str(101 + index) for index in range(surgeons)]


def simulate_trials(surgeons: int, seed: int) -> list[Trial]:
    """Two trials a surgeon, in the order of surgeons and trials.

    Skill is normal, drawn in equal strata so that the share of successes hardly depends on the seed.
    """
    rng = np.random.default_rng((seed, surgeons))
    strata = (rng.permutation(surgeons) + rng.uniform(0.05, 0.95, surgeons)) / surgeons
    skills = [NormalDist().inv_cdf(float(stratum)) for stratum in strata]
    trials = []
    for index, participant_id in enumerate(participant_ids(surgeons)):
        # One trial of each size, in random order: the size says nothing of the outcome.
        large_first = int(rng.integers(2))
        for number in (1, 2):
            size = FRAME_SIZES[(number + large_first) % 2]
            trials.append(_simulate_trial(participant_id, (seed, index, number), skills[index], size))
    return _with_fate(trials, rng)


def _with_fate(trials: list[Trial], rng: np.random.Generator) -> list[Trial]:
    """The trials with some outcomes and lengths changed by chance alone: no reader of the video can be perfect."""
    trials = list(trials)
    stopped = [index for index, trial in enumerate(trials) if trial.stopped is not None]
    order = rng.permutation(stopped).tolist()
    rebleeds, runs_on = (round(share * len(stopped)) for share in (TUNING.rebleeds, TUNING.runs_on))
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
    """When the cottonoid and the muscle first lie at the vessel."""
    if stopped is not None:
        muscle = round(stopped - float(rng.uniform(11, 16)), 1)
        return round(float(rng.uniform(0.25, 0.6)) * muscle, 1), muscle
    cottonoid = round(float(np.clip(rng.normal(38 - 6 * shown, 10), 12, 80)), 1)
    late = round(float(rng.uniform(cottonoid + 12, 112)), 1)
    return (cottonoid if rng.uniform() < 0.85 else None), (late if rng.uniform() < 0.5 else None)


def _pool(
    rng: np.random.Generator,
    shown: float,
    cottonoid: float | None,
    muscle: float | None,
    stopped: float | None,
) -> FloatArray:
    """Share of the field under blood for every second up to the limit."""
    speed = TUNING.growth * np.exp(-TUNING.growth_slope * shown)
    start = rng.uniform(2, 5)  # the vessel is cut before the recording starts
    area = np.empty(TUNING.limit)
    level = TUNING.fullest * (1 - np.exp(-speed * start))
    decay = 0.0
    for second in range(TUNING.limit):
        if stopped is not None and muscle is not None and second >= muscle:
            # Under the muscle the pool is sucked dry: just below STOPPED at the time of haemostasis.
            decay = decay or np.log(max(level, 2 * STOPPED) / (STOPPED - DRY)) / max(stopped - muscle, 1)
            level = DRY + (level - DRY) * np.exp(-decay)
        else:
            pressed = 0.75 if cottonoid is not None and second >= cottonoid else 1.0
            slips = 0.9 if muscle is not None and 0 <= second - muscle < 3 else 1.0  # a patch that does not hold
            level = (level + speed * pressed * (TUNING.fullest - level)) * slips
        area[second] = level
    flicker = smooth_noise(rng, TUNING.limit, pull=0.15)
    return np.clip(area * np.exp(TUNING.flicker * flicker), 0.01, 0.95)


def smooth_noise(rng: np.random.Generator, length: int, pull: float) -> FloatArray:
    """A random walk that is pulled back to 0 (AR(1)), of variance 1; a stronger pull forgets faster."""
    steps = rng.normal(size=length)
    values = np.empty(length)
    keep = 1 - pull
    value = steps[0]
    for index, step in enumerate(steps):
        value = keep * value + np.sqrt(1 - keep**2) * step
        values[index] = value
    return values
