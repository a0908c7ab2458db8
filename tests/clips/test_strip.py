"""socal_core.clips.strip"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from socal_core.clips.augment import Augmentation
from socal_core.clips.clip_change import ClipChange, Operation, Recolour, Step
from socal_core.clips.loader import ClipReader
from socal_core.clips.plan import ClipId
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.sampling import derive_seed
from socal_core.clips.strip import EPOCHS, GAP, READABLE_SIZE, Strip, build_strip, describe_change, side_by_side
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.settings import TINY, TrainConfig, config_from
from socal_core.training.batches import Rank, training_batches

ALONE = Rank(0, 1, torch.device("cpu"))
PREPROCESSOR = Preprocessor.for_size(32)
TRIAL = "S101T2"
OFF = {"horizontal_flip": 0.0, "color_jitter": 0.0, "hue_jitter": 0.0}
STRONG = {
    "color_jitter": 0.6,
    "hue_jitter": 0.2,
    "rotation_degrees": 30.0,
    "crop_area": 0.3,
    "random_erasing": 1.0,
    "rand_augment": 8.0,
}
RANDOM = {"sampling": "segments", "window": "whole"}


def settings(**values: Any) -> TrainConfig:
    return config_from({"recipe": "finetune", "num_frames": 4, "test_clips": 1, "seed": 3, **values}, TINY)


def strip_of(folder: Path, config: TrainConfig, trained: list[str] | None = None) -> Strip:
    return build_strip(open_dataset(folder), config, PREPROCESSOR, TRIAL, trained or [])


def clip_of(folder: Path, config: TrainConfig, clip: ClipId) -> torch.Tensor:
    reader = ClipReader(open_dataset(folder), config, PREPROCESSOR)
    pixels = np.empty((1, *reader.shape), np.uint8)
    reader.read(clip, pixels[0])
    return torch.from_numpy(pixels)


def as_pixels(clips: torch.Tensor) -> np.ndarray:
    """A clip (1, frames, 3, height, width) on a 0-1 scale as bytes (frames, height, width, 3)."""
    return np.moveaxis((255 * clips[0].numpy()).round().astype(np.uint8), 1, -1)


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("values", [{}, STRONG, {**STRONG, **RANDOM}, {"test_clips": 3}, {"num_frames": 8}])
def test_the_first_row_is_the_clip_of_validation_and_test(shared_data_folder: Path, values: dict[str, Any]) -> None:
    config = settings(**values)
    row = strip_of(shared_data_folder, config).rows[0]
    clip = clip_of(shared_data_folder, config, ClipId(TRIAL))
    np.testing.assert_array_equal(row.frames, np.moveaxis(clip[0].numpy(), 1, -1))
    assert ("The first of 3 clips." in row.text) is (config.clip.test_clips == 3)


@pytest.mark.slow
@pytest.mark.parametrize("values", [{}, STRONG, {**STRONG, **RANDOM}, {**OFF, **RANDOM}])
def test_each_epochs_row_is_its_clip_under_its_augmentation(shared_data_folder: Path, values: dict[str, Any]) -> None:
    config = settings(**values)
    strip = strip_of(shared_data_folder, config)
    assert [row.title for row in strip.rows[1:]] == [f"Training, epoch {epoch}" for epoch in EPOCHS]
    for epoch, row in zip(EPOCHS, strip.rows[1:], strict=True):
        clip = clip_of(shared_data_folder, config, ClipId(TRIAL, epoch)).float() / 255
        changed = Augmentation(config.augmentation)(clip, [derive_seed(config.split.seed, epoch, "augment", TRIAL)])
        np.testing.assert_array_equal(row.frames, as_pixels(changed))


@pytest.mark.slow
def test_a_row_shows_what_a_training_step_receives(shared_data_folder: Path) -> None:
    config, dataset = settings(**STRONG, **RANDOM, batch_size=1), open_dataset(shared_data_folder)
    reader = ClipReader(dataset, config, PREPROCESSOR)
    given = training_batches(reader, [TRIAL], {TRIAL: 1}, torch.ones(2), config, 2, ALONE)
    row = strip_of(shared_data_folder, config).rows[2]
    shown = torch.from_numpy(row.frames).permute(0, 3, 1, 2)[None].float() / 255
    torch.testing.assert_close(PREPROCESSOR.normalise(shown), next(given).pixel_values, atol=0.5 / 255 / 0.22, rtol=0)


def test_with_all_off_every_row_is_the_first(shared_data_folder: Path) -> None:
    strip = strip_of(shared_data_folder, settings(**OFF))
    assert len(strip.rows) == 1 + len(EPOCHS)
    for row in strip.rows[1:]:
        np.testing.assert_array_equal(row.frames, strip.rows[0].frames)
        assert row.text == "unchanged, or nearly so."


@pytest.mark.slow
def test_long_clips_are_shown_by_eight_frames_from_first_to_last(shared_data_folder: Path) -> None:
    config = settings(num_frames=12, window="whole", **OFF)
    rows = strip_of(shared_data_folder, config).rows
    clip = clip_of(shared_data_folder, config, ClipId(TRIAL))[0].numpy()
    for row in rows:
        np.testing.assert_array_equal(row.frames, np.moveaxis(clip[[0, 2, 3, 5, 6, 8, 9, 11]], 1, -1))
    assert "At 0, 2, 3, 5, 6, 8, 9, 11 s." in rows[0].text


@pytest.mark.slow
def test_seconds_are_listed_if_frames_are_sampled_at_random(shared_data_folder: Path) -> None:
    config = settings(**RANDOM)
    rows = strip_of(shared_data_folder, config).rows
    assert all(" At " in row.text for row in rows)
    assert len({row.text for row in rows}) == len(rows)
    assert not any(" At " in row.text for row in strip_of(shared_data_folder, settings()).rows[1:])


@pytest.mark.slow
@pytest.mark.parametrize(("values", "word"), [({"mixup": 0.8}, "(mixup)"), ({"cutmix": 1.0}, "(CutMix)")])
def test_the_mixed_row_is_the_clip_that_training_mixes(
    shared_data_folder: Path, values: dict[str, float], word: str
) -> None:
    config, dataset = settings(**values, **STRONG, batch_size=4), open_dataset(shared_data_folder)
    trained = list(dataset.usable_trials.index[:6])
    row = strip_of(shared_data_folder, config, trained).rows[-1]
    assert word in row.text
    epoch = next(epoch for epoch in EPOCHS if row.title == f"Training, epoch {epoch}, mixed")
    partner = next(trial for trial in trained if f" {trial} (" in row.text)
    assert partner != TRIAL
    # Labels that only these two trials have identify their clips in the batches.
    labels = {trial: int(trial == TRIAL) for trial in trained}
    reader = ClipReader(dataset, config, PREPROCESSOR)
    batches = training_batches(reader, trained, labels, torch.ones(2), config, epoch, ALONE)
    batch = next(batch for batch in batches if batch.labels.sum())
    given = batch.pixel_values[batch.labels.bool()]
    shown = torch.from_numpy(row.frames).permute(0, 3, 1, 2)[None].float() / 255
    torch.testing.assert_close(PREPROCESSOR.normalise(shown), given, atol=0.5 / 255 / 0.22, rtol=0)


@pytest.mark.parametrize(("values", "trained"), [({"batch_size": 1}, ["S100T1", TRIAL]), ({}, [TRIAL])])
def test_a_clip_without_a_partner_is_reported(
    shared_data_folder: Path, values: dict[str, Any], trained: list[str]
) -> None:
    strip = strip_of(shared_data_folder, settings(mixup=0.8, **values), trained)
    assert len(strip.rows) == 1 + len(EPOCHS)
    assert strip.notes == (
        f"No mixed clip is shown: in epochs 1 to 3 the batch of {TRIAL} holds no clip to mix it with.",
    )


def test_a_broken_frame_is_named(data_folder: Path) -> None:
    (data_folder / "JPEGImages" / f"{TRIAL}_frame_00000003.jpeg").write_bytes(b"broken")
    strip = strip_of(data_folder, settings(num_frames=12, window="whole"))
    assert len(strip.notes) == 1
    assert f"{TRIAL}_frame_00000003.jpeg" in strip.notes[0]
    assert "is used instead" in strip.notes[0]


def test_a_window_without_frames_is_refused_with_a_message(shared_data_folder: Path) -> None:
    with pytest.raises(DataError, match=rf"{TRIAL}: no frame in the window \(seconds 100 to 160\)"):
        strip_of(shared_data_folder, settings(window="100:160"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (ClipChange(), "unchanged, or nearly so"),
        (ClipChange(jitter=Recolour(contrast=1.001, hue=0.0001), rotation=0.2), "unchanged, or nearly so"),
        (ClipChange(jitter=Recolour(0.9, 1.1)), "brightness × 0.90; contrast × 1.10"),
        (ClipChange(jitter=Recolour(saturation=1.25, hue=-0.05)), "saturation × 1.25; hue -18°"),
        (ClipChange(flip=True, rotation=-7.4), "mirrored; rotated by 7° to the right"),
        (ClipChange(rotation=7.4, crop=(0, 0.2, 1, 0.7)), "rotated by 7° to the left; cropped to 50% of the frame"),
        (ClipChange(steps=(Step(Operation.ROTATE, 3.0), Step(Operation.COLOR, 1.2))), "RandAugment: rotate, color"),
        (ClipChange(erased=(0.1, 0.1, 0.5, 0.5)), "a rectangle erased"),
    ],
)
def test_a_change_in_words(change: ClipChange, words: str) -> None:
    assert describe_change(change) == words


@pytest.mark.parametrize(("edge", "factor"), [(32, 6), (64, 3), (100, 1), (224, 1)])
def test_small_frames_are_enlarged_to_squares(edge: int, factor: int) -> None:
    assert edge * factor <= max(edge, READABLE_SIZE)
    frames = np.random.default_rng(0).integers(0, 256, (3, edge, edge, 3), dtype=np.uint8)
    picture = np.asarray(side_by_side(frames))
    large = edge * factor
    assert picture.shape == (large, 3 * large + 2 * GAP, 4)
    for number, frame in enumerate(frames):
        left = number * (large + GAP)
        part = picture[:, left : left + large]
        np.testing.assert_array_equal(part[::factor, ::factor, :3], frame)
        np.testing.assert_array_equal(part[factor - 1 :: factor, factor - 1 :: factor, :3], frame)
        assert (part[..., 3] == 255).all()
    assert (picture[:, large : large + GAP, 3] == 0).all()


@pytest.mark.slow
def test_frozen_features_see_one_clip_in_training_and_test(shared_data_folder: Path) -> None:
    (row,) = strip_of(shared_data_folder, settings(recipe="frozen", mixup=0.8)).rows
    assert row.title == "Training, validation and test"
    evaluated = clip_of(shared_data_folder, settings(), ClipId(TRIAL))
    np.testing.assert_array_equal(row.frames, evaluated[0].byte().permute(0, 2, 3, 1).numpy())
