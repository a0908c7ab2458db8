"""What happens in a trial of the set `field`, second by second.

Positions are in units of about the radius of the view, from its middle; x to the right, y down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.field_noise import paths, series, spread
from benchmarks.transfer.trial import FloatArray, Trial

SLIP = 6
"""Seconds for which the muscle patch comes off when it slips."""
NEVER = 999.0
"""Stands for the second of something that does not happen."""
SHOWN = 60
"""Seconds in which everything that counts happens."""
BREAK = 5
"""Seconds for which the suction is out of view when it is exchanged."""
SOILING, CLEANING = 6, 2
"""Seconds in which blood collects on the lens, and seconds for which the endoscope is then out."""
CARRIED = 4
"""Seconds for which a patch or a pad is on its way in or out."""
OUTSIDE = 1.7

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Hand:
    """Where the tip of a tool is in each second, (seconds, 2), and whence the tool comes, in radians."""

    tip: FloatArray
    inside: BoolArray
    heading: FloatArray


@dataclass(frozen=True, eq=False)
class Plan:
    """The course of a trial."""

    source: FloatArray
    """Where it bleeds, (2,)."""
    level: FloatArray
    """Share of the field under blood."""
    jet: FloatArray
    """Strength of the fresh bleeding, about 0 to 1."""
    smear: FloatArray
    """Blood on the lens, 0 to 1."""
    away: BoolArray
    """Whether the endoscope is out."""
    patch: FloatArray
    """Middle of the muscle patch, (seconds, 2); NaN while it is out of view."""
    pads: tuple[FloatArray, ...]
    """The same for each cotton pad."""
    suction: Hand
    grasper: Hand

    @classmethod
    def draw(cls, rng: np.random.Generator, trial: Trial) -> "Plan":
        """Draw a course that shows the latent variables of a trial."""
        source = rng.uniform(-0.16, 0.16, 2)
        smear, away = _lens(rng, trial)
        slips = _slips(rng, trial)
        side = rng.uniform(0, 2 * np.pi)
        patch = _patch(rng, trial, source, slips, side)
        pads = [_pad(rng, trial.frames, source) for _ in range(rng.integers(0, 3))]
        return cls(
            source=source,
            level=_level(rng, trial),
            jet=_jet(rng, trial),
            smear=smear,
            away=away,
            patch=patch,
            pads=tuple(pads),
            suction=_suction(rng, trial, source, side + rng.uniform(2.2, 4.1)),
            grasper=_grasper(rng, trial, [patch, *pads], slips, side),
        )


def _level(rng: np.random.Generator, trial: Trial) -> FloatArray:
    seconds = np.arange(trial.frames)
    before = rng.uniform(0.35, 0.55) * (1 - np.exp(-(seconds + 2) / rng.uniform(3, 9)))
    turn = min(trial.latents["controlled"], 38) + rng.uniform(0, 4)
    share = 1 / (1 + np.exp(-(seconds - turn - 3) / 1.8))
    level = before + share * (trial.latents["flooded"] - before)
    return np.asarray(np.clip(level * np.exp(0.12 * series(rng, trial.frames, 3)), 0.03, 0.85))


def _jet(rng: np.random.Generator, trial: Trial) -> FloatArray:
    seconds = np.arange(trial.frames)
    running = np.clip((trial.latents["controlled"] - seconds) / 2 + 0.5, 0, 1)
    pulse = 1 + 0.22 * np.sin(rng.uniform(0, 6) + seconds * rng.uniform(1.6, 2.8))
    return np.asarray(running * pulse * rng.uniform(0.85, 1.15))


def _lens(rng: np.random.Generator, trial: Trial) -> tuple[FloatArray, BoolArray]:
    smear = np.zeros(trial.frames)
    away = np.zeros(trial.frames, dtype=np.bool_)
    length = SOILING + CLEANING
    for start in spread(rng, int(trial.latents["cleanings"]), 2, SHOWN - 1, length):
        soiled = smear[start : start + SOILING]
        soiled[:] = (np.arange(len(soiled)) + 1.5) / (SOILING + 0.5)
        away[start + SOILING : start + length] = True
    return smear, away


def _slips(rng: np.random.Generator, trial: Trial) -> BoolArray:
    """Draw when the patch is off the source after it has been placed."""
    off = np.zeros(trial.frames, dtype=np.bool_)
    for start in spread(rng, int(trial.latents["slips"]), trial.latents["patched"] + 3, SHOWN, SLIP + 1):
        off[start : start + SLIP] = True
    return off


def _patch(rng: np.random.Generator, trial: Trial, source: FloatArray, slips: BoolArray, side: float) -> FloatArray:
    placed = trial.latents["patched"]
    seconds = np.arange(trial.frames)
    places = source + 0.03 * paths(rng, trial.frames, 4)
    turn = side + rng.uniform(-0.8, 0.8)
    places[slips] += rng.uniform(0.48, 0.6) * np.array([np.cos(turn), np.sin(turn)])
    entry = 1.1 * np.array([np.cos(side), np.sin(side)])
    way = np.clip((seconds - placed + CARRIED) / CARRIED, 0, 1)[:, None]
    places = entry + way * (places - entry)
    places[seconds < placed - CARRIED] = np.nan
    return places


def _pad(rng: np.random.Generator, frames: int, source: FloatArray) -> FloatArray:
    """Draw the course of a cotton pad that is brought, lies beside the source, and is taken away, whatever happens."""
    seconds = np.arange(frames)
    start = rng.uniform(-5, 50)
    end = start + rng.uniform(8, 35)
    turn, way_in = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)
    rest = source + rng.uniform(0.42, 0.75) * np.array([np.cos(turn), np.sin(turn)])
    entry = 1.1 * np.array([np.cos(way_in), np.sin(way_in)])
    share = np.minimum((seconds - start) / CARRIED, (end - seconds) / CARRIED)
    places = entry + np.clip(share, 0, 1)[:, None] * (rest - entry)
    places[share <= 0] = np.nan
    return places


def _suction(rng: np.random.Generator, trial: Trial, source: FloatArray, side: float) -> Hand:
    inside = np.arange(trial.frames) >= rng.integers(0, 3)
    for start in spread(rng, int(trial.latents["exchanges"]), 3, SHOWN - 1, BREAK + 2):
        inside[start : start + BREAK] = False
    turn = side + rng.normal(0, 0.4)
    work = source + 0.24 * np.array([np.cos(turn), np.sin(turn)])
    return _hand(rng, inside, work + rng.uniform(0.06, 0.13) * paths(rng, trial.frames, 2), side)


def _grasper(rng: np.random.Generator, trial: Trial, carried: list[FloatArray], slips: BoolArray, side: float) -> Hand:
    """Draw the grasper: it carries patch and pads, holds the patch for a while, and comes in for no reason."""
    frames = trial.frames
    seconds = np.arange(frames)
    target = 0.35 * paths(rng, frames, 6) + 0.3 * np.array([np.cos(side), np.sin(side)])
    inside = np.zeros(frames, dtype=np.bool_)
    for start in rng.uniform(0, SHOWN, rng.integers(1, 5)):
        inside |= (seconds >= start) & (seconds < start + rng.uniform(4, 10))
    for number, places in enumerate(carried):
        seen = ~np.isnan(places[:, 0])
        moved = np.zeros(frames, dtype=np.bool_)
        moved[1:] = np.abs(np.diff(places, axis=0)).max(axis=1) > 0.12
        moved &= seen
        if number == 0:
            placed = trial.latents["patched"]
            moved |= seen & (seconds < placed + rng.uniform(2, 14)) & ~slips
        target[moved] = places[moved]
        inside |= moved
    return _hand(rng, inside, np.clip(target, -0.75, 0.75), side)


def _hand(rng: np.random.Generator, inside: BoolArray, target: FloatArray, side: float) -> Hand:
    """Move a tool to its targets while it is inside; on its first and its last second it is half in."""
    frames = len(inside)
    heading = side + rng.uniform(0.02, 0.12) * series(rng, frames, 5)
    out = OUTSIDE * np.column_stack([np.cos(heading), np.sin(heading)])
    edges = inside & ~(np.roll(inside, 1) & np.roll(inside, -1))
    tip = np.where(edges[:, None], target + 0.35 * (out - target), target)
    return Hand(tip=tip, inside=inside, heading=heading)
