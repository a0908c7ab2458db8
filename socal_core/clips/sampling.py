"""Choose the frames of clips and the order of the trials in an epoch, with pure functions.

`available` is always the number of frames in the window. The results are positions 0 … available - 1 among them, each
clip in temporal order. The functions raise ValueError if a number that must be at least 1 is not.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from socal_core.settings import ClipSettings, SamplingMethod

Positions = NDArray[np.int64]


def training_positions(available: int, settings: ClipSettings, seed: int) -> Positions:
    """Sample the clip of one trial for one epoch, by the run's sampling method; shape (num_frames,).

    Args:
        available: Number of frames in the window.
        settings: The sampling method and its parameters.
        seed: From `derive_seed`, of the run's seed, the epoch and the trial. `uniform` does not use it.
    """
    match settings.sampling:
        case SamplingMethod.UNIFORM:
            return uniform(available, settings.num_frames)
        case SamplingMethod.SEGMENTS:
            return segments(available, settings.num_frames, seed)
        case SamplingMethod.DENSE:
            return dense(available, settings.num_frames, settings.stride, seed)


def evaluation_positions(available: int, settings: ClipSettings) -> Positions:
    """Return the clips of one trial in validation and test, which are not random; shape (test_clips, num_frames)."""
    if settings.sampling is SamplingMethod.DENSE:
        return multi(available, settings.num_frames, settings.test_clips, settings.stride)
    if settings.test_clips == 1:
        return uniform(available, settings.num_frames)[None]
    return multi(available, settings.num_frames, settings.test_clips)


def uniform(available: int, num_frames: int) -> Positions:
    """Sample evenly spaced frames, the first and last included; shape (num_frames,).

    If the window has fewer frames than the clip needs, frames repeat evenly by the same rule.
    """
    _check(available=available, num_frames=num_frames)
    return np.linspace(0, available - 1, num_frames).round().astype(np.int64)


def segments(available: int, num_frames: int, seed: int) -> Positions:
    """Sample one random frame from each of num_frames equal parts of the window; shape (num_frames,).

    This is the sampling of Temporal Segment Networks (Wang et al., ECCV 2016). If the window has fewer frames than the
    clip needs, a part is shorter than a frame, and neighbouring parts may sample the same frame.
    """
    _check(available=available, num_frames=num_frames)
    times = np.arange(num_frames) + np.random.default_rng(seed).random(num_frames)
    # A random number just under 1 may round up to the end of the last part, beyond the last frame.
    positions: Positions = np.minimum((times * available / num_frames).astype(np.int64), available - 1)
    return positions


def dense(available: int, num_frames: int, stride: int, seed: int) -> Positions:
    """Sample every stride-th frame from a random start, among all starts that fit; shape (num_frames,).

    If the window is too short for the stride, the clip starts at 0 and the last frame repeats, as in VideoMAE's own
    loader for Kinetics.
    """
    latest = _latest_start(available, num_frames, stride)
    start = np.random.default_rng(seed).integers(latest, size=1, endpoint=True)
    return _every(stride, start, available, num_frames).reshape(num_frames)


def multi(available: int, num_frames: int, clips: int, stride: int | None = None) -> Positions:
    """Return several clips of one trial for testing, which are not random; shape (clips, num_frames).

    Without a stride, the window is divided into num_frames equal parts, and clip j takes the frame at (j + 0.5) / clips
    of each part. With a stride, the clips are dense. Their starts are evenly spaced from the first to the last that
    fits; a single clip starts in the middle.
    """
    _check(clips=clips)
    if stride is not None:
        latest = _latest_start(available, num_frames, stride)
        starts = np.linspace(0, latest, clips).round() if clips > 1 else np.array([latest // 2])
        return _every(stride, starts, available, num_frames)
    _check(available=available, num_frames=num_frames)
    part, clip = np.arange(num_frames), np.arange(clips)[:, None]
    # floor((part + (clip + 0.5) / clips) * available / num_frames), in integers to avoid rounding errors.
    return (2 * (part * clips + clip) + 1) * available // (2 * clips * num_frames)


def _latest_start(available: int, num_frames: int, stride: int) -> int:
    """Return the last position at which a dense clip can start and still end in the window; 0 if none fits."""
    _check(available=available, num_frames=num_frames, stride=stride)
    return max(available - 1 - (num_frames - 1) * stride, 0)


def _every(stride: int, starts: NDArray[np.generic], available: int, num_frames: int) -> Positions:
    """Return dense clips from these starts, (starts, num_frames). The last frame repeats where the window ends."""
    steps = np.arange(num_frames) * stride
    positions: Positions = np.minimum(starts.astype(np.int64)[:, None] + steps, available - 1)
    return positions


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")


def derive_seed(*parts: object) -> int:
    """Derive a seed from its purpose.

    The seed depends on nothing else, so a resumed run and any number of threads or processes sample the same values.

    Args:
        parts: What the seed is for, such as (seed, epoch, trial_id).

    Returns:
        0 … 2^63 - 1.
    """
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def epoch_batches(trial_ids: Sequence[str], batch_size: int, seed: int, epoch: int) -> list[list[str]]:
    """Return the batches of one epoch: all trials in a random order, which (seed, epoch) determine.

    The last batch may be smaller.
    """
    order = np.random.default_rng(derive_seed(seed, epoch, "order")).permutation(len(trial_ids))
    shuffled = [trial_ids[i] for i in order]
    return [shuffled[i : i + batch_size] for i in range(0, len(shuffled), batch_size)]
