"""socal_core.clips.sampling"""

from collections.abc import Callable
from fractions import Fraction
from itertools import chain
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from socal_core.clips.sampling import (
    dense,
    derive_seed,
    epoch_batches,
    evaluation_positions,
    multi,
    segments,
    training_positions,
    uniform,
)
from socal_core.settings import ClipSettings, SamplingMethod

AVAILABLE = st.integers(1, 400)
NUM_FRAMES = st.integers(1, 64)
CLIPS = st.integers(1, 20)
STRIDES = st.integers(1, 64)
SEEDS = st.integers(0, 2**63 - 1)
RANDOM_SEEDS = [derive_seed(0, epoch, "S100T1") for epoch in range(4000)]
"""The seeds of one trial over many epochs."""
SURE = 1e-3
"""Significance level of the chi-square tests. The seeds are fixed, so a test fails always or never."""


def config_with(**values: object) -> ClipSettings:
    return ClipSettings(**values)


@pytest.mark.parametrize(
    ("available", "num_frames", "expected"),
    [
        (16, 16, list(range(16))),
        (60, 4, [0, 20, 39, 59]),
        (2, 4, [0, 0, 1, 1]),
        (1, 4, [0, 0, 0, 0]),
        (60, 1, [0]),
        (5, 10, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
    ],
)
def test_uniform(available: int, num_frames: int, expected: list[int]) -> None:
    assert uniform(available, num_frames).tolist() == expected


@pytest.mark.parametrize("available", [1, 3, 15, 46, 60, 300])
def test_uniform_rises_evenly_from_the_first_to_the_last(available: int) -> None:
    positions = uniform(available, 16)
    steps = np.diff(positions)
    assert (positions[0], positions[-1]) == (0, available - 1)
    assert steps.min() >= 0
    assert steps.max() - steps.min() <= 1


@pytest.mark.parametrize(
    ("available", "num_frames", "seed", "expected"),
    [
        (60, 8, 0, [4, 9, 15, 22, 36, 44, 49, 57]),
        (60, 8, 1, [3, 14, 16, 29, 32, 40, 51, 55]),
        (8, 8, 0, list(range(8))),
        (3, 8, 0, [0, 0, 0, 1, 1, 2, 2, 2]),
        (1, 4, 0, [0, 0, 0, 0]),
    ],
)
def test_segments(available: int, num_frames: int, seed: int, expected: list[int]) -> None:
    assert segments(available, num_frames, seed).tolist() == expected


@settings(deadline=None)
@given(available=AVAILABLE, num_frames=NUM_FRAMES, seed=SEEDS)
def test_segments_contains_one_frame_of_each_part(available: int, num_frames: int, seed: int) -> None:
    ends = [Fraction(i * available, num_frames) for i in range(num_frames + 1)]
    positions = segments(available, num_frames, seed)
    assert len(positions) == num_frames
    for position, start, end in zip(positions.tolist(), ends, ends[1:], strict=False):
        assert floor(start) <= position < ceil(end)
    assert (np.diff(positions) >= 0).all()


@pytest.mark.parametrize(("available", "num_frames"), [(60, 4), (10, 4), (3, 5)])
def test_segments_samples_every_frame_of_a_part_equally(available: int, num_frames: int) -> None:
    """A frame is chosen with a probability proportional to the fraction of it that lies in the part."""
    sampled = np.stack([segments(available, num_frames, seed) for seed in RANDOM_SEEDS])
    length = Fraction(available, num_frames)
    for part in range(num_frames):
        start, end = part * length, (part + 1) * length
        inside = range(floor(start), ceil(end))
        fractions = [float((min(p + 1, end) - max(p, start)) / length) for p in inside]
        counts = [np.count_nonzero(sampled[:, part] == p) for p in inside]
        assert sum(counts) == len(RANDOM_SEEDS)
        assert min(counts) > 0
        assert len(counts) == 1 or chisquare(counts, np.array(fractions) * len(RANDOM_SEEDS)).pvalue > SURE


def test_a_random_number_next_to_one_stays_in_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 + (1 - 2^-53) is 16 in floating point, which is beyond the last frame of the last part."""

    class Highest:
        def random(self, size: int) -> np.ndarray:
            return np.full(size, np.nextafter(1.0, 0.0))

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Highest())
    assert segments(60, 16, 0)[-1] == 59


@pytest.mark.parametrize(
    ("available", "num_frames", "stride", "seed", "expected"),
    [
        (60, 4, 4, 0, [40, 44, 48, 52]),
        (60, 4, 4, 1, [22, 26, 30, 34]),
        (60, 4, 1, 2, [47, 48, 49, 50]),
        (13, 4, 4, 0, [0, 4, 8, 12]),
        (12, 4, 4, 0, [0, 4, 8, 11]),
        (6, 4, 4, 0, [0, 4, 5, 5]),
        (1, 4, 4, 0, [0, 0, 0, 0]),
    ],
)
def test_dense(available: int, num_frames: int, stride: int, seed: int, expected: list[int]) -> None:
    assert dense(available, num_frames, stride, seed).tolist() == expected


@settings(deadline=None)
@given(available=AVAILABLE, num_frames=NUM_FRAMES, stride=STRIDES, seed=SEEDS)
def test_dense_keeps_its_stride_as_far_as_there_are_frames(
    available: int, num_frames: int, stride: int, seed: int
) -> None:
    positions = dense(available, num_frames, stride, seed).tolist()
    start = positions[0]
    assert len(positions) == num_frames
    assert 0 <= start < available
    if available > (num_frames - 1) * stride:
        assert positions == list(range(start, start + num_frames * stride, stride))
        assert positions[-1] < available
    else:
        frames = list(range(0, available, stride))
        assert positions == frames + [available - 1] * (num_frames - len(frames))


@pytest.mark.parametrize(("available", "num_frames", "stride"), [(60, 8, 4), (14, 4, 4), (5, 2, 1)])
def test_dense_starts_anywhere_that_fits(available: int, num_frames: int, stride: int) -> None:
    starts = [dense(available, num_frames, stride, seed)[0] for seed in RANDOM_SEEDS]
    counts = np.bincount(starts)
    assert len(counts) == available - (num_frames - 1) * stride
    assert chisquare(counts).pvalue > SURE


@pytest.mark.parametrize(
    ("available", "num_frames", "clips", "stride", "expected"),
    [
        (8, 4, 2, None, [[0, 2, 4, 6], [1, 3, 5, 7]]),
        (60, 4, 1, None, [[7, 22, 37, 52]]),
        (60, 4, 3, None, [[2, 17, 32, 47], [7, 22, 37, 52], [12, 27, 42, 57]]),
        (3, 4, 2, None, [[0, 0, 1, 2], [0, 1, 2, 2]]),
        (60, 4, 1, 4, [[23, 27, 31, 35]]),
        (60, 4, 3, 4, [[0, 4, 8, 12], [24, 28, 32, 36], [47, 51, 55, 59]]),
        (14, 4, 3, 4, [[0, 4, 8, 12], [0, 4, 8, 12], [1, 5, 9, 13]]),
        (10, 4, 2, 4, [[0, 4, 8, 9], [0, 4, 8, 9]]),
    ],
)
def test_multi(available: int, num_frames: int, clips: int, stride: int | None, expected: list[list[int]]) -> None:
    assert multi(available, num_frames, clips, stride).tolist() == expected


@settings(deadline=None)
@given(available=AVAILABLE, num_frames=NUM_FRAMES, clips=CLIPS)
def test_multi_takes_the_frame_at_each_fraction_of_each_part(available: int, num_frames: int, clips: int) -> None:
    fractions = [Fraction(2 * j + 1, 2 * clips) for j in range(clips)]
    expected = [[floor((i + fraction) * available / num_frames) for i in range(num_frames)] for fraction in fractions]
    assert multi(available, num_frames, clips).tolist() == expected


@settings(deadline=None)
@given(num_frames=NUM_FRAMES, clips=CLIPS)
def test_as_many_frames_as_the_clips_need_are_each_seen_once(num_frames: int, clips: int) -> None:
    positions = multi(clips * num_frames, num_frames, clips)
    assert sorted(positions.ravel()) == list(range(clips * num_frames))


@settings(deadline=None)
@given(available=AVAILABLE, num_frames=NUM_FRAMES, clips=CLIPS, stride=STRIDES)
def test_multi_with_a_stride_is_dense_from_the_first_start_to_the_last(
    available: int, num_frames: int, clips: int, stride: int
) -> None:
    positions = multi(available, num_frames, clips, stride)
    starts = positions[:, 0]
    latest = max(available - 1 - (num_frames - 1) * stride, 0)
    steps = np.arange(num_frames) * stride
    np.testing.assert_array_equal(positions, np.minimum(starts[:, None] + steps, available - 1))
    if clips == 1:
        assert starts.tolist() == [latest // 2]
    else:
        assert (starts[0], starts[-1]) == (0, latest)
        assert np.ptp(np.diff(starts)) <= 1


@settings(deadline=None)
@given(available=AVAILABLE, seed=SEEDS, other=SEEDS)
def test_training_clips_follow_the_sampling_method(available: int, seed: int, other: int) -> None:
    clips = {
        sampling: training_positions(available, config_with(sampling=sampling, num_frames=8, stride=3), seed).tolist()
        for sampling in SamplingMethod
    }
    assert clips == {
        "uniform": uniform(available, 8).tolist(),
        "segments": segments(available, 8, seed).tolist(),
        "dense": dense(available, 8, 3, seed).tolist(),
    }
    assert training_positions(available, config_with(num_frames=8), other).tolist() == clips["uniform"]


@pytest.mark.parametrize("sample", [lambda seed: segments(300, 16, seed), lambda seed: dense(300, 16, 4, seed)])
def test_each_seed_gives_a_different_clip(sample: Callable[[int], np.ndarray]) -> None:
    seeds = [derive_seed(seed, epoch, trial) for seed in range(2) for epoch in range(2) for trial in ("S1T1", "S1T2")]
    first, second = ([sample(seed).tolist() for seed in seeds] for _ in range(2))
    assert first == second
    assert len({tuple(clip) for clip in first}) == len(seeds)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"sampling": "uniform"}, [[0, 20, 39, 59]]),
        ({"sampling": "segments"}, [[0, 20, 39, 59]]),
        ({"sampling": "uniform", "test_clips": 2}, [[3, 18, 33, 48], [11, 26, 41, 56]]),
        ({"sampling": "segments", "test_clips": 2}, [[3, 18, 33, 48], [11, 26, 41, 56]]),
        ({"sampling": "dense"}, [[23, 27, 31, 35]]),
        ({"sampling": "dense", "stride": 2, "test_clips": 2}, [[0, 2, 4, 6], [53, 55, 57, 59]]),
    ],
)
def test_evaluation_clips(values: dict[str, object], expected: list[list[int]]) -> None:
    assert evaluation_positions(60, config_with(num_frames=4, **values)).tolist() == expected


@settings(deadline=None)
@given(
    available=AVAILABLE,
    sampling=st.sampled_from(SamplingMethod),
    stride=STRIDES,
    test_clips=CLIPS,
    num_frames=st.integers(1, 64).map(lambda half: 2 * half),
)
def test_every_clip_is_in_range_and_in_order(
    available: int, sampling: SamplingMethod, stride: int, test_clips: int, num_frames: int
) -> None:
    config = config_with(sampling=sampling, stride=stride, test_clips=test_clips, num_frames=num_frames)
    evaluation = evaluation_positions(available, config)
    training = training_positions(available, config, seed=7)
    assert evaluation.shape == (test_clips, num_frames)
    assert training.shape == (num_frames,)
    for positions in (evaluation, training):
        assert positions.dtype == np.int64
        assert 0 <= positions.min() <= positions.max() < available
        assert (np.diff(positions) >= 0).all()


@pytest.mark.parametrize("wrong", [0, -3])
@pytest.mark.parametrize(
    ("sample", "number"),
    [
        (lambda wrong: uniform(wrong, 4), "available"),
        (lambda wrong: uniform(4, wrong), "num_frames"),
        (lambda wrong: segments(wrong, 4, 0), "available"),
        (lambda wrong: segments(4, wrong, 0), "num_frames"),
        (lambda wrong: dense(wrong, 4, 1, 0), "available"),
        (lambda wrong: dense(4, wrong, 1, 0), "num_frames"),
        (lambda wrong: dense(4, 4, wrong, 0), "stride"),
        (lambda wrong: multi(wrong, 4, 2), "available"),
        (lambda wrong: multi(4, wrong, 2), "num_frames"),
        (lambda wrong: multi(4, 4, wrong), "clips"),
        (lambda wrong: multi(4, 4, 2, wrong), "stride"),
    ],
)
def test_numbers_below_one_are_refused(sample: Callable[[int], object], number: str, wrong: int) -> None:
    with pytest.raises(ValueError, match=f"{number} must be at least 1, got {wrong}"):
        sample(wrong)


def test_a_seed_depends_on_each_of_its_parts_and_on_nothing_else() -> None:
    assert derive_seed(0, 1, "S1T1") == derive_seed(0, 1, "S1T1")
    assert len({derive_seed(s, e, t) for s in range(3) for e in range(3) for t in ("a", "b")}) == 18
    assert derive_seed(1, 11, "a") != derive_seed(11, 1, "a")


def test_an_epoch_contains_every_trial_once_in_its_own_order() -> None:
    trials = [f"T{i}" for i in range(10)]
    first, second = epoch_batches(trials, 4, seed=0, epoch=1), epoch_batches(trials, 4, seed=0, epoch=2)
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert sorted(chain(*first)) == trials == sorted(chain(*second))
    assert first != second
    assert first == epoch_batches(trials, 4, seed=0, epoch=1)
    assert first != epoch_batches(trials, 4, seed=1, epoch=1)
