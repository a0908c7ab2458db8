"""socal_core.pretraining.pretrain_settings and pretrain_objective: the learning rate and the masks."""

import math

import pytest
import torch

from socal_core.errors import ConfigError
from socal_core.pretraining.pretrain_objective import sample_masks
from socal_core.pretraining.pretrain_settings import PretrainSettings


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 5e-5), (4, 2.5e-4), (9, 5e-4), (10, 5e-4), (105, 2.5e-4), (199, 2.5e-4 * (1 - math.cos(math.pi / 190)))],
)
def test_the_learning_rate_rises_and_follows_a_cosine(step: int, rate: float) -> None:
    # 200 steps: 10 of warm-up, then half a cosine over 190.
    assert PretrainSettings(steps=200).rate_at(step) == pytest.approx(rate)


@pytest.mark.parametrize(("batch", "rate"), [(8, 2.5e-4), (32, 5e-4), (128, 1e-3), (512, 1e-3)])
def test_larger_batches_have_a_higher_learning_rate(batch: int, rate: float) -> None:
    assert PretrainSettings(batch_size=batch).learning_rate == pytest.approx(rate)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_learning_rate_of_very_short_runs(steps: int) -> None:
    settings = PretrainSettings(steps=steps)
    assert all(0 < settings.rate_at(step) <= 5e-4 for step in range(steps))


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("steps", 0, "at least 1"),
        ("batch_size", 0, "at least 1"),
        ("seed", -1, "at least 0"),
        ("seed", 2**31, "at most 2147483647"),
        ("frames", 5, "must be a multiple of 2"),
        ("pool_clips", 0, "at least 1"),
        ("scaling_clips", 1, "at least 2"),
        ("held_out_clips", 1, "at least 2"),
    ],
)
def test_impossible_settings_are_refused(name: str, value: int, rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        PretrainSettings(**{name: value})  # type: ignore[arg-type]


def test_masks_cover_the_same_three_quarters_of_the_patches_at_all_times() -> None:
    masks = sample_masks(5, 8, 36, torch.Generator().manual_seed(0), 0.75).view(5, 8, 36)
    assert masks.dtype == torch.bool
    assert (masks.sum(2) == 27).all()
    assert (masks == masks[:, :1]).all()
    assert len({tuple(clip[0].tolist()) for clip in masks}) == 5
