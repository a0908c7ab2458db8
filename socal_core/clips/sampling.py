"""Which frames of a trial form its clips, and the order of the trials in an epoch: pure functions.

`available` is always the number of frames in the window. The results are positions 0 … available - 1 among them, each
clip in temporal order. ValueError if a number that must be at least 1 is not.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from socal_core.settings import ClipSettings, SamplingMethod

Positions = NDArray[np.int64]


def training_positions(available: int, settings: ClipSettings, seed: int) -> Positions:
    """Sample the clip of one trial for one epoch, by the run's sampling method; shape (num_frames,).

    seed: from `draw_seed`, of the run's seed, the epoch and the trial; `uniform` is not random.
    """
    match settings.sampling:
        case SamplingMethod.UNIFORM:
            return uniform(available, settings.num_frames)
        case SamplingMethod.SEGMENTS:
            return segments(available, settings.num_frames, seed)
        case SamplingMethod.DENSE:
            return dense(available, settings.num_frames, settings.stride, seed)


def evaluation_positions(available: int, settings: ClipSettings) -> Positions:
    """Return the clips of one trial in validation and test, not random; shape (test_clips, num_frames)."""
    if settings.sampling is SamplingMethod.DENSE:
        return multi(available, settings.num_frames, settings.test_clips, settings.stride)
    if settings.test_clips == 1:
        return uniform(available, settings.num_frames)[None]
    return multi(available, settings.num_frames, settings.test_clips)


def uniform(available: int, num_frames: int) -> Positions:
    """Sample evenly spaced frames, the first and last included; shape (num_frames,).

    With fewer frames than the clip needs, frames repeat evenly, by the same rule.
    """
    _check(available=available, num_frames=num_frames)
    return np.linspace(0, available - 1, num_frames).round().astype(np.int64)


def segments(available: int, num_frames: int, seed: int) -> Positions:
    """Sample one random frame from each of num_frames equal parts; shape (num_frames,).

    The training clips of Temporal Segment Networks (Wang et al., ECCV 2016). With fewer frames than the clip needs,
    a part is shorter than a frame, and neighbouring parts may sample the same one.
    """
    _check(available=available, num_frames=num_frames)
    places = np.arange(num_frames) + np.random.default_rng(seed).random(num_frames)
    # A random number just under 1 may round up to the end of the last part, beyond the last frame.
    positions: Positions = np.minimum((places * available / num_frames).astype(np.int64), available - 1)
    return positions


def dense(available: int, num_frames: int, stride: int, seed: int) -> Positions:
    """Sample every stride-th frame from a random start, of all that fit; shape (num_frames,).

    In a window too short for the stride the clip starts at 0 and the last frame repeats, as in VideoMAE's own loader
    for Kinetics.
    """
    latest = _latest_start(available, num_frames, stride)
    start = np.random.default_rng(seed).integers(latest, size=1, endpoint=True)
    return _every(stride, start, available, num_frames).reshape(num_frames)


def multi(available: int, num_frames: int, clips: int, stride: int | None = None) -> Positions:
    """Return several clips of one trial for testing, not random; shape (clips, num_frames).

    Without a stride, the clips divide each of num_frames equal parts among them: clip j takes the frame at
    (j + 0.5) / clips of the part. With a stride they are dense clips whose starts are evenly spaced from the first to
    the last that fits; a single clip starts in the middle.
    """
    _check(clips=clips)
    if stride is not None:
        latest = _latest_start(available, num_frames, stride)
        starts = np.linspace(0, latest, clips).round() if clips > 1 else np.array([latest // 2])
        return _every(stride, starts, available, num_frames)
    _check(available=available, num_frames=num_frames)
    part, clip = np.arange(num_frames), np.arange(clips)[:, None]
    # floor((part + (clip + 0.5) / clips) * available / num_frames), in integers, so without rounding.
    return (2 * (part * clips + clip) + 1) * available // (2 * clips * num_frames)


def _latest_start(available: int, num_frames: int, stride: int) -> int:
    """The last position at which a dense clip can start and still end in the window; 0 when none fits."""
    _check(available=available, num_frames=num_frames, stride=stride)
    return max(available - 1 - (num_frames - 1) * stride, 0)


def _every(stride: int, starts: NDArray[np.generic], available: int, num_frames: int) -> Positions:
    """Dense clips from these starts, (starts, num_frames); beyond the last frame, it repeats."""
    steps = np.arange(num_frames) * stride
    positions: Positions = np.minimum(starts.astype(np.int64)[:, None] + steps, available - 1)
    return positions


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")


def draw_seed(*parts: object) -> int:
    """Derive a seed from its purpose, such as (seed, epoch, trial_id); 0 … 2^63 - 1.

    It depends on nothing else, so a resumed run and any number of workers sample the same values.
    """
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def epoch_batches(trial_ids: Sequence[str], batch_size: int, seed: int, epoch: int) -> list[list[str]]:
    """The trials of one epoch in a random order fixed by (seed, epoch), cut into batches; the last may be smaller."""
    order = np.random.default_rng(draw_seed(seed, epoch, "order")).permutation(len(trial_ids))
    shuffled = [trial_ids[i] for i in order]
    return [shuffled[i : i + batch_size] for i in range(0, len(shuffled), batch_size)]
