"""socal_core.clips.augment"""

import cmath
import colorsys
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import kornia.enhance
import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from socal_core.clips.augment import Augmentation, apply_changes
from socal_core.clips.clip_change import WHOLE, ClipChange, Operation, Recolour, Step, sample_change
from socal_core.settings import TINY, AugmentationSettings, config_from

OFF: dict[str, Any] = {"horizontal_flip": 0.0, "color_jitter": 0.0, "hue_jitter": 0.0}
ON = {
    "horizontal_flip": 0.5,
    "color_jitter": 0.3,
    "hue_jitter": 0.1,
    "rotation_degrees": 10.0,
    "crop_area": 0.5,
    "random_erasing": 0.5,
    "rand_augment": 7.0,
    "rand_augment_steps": 4,
}
PARTS: list[dict[str, Any]] = [
    {"horizontal_flip": 1.0},
    {"color_jitter": 0.4},
    {"hue_jitter": 0.3},
    {"rotation_degrees": 20.0},
    {"crop_area": 0.4},
    {"random_erasing": 1.0},
    {"rand_augment": 9.0, "rand_augment_steps": 4},
]
SEEDS = range(2000)


def settings(**values: Any) -> AugmentationSettings:
    return config_from({**OFF, **values}, TINY).augmentation


def clip(size: int = 16, frames: int = 4, low: float = 0.0, high: float = 1.0, seed: int = 0) -> torch.Tensor:
    """The same frame several times, (1, frames, 3, size, size): what differs afterwards was sampled per frame."""
    frame = torch.rand(1, 1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    return (low + (high - low) * frame).repeat(1, frames, 1, 1, 1)


def film(clips: int, size: int = 16, frames: int = 3) -> torch.Tensor:
    """Clips whose frames all differ."""
    return torch.rand(clips, frames, 3, size, size, generator=torch.Generator().manual_seed(7))


def pillow(frame: torch.Tensor) -> Image.Image:
    return Image.fromarray((frame * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


@pytest.mark.parametrize("part", PARTS, ids=lambda part: next(iter(part)))
def test_each_part_changes_a_clip_and_all_its_frames_alike(part: dict[str, Any]) -> None:
    before = clip()
    changed = Augmentation(settings(**part))(before, [1])
    assert changed.shape == before.shape
    assert (changed - before).abs().max() > 0.01
    for frame in changed[0, 1:]:
        assert torch.equal(frame, changed[0, 0])
    assert 0 <= changed.min() <= changed.max() <= 1
    assert torch.equal(before, clip()), "the tensor given was written to"


@pytest.mark.parametrize("operation", Operation)
def test_each_operation_changes_all_frames_alike(operation: Operation) -> None:
    changes = (sample_change(settings(rand_augment=8.0, rand_augment_steps=1), seed) for seed in SEEDS)
    before = clip(low=0.2, high=0.7)
    changed = apply_changes(before, [next(change for change in changes if change.steps[0].operation is operation)])
    assert torch.equal(changed, before) == (operation is Operation.IDENTITY)
    assert all(torch.equal(frame, changed[0, 0]) for frame in changed[0])
    assert changed.max() > 0.02, "black"


def test_switched_off_it_changes_nothing() -> None:
    before = film(3)
    assert torch.equal(Augmentation(settings())(before, [1, 2, 3]), film(3))
    assert all(sample_change(settings(), seed) == ClipChange() for seed in SEEDS)


def test_a_flip_mirrors_left_and_right() -> None:
    assert torch.equal(Augmentation(settings(horizontal_flip=1.0))(film(2), [1, 2]), film(2).flip(-1))


def test_a_clip_without_a_change_keeps_its_pixels() -> None:
    changes = [ClipChange(rotation=5.0), ClipChange(), ClipChange(flip=True), ClipChange(jitter=Recolour(1.2))]
    changed = apply_changes(film(4), changes)
    assert torch.equal(changed[1], film(4)[1])
    assert torch.equal(changed[2], film(4)[2].flip(-1))
    torch.testing.assert_close(changed[3], (film(4)[3] * 1.2).clamp(0, 1))


@pytest.mark.parametrize("values", [ON, *PARTS], ids=lambda values: "all" if values is ON else next(iter(values)))
def test_a_clip_is_the_same_alone_and_anywhere_in_a_batch(values: dict[str, Any]) -> None:
    augment, clips = Augmentation(settings(**values)), film(6)
    seeds = [11, 12, 13, 14, 15, 16]
    whole = augment(clips, seeds)
    backwards = augment(clips.flip(0), seeds[::-1]).flip(0)
    alone = torch.cat([augment(clips[i : i + 1], [seed]) for i, seed in enumerate(seeds)])
    assert torch.equal(whole, alone)
    assert torch.equal(whole, backwards)
    assert torch.equal(whole[:2], augment(clips[:2], seeds[:2]))


def test_the_seed_alone_determines_the_change() -> None:
    augment = Augmentation(settings(**ON))
    torch.manual_seed(1)
    np.random.seed(1)
    first = augment(film(1), [5])
    after = torch.rand(1), np.random.rand()
    torch.manual_seed(1)
    np.random.seed(1)
    assert (torch.rand(1), np.random.rand()) == after, "a global generator was touched"
    assert torch.equal(first, augment(film(1), [5]))
    assert not torch.equal(first, augment(film(1), [6]))
    assert sample_change(settings(**ON), 2**63 - 1) != sample_change(settings(**ON), 2**63 - 2)


def test_switching_a_setting_on_does_not_change_the_samples_of_the_others() -> None:
    for seed in range(50):
        everything = sample_change(settings(**ON), seed)
        alone = sample_change(settings(rotation_degrees=10.0), seed)
        assert alone == ClipChange(rotation=everything.rotation)


def test_sampled_changes_use_the_whole_range_of_their_settings() -> None:
    changes = [
        sample_change(settings(**{**ON, "rotation_degrees": 8.0, "horizontal_flip": 0.3}), seed) for seed in SEEDS
    ]
    for values, low, high in [
        ([change.rotation for change in changes], -8, 8),
        ([change.jitter.brightness for change in changes], 0.7, 1.3),
        ([change.jitter.contrast for change in changes], 0.7, 1.3),
        ([change.jitter.saturation for change in changes], 0.7, 1.3),
        ([change.jitter.hue for change in changes], -0.1, 0.1),
    ]:
        assert low <= min(values) < low + 0.02 * (high - low)
        assert high >= max(values) > high - 0.02 * (high - low)
        assert np.mean(values) == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
    assert np.mean([change.flip for change in changes]) == pytest.approx(0.3, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("smallest", [0.05, 0.5, 0.9, 1.0])
def test_a_crop_keeps_at_least_its_area_and_stays_inside(smallest: float) -> None:
    areas = []
    for seed in SEEDS:
        top, left, bottom, right = sample_change(settings(crop_area=smallest), seed).crop
        assert 0 <= top < bottom <= 1 + 1e-12 and 0 <= left < right <= 1 + 1e-12
        assert 3 / 4 - 1e-9 <= (right - left) / (bottom - top) <= 4 / 3 + 1e-9
        areas.append((bottom - top) * (right - left))
    assert smallest - 1e-9 <= min(areas) <= max(areas) <= 1 + 1e-9
    assert np.mean(areas) == pytest.approx((smallest + 1) / 2, abs=0.02)
    assert smallest < 1 or sample_change(settings(crop_area=smallest), 3).crop == WHOLE


@pytest.mark.slow
def test_erasing_takes_its_fraction_of_clips_and_of_the_picture() -> None:
    boxes = [box for seed in SEEDS if (box := sample_change(settings(random_erasing=0.25), seed).erased)]
    assert len(boxes) / len(SEEDS) == pytest.approx(0.25, abs=0.03)
    heights = np.array([bottom - top for top, _, bottom, _ in boxes])
    widths = np.array([right - left for _, left, _, right in boxes])
    areas = heights * widths
    assert 0.02 - 1e-9 <= areas.min() <= areas.max() <= 0.33 + 1e-9
    assert areas.mean() == pytest.approx(0.175, abs=0.02)
    assert 0.3 - 1e-9 <= (widths / heights).min() < 0.4 and 2.7 < (widths / heights).max() <= 3.3 + 1e-9
    assert max(heights.max(), widths.max()) <= 1
    assert min(min(box) for box in boxes) >= 0 and max(max(box) for box in boxes) <= 1 + 1e-12


def test_erasing_paints_the_clips_mean_colour() -> None:
    before = film(1, size=20)
    changed = apply_changes(before, [ClipChange(erased=(0.1, 0.2, 0.5, 0.9))])
    expected = before.clone()
    expected[0, :, :, 2:10, 4:18] = before.mean((0, 1, 3, 4))[:, None, None]
    torch.testing.assert_close(changed, expected)


@pytest.mark.parametrize("seed", range(12))
def test_a_white_clip_gets_no_black_borders(seed: int) -> None:
    values = {**ON, "color_jitter": 0.0, "hue_jitter": 0.0, "rotation_degrees": 180.0, "rand_augment": 0.0}
    changed = Augmentation(settings(**values))(torch.ones(1, 2, 3, 32, 32), [seed])
    assert changed.min() > 0.999


@pytest.mark.parametrize("operation", Operation)
def test_no_operation_makes_a_white_clip_black(operation: Operation) -> None:
    config = settings(rand_augment=10.0, rand_augment_steps=8)
    step = next(step for seed in SEEDS for step in sample_change(config, seed).steps if step.operation is operation)
    changed = apply_changes(torch.ones(1, 2, 3, 32, 32), [ClipChange(steps=(step,))])
    assert changed.min() >= (0.09 if operation is Operation.BRIGHTNESS else 0.94)


@pytest.mark.parametrize(
    ("recolour", "reference"),
    [
        (Recolour(brightness=1.3), lambda frame: kornia.enhance.adjust_brightness_accumulative(frame, 1.3)),
        (Recolour(contrast=0.6), lambda frame: kornia.enhance.adjust_contrast_with_mean_subtraction(frame, 0.6)),
        (Recolour(contrast=1.4), lambda frame: kornia.enhance.adjust_contrast_with_mean_subtraction(frame, 1.4)),
        (Recolour(saturation=0.0), lambda frame: kornia.enhance.adjust_saturation_with_gray_subtraction(frame, 0.0)),
        (Recolour(saturation=1.5), lambda frame: kornia.enhance.adjust_saturation_with_gray_subtraction(frame, 1.5)),
    ],
)
def test_factors_have_the_usual_meaning(recolour: Recolour, reference: Any) -> None:
    before = clip(low=0.1, high=0.8)
    changed = apply_changes(before, [ClipChange(jitter=recolour)])
    torch.testing.assert_close(changed[0], reference(before[0]), atol=1e-4, rtol=0)


def test_the_parts_of_a_jitter_are_applied_in_order() -> None:
    before = clip(low=0.3, high=0.6)
    changed = apply_changes(before, [ClipChange(jitter=Recolour(1.2, 0.8, 1.3, 0.05))])
    for recolour in [Recolour(brightness=1.2), Recolour(contrast=0.8), Recolour(saturation=1.3), Recolour(hue=0.05)]:
        before = apply_changes(before, [ClipChange(jitter=recolour)])
    torch.testing.assert_close(changed, before)


def test_contrast_is_about_the_mean_of_the_clip_and_not_of_a_frame() -> None:
    before = torch.cat([torch.full((1, 1, 3, 8, 8), grey) for grey in (0.2, 0.6)], dim=1)
    changed = apply_changes(before, [ClipChange(jitter=Recolour(contrast=0.5))])
    torch.testing.assert_close(changed.mean((0, 2, 3, 4)), torch.tensor([0.3, 0.5]))


@pytest.mark.parametrize("turn", [-0.45, -0.25, -0.1, 0.0, 0.1, 0.25, 0.45])
def test_hue_turns_in_yiq_the_way_it_turns_in_hsv(turn: float) -> None:
    red = (0.5, 0.35, 0.35)
    pixels = torch.tensor(red).view(1, 1, 3, 1, 1).expand(1, 2, 3, 4, 4)
    colour = apply_changes(pixels, [ClipChange(jitter=Recolour(hue=turn))])[0, 0, :, 0, 0].tolist()
    y, i, q = colorsys.rgb_to_yiq(*red)
    chroma = complex(i, q) * cmath.exp(-2j * math.pi * turn)
    # The standard library rounds the weights of luma to two digits.
    assert colour == pytest.approx(colorsys.yiq_to_rgb(y, chroma.real, chroma.imag), abs=0.01)
    assert np.dot(colour, [0.299, 0.587, 0.114]) == pytest.approx(np.dot(red, [0.299, 0.587, 0.114]), abs=1e-5)
    hue, saturation, value = colorsys.rgb_to_hsv(*red)
    if turn:
        assert np.argsort(colour).tolist() == np.argsort(colorsys.hsv_to_rgb(hue + turn, saturation, value)).tolist()


def test_a_quarter_turn_is_exact() -> None:
    changed = apply_changes(film(1), [ClipChange(rotation=90.0)])
    torch.testing.assert_close(changed, film(1).rot90(1, (-2, -1)), atol=1e-5, rtol=0)


def test_a_crop_is_the_part_enlarged() -> None:
    changed = apply_changes(film(1), [ClipChange(crop=(0.25, 0.5, 0.75, 1.0))])
    part = film(1)[0, :, :, 4:12, 8:16]
    enlarged = torch.nn.functional.interpolate(part, size=16, mode="bilinear", align_corners=False)
    # At its edge the crop continues with the pixels of the picture, the enlarged part with its last ones.
    torch.testing.assert_close(changed[0, ..., 1:-1, 1:-1], enlarged[..., 1:-1, 1:-1], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("step", "axis", "shift"),
    [
        (Step(Operation.TRANSLATE_X, 0.25), -1, 4),
        (Step(Operation.TRANSLATE_X, -0.25), -1, -4),
        (Step(Operation.TRANSLATE_Y, 0.25), -2, 4),
    ],
)
def test_a_move_shows_the_reflection_past_the_edge(step: Step, axis: int, shift: int) -> None:
    changed = apply_changes(film(1), [ClipChange(steps=(step,))])
    margin = [(0, 0)] * 5
    margin[axis] = (4, 4)
    padded = np.pad(film(1).numpy(), margin, mode="symmetric")
    expected = np.take(padded, np.arange(4 - shift, 20 - shift), axis=axis)
    np.testing.assert_allclose(changed.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("operation", [Operation.SHEAR_X, Operation.SHEAR_Y])
def test_a_shear_moves_each_line_in_proportion_to_its_position(operation: Operation) -> None:
    ramp = torch.linspace(0, 1, 33)
    sideways = operation is Operation.SHEAR_X
    before = (ramp if sideways else ramp[:, None]).expand(1, 2, 3, 33, 33)
    changed = apply_changes(before, [ClipChange(steps=(Step(operation, 0.2),))])[0, 0, 0]
    middle = changed[:, 16] if sideways else changed[16]
    torch.testing.assert_close(middle, 0.5 + 0.2 * (torch.arange(33) - 16) / 32, atol=1e-5, rtol=0)


def test_moves_of_one_clip_add_up_in_one_interpolation() -> None:
    there = Step(Operation.TRANSLATE_X, 0.125)
    back = Step(Operation.TRANSLATE_X, -0.125)
    assert torch.equal(apply_changes(film(1), [ClipChange(steps=(there, back))]), film(1))
    turned = apply_changes(film(1), [ClipChange(rotation=30.0, steps=(Step(Operation.ROTATE, 60.0),))])
    torch.testing.assert_close(turned, film(1).rot90(1, (-2, -1)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("step", "reference", "levels"),
    [
        (Step(Operation.AUTO_CONTRAST), ImageOps.autocontrast, 1),
        (Step(Operation.EQUALIZE), ImageOps.equalize, 0),
        (Step(Operation.POSTERIZE, 5.0), lambda image: ImageOps.posterize(image, 5), 0),
        (Step(Operation.SHARPNESS, 1.6), lambda image: ImageEnhance.Sharpness(image).enhance(1.6), 2),
        (Step(Operation.SHARPNESS, 0.4), lambda image: ImageEnhance.Sharpness(image).enhance(0.4), 2),
        (Step(Operation.COLOR, 0.4), lambda image: ImageEnhance.Color(image).enhance(0.4), 2),
        (Step(Operation.CONTRAST, 0.4), lambda image: ImageEnhance.Contrast(image).enhance(0.4), 2),
        (Step(Operation.BRIGHTNESS, 0.4), lambda image: ImageEnhance.Brightness(image).enhance(0.4), 1),
    ],
    ids=lambda value: value.operation.value if isinstance(value, Step) else "",
)
def test_colour_operations_equal_pillows(step: Step, reference: Any, levels: int) -> None:
    # RandAugment is defined by Pillow's operations; a clip of one frame is one picture.
    before = (clip(size=64, frames=1, low=0.1, high=0.7) * 255).round() / 255
    changed = pillow(apply_changes(before, [ClipChange(steps=(step,))])[0, 0])
    expected = reference(pillow(before[0, 0]))
    difference = np.asarray(changed).astype(int) - np.asarray(expected).astype(int)
    assert abs(difference).max() <= levels


@pytest.mark.slow
def test_rand_augment_samples_every_operation_equally_often_and_within_its_magnitude() -> None:
    changes = [sample_change(settings(rand_augment=5.0, rand_augment_steps=3), seed) for seed in SEEDS]
    assert {len(change.steps) for change in changes} == {3}
    steps = [step for change in changes for step in change.steps]
    counts = Counter(step.operation for step in steps)
    assert set(counts) == set(Operation)
    for count in counts.values():
        assert count == pytest.approx(len(steps) / len(Operation), rel=0.2)
    strengths = {name: {step.strength for step in steps if step.operation is name} for name in Operation}
    assert strengths[Operation.ROTATE] == {-15.0, 15.0}
    assert strengths[Operation.SHEAR_X] == strengths[Operation.SHEAR_Y] == {-0.15, 0.15}
    assert strengths[Operation.TRANSLATE_X] == strengths[Operation.TRANSLATE_Y] == {-0.225, 0.225}
    assert strengths[Operation.POSTERIZE] == {6.0}
    assert strengths[Operation.COLOR] == strengths[Operation.SHARPNESS] == {0.55, 1.45}


def test_steps_of_different_length_in_one_batch() -> None:
    step = Step(Operation.BRIGHTNESS, 0.5)
    changes = [ClipChange(steps=(step,)), ClipChange(), ClipChange(steps=(step, step))]
    changed = apply_changes(film(3), changes)
    expected = film(3) * torch.tensor([0.5, 1.0, 0.25]).view(3, 1, 1, 1, 1)
    torch.testing.assert_close(changed, expected)


def test_one_change_per_clip_is_required() -> None:
    with pytest.raises(ValueError, match="got 1 for 2 clips"):
        Augmentation(settings(**ON))(film(2), [1])


def test_a_change_is_a_value() -> None:
    change = sample_change(settings(**ON), 3)
    assert change == sample_change(settings(**ON), 3)
    assert hash(change) == hash(replace(change))
    numbers = [
        change.rotation,
        *change.crop,
        change.jitter.brightness,
        change.jitter.hue,
        *(s.strength for s in change.steps),
    ]
    assert {type(number) for number in numbers} == {float}
    assert type(change.flip) is bool
