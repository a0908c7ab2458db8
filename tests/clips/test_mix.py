"""socal_core.clips.mix"""

from typing import Any

import numpy as np
import pytest
import torch

from socal_core.clips.mix import Mix, apply_mix, mix_of, partner_of
from socal_core.settings import TINY, AugmentationSettings, config_from

SIZE = 32
SEEDS = range(1000)


def settings(**values: Any) -> AugmentationSettings:
    return config_from(values, TINY).augmentation


def batch(clips: int = 5) -> torch.Tensor:
    return torch.rand(clips, 3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(clips))


def partners(clips: torch.Tensor) -> torch.Tensor:
    return clips[[partner_of(i, len(clips)) for i in range(len(clips))]]


def mixes(**values: Any) -> list[Mix]:
    found = [mix_of(settings(**values), 4, SIZE, seed) for seed in SEEDS]
    return [mix for mix in found if mix is not None]


@pytest.mark.parametrize(
    ("values", "clips", "mixed"),
    [
        ({}, 8, False),
        ({"mixup": 0.8}, 1, False),
        ({"cutmix": 1.0}, 1, False),
        ({"mixup": 0.8}, 2, True),
        ({"cutmix": 1.0}, 2, True),
    ],
)
def test_clips_are_mixed_if_a_method_is_on_and_they_have_partners(
    values: dict[str, float], clips: int, mixed: bool
) -> None:
    assert (mix_of(settings(**values), clips, SIZE, 1) is not None) == mixed


@pytest.mark.parametrize("clips", range(1, 7))
def test_partners_are_each_others(clips: int) -> None:
    pairs = [partner_of(i, clips) for i in range(clips)]
    assert sorted(pairs) == list(range(clips))
    assert [pairs[partner] for partner in pairs] == list(range(clips))
    assert [i for i in range(clips) if pairs[i] == i] == ([clips // 2] if clips % 2 else [])


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.2, 0.8, 1.0, 4.0])
def test_mixup_weights_follow_the_beta_distribution(alpha: float) -> None:
    weights = np.array([mix.lam for mix in mixes(mixup=alpha)])
    assert len(weights) == len(SEEDS)
    assert weights.min() >= 0 and weights.max() <= 1
    assert weights.mean() == pytest.approx(0.5, abs=0.04)
    assert weights.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.15)
    assert all(mix.box is None for mix in mixes(mixup=alpha))


def test_cutmix_boxes_lie_inside_and_their_area_is_the_partners_weight() -> None:
    found = mixes(cutmix=1.0)
    for mix in found:
        assert mix.box is not None
        top, left, bottom, right = mix.box
        assert 0 <= top <= bottom <= SIZE and 0 <= left <= right <= SIZE
        inside = np.zeros((SIZE, SIZE), dtype=bool)
        inside[top:bottom, left:right] = True
        assert mix.lam == pytest.approx(1 - inside.mean())
    # Boxes are clipped at the edges. With a uniform weight (alpha 1) the mean area follows by quadrature: an edge of
    # length s around a uniform centre keeps s - s²/4 on average in each direction.
    edges = np.sqrt(np.linspace(0, 1, 100_001))
    area = np.mean((edges - edges**2 / 4) ** 2)
    assert np.mean([1 - mix.lam for mix in found]) == pytest.approx(area, abs=0.03)
    centres = np.array([(mix.box[0] + mix.box[2], mix.box[1] + mix.box[3]) for mix in found if mix.box]) / 2
    assert centres.mean(0) == pytest.approx([SIZE / 2, SIZE / 2], abs=1)


def test_with_both_on_each_is_chosen_half_of_the_time() -> None:
    both = mixes(mixup=0.8, cutmix=1.0)
    assert np.mean([mix.box is None for mix in both]) == pytest.approx(0.5, abs=0.05)


def test_the_seed_alone_determines_the_mix() -> None:
    config = settings(mixup=0.8, cutmix=1.0)
    torch.manual_seed(1)
    np.random.seed(1)
    first = mix_of(config, 4, SIZE, 5)
    after = torch.rand(1), np.random.rand()
    torch.manual_seed(1)
    np.random.seed(1)
    assert (torch.rand(1), np.random.rand()) == after, "a global generator was touched"
    assert first == mix_of(config, 7, SIZE, 5)
    assert first != mix_of(config, 4, SIZE, 6)


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_mixup_is_the_weighted_sum(lam: float) -> None:
    clips = batch()
    mixed = apply_mix(clips, partners(clips), Mix(lam, None))
    own, other = clips.numpy().astype(float), clips.numpy()[::-1].astype(float)
    np.testing.assert_allclose(mixed.numpy(), lam * own + (1 - lam) * other, atol=1e-6)
    assert torch.equal(mixed[2], clips[2]), "the middle of an odd batch mixes with itself"


def test_cutmix_copies_the_partners_rectangle_into_every_frame() -> None:
    clips = batch()
    mixed = apply_mix(clips, partners(clips), Mix(0.5, (3, 5, 20, 30)))
    expected = clips.numpy().copy()
    expected[:, :, :, 3:20, 5:30] = clips.numpy()[::-1, :, :, 3:20, 5:30]
    assert np.array_equal(mixed.numpy(), expected)
    assert torch.equal(mixed[2], clips[2])


@pytest.mark.parametrize("mix", [Mix(0.3, None), Mix(0.5, (3, 5, 20, 30))], ids=["mixup", "cutmix"])
def test_the_input_is_unchanged_and_a_part_of_a_batch_gives_the_same_result(mix: Mix) -> None:
    clips = batch(6)
    mixed = apply_mix(clips, partners(clips), mix)
    assert torch.equal(clips, batch(6))
    assert torch.equal(apply_mix(clips[1::2], partners(clips)[1::2], mix), mixed[1::2])


def test_clips_and_partners_of_different_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="same shape"):
        apply_mix(batch(4), batch(3), Mix(0.5, None))
