"""Which frames of a trial make its clips, and in which order an epoch goes through the trials: pure functions.

Everywhere `available` is the number of frames in the window, and the result holds positions 0 … available - 1 among
them, each clip in the order of time. ValueError when a number that must be at least 1 is not.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from socal_core.runs.config import SamplingMethod, TrainConfig

Positions = NDArray[np.int64]


def training_positions(available: int, config: TrainConfig, seed: int) -> Positions:
    """The clip of one trial for one epoch, by the run's way of sampling; shape (num_frames,).

    seed: from `draw_seed`, of the run's seed, the epoch and the trial; `uniform` has no chance in it.
    """
    match config.sampling:
        case SamplingMethod.UNIFORM:
            return uniform(available, config.num_frames)
        case SamplingMethod.SEGMENTS:
            return segments(available, config.num_frames, seed)
        case SamplingMethod.DENSE:
            return dense(available, config.num_frames, config.stride, seed)


def evaluation_positions(available: int, config: TrainConfig) -> Positions:
    """The clips of one trial in validation and test, free of chance; shape (test_clips, num_frames)."""
    if config.sampling is SamplingMethod.DENSE:
        return multi(available, config.num_frames, config.test_clips, config.stride)
    if config.test_clips == 1:
        return uniform(available, config.num_frames)[None]
    return multi(available, config.num_frames, config.test_clips)


def uniform(available: int, num_frames: int) -> Positions:
    """Evenly spread, first and last included; shape (num_frames,).

    With fewer frames than the clip needs, frames repeat evenly: the same rule, and no chance in it.
    """
    _check(available=available, num_frames=num_frames)
    return np.linspace(0, available - 1, num_frames).round().astype(np.int64)


def segments(available: int, num_frames: int, seed: int) -> Positions:
    """One frame drawn from each of num_frames equal parts; shape (num_frames,).

    The training clips of Temporal Segment Networks (Wang et al., ECCV 2016). With fewer frames than the clip needs,
    a part is less than a frame long and neighbouring parts may draw the same one.
    """
    _check(available=available, num_frames=num_frames)
    places = np.arange(num_frames) + np.random.default_rng(seed).random(num_frames)
    # A draw just under 1 may round up to the end of the last part, behind the last frame.
    positions: Positions = np.minimum((places * available / num_frames).astype(np.int64), available - 1)
    return positions


def dense(available: int, num_frames: int, stride: int, seed: int) -> Positions:
    """Every stride-th frame from a start drawn from all that fit; shape (num_frames,).

    In a window too short for the stride the clip starts at 0 and the last frame repeats, as in VideoMAE's own loader
    for Kinetics.
    """
    latest = _latest_start(available, num_frames, stride)
    start = np.random.default_rng(seed).integers(latest, size=1, endpoint=True)
    return _every(stride, start, available, num_frames).reshape(num_frames)


def multi(available: int, num_frames: int, clips: int, stride: int | None = None) -> Positions:
    """Several clips of one trial for testing, free of chance; shape (clips, num_frames).

    Without a stride the clips share out each of num_frames equal parts: clip j takes the frame at (j + 0.5) / clips of
    it. With one they are dense clips whose starts are evenly spaced from the first to the last that fits; a single
    clip starts in the middle of them.
    """
    _check(clips=clips)
    if stride is not None:
        latest = _latest_start(available, num_frames, stride)
        starts = np.linspace(0, latest, clips).round() if clips > 1 else np.array([latest // 2])
        return _every(stride, starts, available, num_frames)
    _check(available=available, num_frames=num_frames)
    part, clip = np.arange(num_frames), np.arange(clips)[:, None]
    # floor((part + (clip + 0.5) / clips) * available / num_frames), in whole numbers and so free of rounding.
    return (2 * (part * clips + clip) + 1) * available // (2 * clips * num_frames)


def _latest_start(available: int, num_frames: int, stride: int) -> int:
    """The last position at which a dense clip can start and still end in the window; 0 when none fits."""
    _check(available=available, num_frames=num_frames, stride=stride)
    return max(available - 1 - (num_frames - 1) * stride, 0)


def _every(stride: int, starts: NDArray[np.generic], available: int, num_frames: int) -> Positions:
    """Dense clips from these starts, (starts, num_frames); behind the last frame it repeats."""
    steps = np.arange(num_frames) * stride
    positions: Positions = np.minimum(starts.astype(np.int64)[:, None] + steps, available - 1)
    return positions


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")


def draw_seed(*parts: object) -> int:
    """A seed for one random draw, fixed by what it is for, such as (seed, epoch, trial_id); 0 … 2^63 - 1.

    Chance that depends on nothing else makes a resumed run, and any number of workers, draw the same.
    """
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def epoch_batches(trial_ids: Sequence[str], batch_size: int, seed: int, epoch: int) -> list[list[str]]:
    """The trials of one epoch in a random order fixed by (seed, epoch), cut into batches; the last may be smaller."""
    order = np.random.default_rng(draw_seed(seed, epoch, "order")).permutation(len(trial_ids))
    shuffled = [trial_ids[i] for i in order]
    return [shuffled[i : i + batch_size] for i in range(0, len(shuffled), batch_size)]
