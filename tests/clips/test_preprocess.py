"""socal_core.clips.preprocess: the model receives what its own processor returns."""

import json
import resource
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

from socal_core.clips.preprocess import RECIPE_VERSION, Preprocessor
from socal_core.dataset.images import quiet_pillow
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError, ModelError
from tests.dataset.test_video import write_video
from tests.factories import write_dataset


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def photo(width: int, height: int) -> np.ndarray:
    """Smooth colours, edges, highlights and fine texture."""
    y, x = np.mgrid[0:height, 0:width] * (1000 / max(width, height))
    colours = [150 + 70 * np.sin(x / 97 + y / 131), 70 + 50 * np.cos(x / 43 - y / 77), 60 + 40 * np.sin(y / 59)]
    pixels = np.stack(colours, axis=-1)
    pixels[(x - 500) ** 2 + (y - 300) ** 2 < 60**2] = 250
    pixels[np.abs(x - y - 150) < 25] = 35
    return (pixels + np.random.default_rng(0).normal(0, 5, pixels.shape)).clip(0, 255).astype(np.uint8)


def by_the_processor(processor: VideoMAEImageProcessorPil, frame: np.ndarray, **options: Any) -> np.ndarray:
    return processor([frame], input_data_format="channels_last", return_tensors="np", **options)["pixel_values"][0][0]


def grey_levels_apart(preprocessor: Preprocessor, frame: np.ndarray) -> int:
    """The largest difference from the processor's own resizing and cropping."""
    expected = by_the_processor(preprocessor.processor, frame, do_rescale=False, do_normalize=False)
    before = frame.copy()
    shrunk = preprocessor.shrink(frame)
    assert (shrunk.shape, shrunk.dtype, shrunk.flags.c_contiguous) == (expected.shape, np.uint8, True)
    np.testing.assert_array_equal(frame, before)
    return int(np.abs(shrunk.astype(int) - expected).max())


SQUARE = {"height": 224, "width": 224}
CONFIGS: dict[str, dict[str, Any]] = {
    "as published": {},
    "small": {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}},
    "larger before the crop": {"size": {"shortest_edge": 97}, "crop_size": {"height": 64, "width": 80}},
    "crop larger than the picture": {"size": {"shortest_edge": 51}, "crop_size": {"height": 90, "width": 75}},
    "height and width": {"size": {"height": 45, "width": 60}, "do_center_crop": False},
    "height and width, then crop": {"size": {"height": 45, "width": 60}, "crop_size": {"height": 31, "width": 47}},
    "no crop": {"size": {"shortest_edge": 64}, "do_center_crop": False},
    "no resize": {"do_resize": False, "crop_size": {"height": 31, "width": 47}},
    "nothing": {"do_resize": False, "do_center_crop": False},
    "both edges": {"size": {"shortest_edge": 64, "longest_edge": 80}, "do_center_crop": False},
    "largest height and width": {"size": {"max_height": 64, "max_width": 50}, "do_center_crop": False},
    "filter by name": {"resample": "bilinear", "crop_size": SQUARE},
}
OTHER_FILTERS = {"nearest": 0, "lanczos": 1, "bicubic": 3, "box": 4, "hamming": 5}
SIZES = [(1920, 1080), (640, 360), (48, 64), (224, 224), (333, 251), (225, 224), (1, 1), (7, 300), (3, 4), (300, 9)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_pixel_is_more_than_one_grey_level_from_the_processors(
    config: dict[str, Any], width: int, height: int
) -> None:
    preprocessor = Preprocessor(VideoMAEImageProcessorPil(**config))
    if width * height > 1000 * 1000 and config:
        width, height = width // 4, height // 4
    for frame in (photo(width, height), noise(width, height)):
        assert grey_levels_apart(preprocessor, frame) <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 160),
    st.integers(1, 160),
    st.integers(1, 100),
    st.integers(1, 100),
    st.integers(1, 100),
    st.booleans(),
)
def test_of_any_size(width: int, height: int, edge: int, rows: int, columns: int, whole: bool) -> None:
    size = {"height": edge, "width": rows} if whole else {"shortest_edge": edge}
    processor = VideoMAEImageProcessorPil(size=size, crop_size={"height": rows, "width": columns})
    black_and_white = noise(width, height) // 128 * 255
    assert grey_levels_apart(Preprocessor(processor), black_and_white) <= 1


@pytest.mark.parametrize("resample", OTHER_FILTERS.values(), ids=OTHER_FILTERS)
@pytest.mark.parametrize(("width", "height"), [(640, 360), (48, 64)])
def test_other_filters_are_the_processors_own(resample: int, width: int, height: int) -> None:
    processor = VideoMAEImageProcessorPil(
        resample=resample, size={"shortest_edge": 100}, crop_size={"height": 90, "width": 100}
    )
    assert grey_levels_apart(Preprocessor(processor), noise(width, height)) == 0


def test_a_frame_that_is_read_only_or_has_negative_strides() -> None:
    preprocessor = Preprocessor.for_size(32)
    frame = photo(80, 60)
    frame.flags.writeable = False
    expected = preprocessor.shrink(frame.copy())
    np.testing.assert_array_equal(preprocessor.shrink(frame), expected)
    backwards = np.ascontiguousarray(frame[:, :, ::-1])[:, :, ::-1]
    np.testing.assert_array_equal(preprocessor.shrink(backwards), expected)


@pytest.mark.parametrize(
    ("config", "size"),
    [({}, "4480000x224"), ({"resample": 3}, "4480000x224"), ({"size": {"max_height": 9, "max_width": 9}}, "9x0")],
    ids=str,
)
def test_a_frame_too_long_and_narrow_to_be_resized(config: dict[str, Any], size: str) -> None:
    preprocessor = Preprocessor(VideoMAEImageProcessorPil(**config))
    with pytest.raises(DataError, match=f"its 20000x1 pixels would be resized to {size}"):
        preprocessor.shrink(np.zeros((1, 20_000, 3), dtype=np.uint8))


def test_several_threads_shrink_at_once() -> None:
    preprocessor = Preprocessor.for_size(64)
    frames = [photo(200 + i, 150) for i in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for frame, shrunk in zip(frames, pool.map(preprocessor.shrink, frames), strict=True):
            np.testing.assert_array_equal(shrunk, preprocessor.shrink(frame))


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        ({}, (3, 224, 224)),
        ({"crop_size": {"height": 30, "width": 40}}, (3, 30, 40)),
        ({"do_resize": False, "crop_size": {"height": 30, "width": 40}}, (3, 30, 40)),
        ({"do_center_crop": False, "size": {"height": 30, "width": 40}}, (3, 30, 40)),
    ],
)
def test_the_shape_of_every_frame(config: dict[str, Any], shape: tuple[int, int, int]) -> None:
    preprocessor = Preprocessor(VideoMAEImageProcessorPil(**config))
    assert preprocessor.frame_shape == shape
    assert {preprocessor.shrink(photo(*size)).shape for size in ((64, 48), (48, 64), (9, 300))} == {shape}


@pytest.mark.parametrize(
    "config",
    [
        {"do_center_crop": False},
        {"do_center_crop": False, "size": {"shortest_edge": 30, "longest_edge": 40}},
        {"do_center_crop": False, "size": {"max_height": 30, "max_width": 40}},
        {"do_center_crop": False, "do_resize": False, "size": {"height": 30, "width": 40}},
    ],
)
def test_a_shape_that_depends_on_the_picture_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="frames whose size depends on the picture"):
        _ = Preprocessor(VideoMAEImageProcessorPil(**config)).frame_shape


@pytest.mark.parametrize(
    "config",
    [
        {"size": {"shortest_edge": "a"}},
        {"size": {"shortest_edge": 0}},
        {"size": {"shortest_edge": -4}},
        {"size": {"longest_edge": 32}},
        {"size": {"height": 32.5, "width": 3}},
        {"size": {"height": 1_000_000, "width": 1_000_000}},
        {"crop_size": {"shortest_edge": 32}},
        {"crop_size": {"height": 1_000_000, "width": 1_000_000}},
        {"resample": 99},
        {"image_mean": [0.5]},
        {"image_mean": "dark"},
        {"image_mean": [float("nan")] * 3},
        {"image_std": [0.0, 0.0, 0.0]},
        {"rescale_factor": "1/255"},
    ],
    ids=str,
)
def test_settings_that_do_not_work(config: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"preprocessor_config\.json holds"):
        Preprocessor(VideoMAEImageProcessorPil(**config)).check()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_settings_that_work(config: dict[str, Any]) -> None:
    preprocessor = Preprocessor(VideoMAEImageProcessorPil(**config))
    preprocessor.check()
    assert json.loads(json.dumps(preprocessor.recipe)) == preprocessor.recipe


@pytest.mark.parametrize(("width", "height"), [(640, 360), (300, 400), (48, 48)])
def test_a_whole_frame_is_resized_without_a_crop(width: int, height: int) -> None:
    frame = photo(width, height)
    shrunk = Preprocessor.whole_frame(64).shrink(frame)
    expected = np.moveaxis(np.asarray(Image.fromarray(frame).resize((64, 64), Image.Resampling.BILINEAR)), -1, 0)
    assert shrunk.shape == Preprocessor.whole_frame(64).frame_shape == (3, 64, 64)
    assert np.abs(shrunk.astype(int) - expected).max() <= 1


def test_the_recipe_contains_everything_that_determines_the_bytes() -> None:
    assert Preprocessor.for_size(64).recipe == {
        "version": RECIPE_VERSION,
        "resize": {"shortest_edge": 64},
        "resample": 2,
        "crop": {"height": 64, "width": 64},
        "scaled": False,
    }
    recipes = [Preprocessor(VideoMAEImageProcessorPil(**config)).recipe for config in CONFIGS.values()]
    recipes += [Preprocessor(VideoMAEImageProcessorPil(resample=number)).recipe for number in OTHER_FILTERS.values()]
    recipes.append(Preprocessor(VideoMAEImageProcessorPil(), scaled=True).recipe)
    different = {json.dumps(recipe) for recipe in recipes}
    assert len(different) == len(recipes) - 1  # "filter by name" is what is published, in other words


def test_the_recipe_is_the_same_whatever_follows_the_resizing() -> None:
    other = VideoMAEImageProcessorPil(
        image_mean=[0.1] * 3, image_std=[2.0] * 3, do_rescale=False, rescale_factor=0.1, do_normalize=False
    )
    assert Preprocessor(other).recipe == Preprocessor.for_size(224).recipe


def test_scaled_decoding_does_not_count_if_nothing_is_resized() -> None:
    processor = VideoMAEImageProcessorPil(do_resize=False)
    assert Preprocessor(processor, scaled=True).recipe == Preprocessor(processor).recipe


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"rescale_factor": 0.00784},
        {"do_rescale": False},
        {"do_rescale": False, "rescale_factor": 3.0},
        {"do_normalize": False},
        {"do_normalize": False, "rescale_factor": 1.0},
        {"do_normalize": False, "do_rescale": False},
        {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.25, 0.5, 2.0]},
        {"image_mean": 0.3, "image_std": 0.7},
        {"do_rescale": False, "image_mean": [100.0, 110.0, 120.0], "image_std": [50.0, 60.0, 70.0]},
    ],
    ids=str,
)
def test_both_steps_together_equal_the_processor(config: dict[str, Any]) -> None:
    processor = VideoMAEImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, resample=3, **config
    )
    preprocessor = Preprocessor(processor)
    frames = [noise(50, 40), photo(64, 48)]
    expected = torch.from_numpy(np.stack([by_the_processor(processor, frame) for frame in frames]).astype(np.float32))
    clip = torch.from_numpy(np.stack([preprocessor.shrink(frame) for frame in frames])).float() / 255
    before = clip.clone()
    given_to_the_model = preprocessor.normalise(clip)
    assert torch.equal(clip, before)
    assert (given_to_the_model.dtype, given_to_the_model.is_contiguous()) == (torch.float32, True)
    tolerance = 1e-5 * max(1.0, expected.abs().max().item())
    torch.testing.assert_close(given_to_the_model, expected, atol=tolerance, rtol=0)
    torch.testing.assert_close(preprocessor.normalise(clip[None, None])[0, 0], given_to_the_model, atol=0, rtol=0)
    pixels = (clip[None, None] * 255).round().to(torch.uint8)
    memory = torch.full(pixels.shape, torch.nan)
    assert preprocessor.model_input(pixels, memory) is memory
    torch.testing.assert_close(memory[0, 0], expected, atol=tolerance, rtol=0)


def test_the_mean_of_imagenet_becomes_zero() -> None:
    clip = torch.tensor([0.485, 0.456, 0.406])[:, None, None].expand(2, 4, 3, 8, 8)
    assert Preprocessor.for_size(8).normalise(clip).abs().max() < 1e-6


def test_a_frame_of_a_data_set(data_folder: Path) -> None:
    dataset = open_dataset(data_folder)
    frame = dataset.frames["frame"].iloc[0]
    preprocessor = Preprocessor.for_size(32)
    np.testing.assert_array_equal(preprocessor.read(dataset, frame), preprocessor.shrink(dataset.read_frame(frame)))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_frame_is_turned_as_viewers_turn_it(data_folder: Path, orientation: int, scaled: bool) -> None:
    dataset = open_dataset(data_folder)
    frame = dataset.frames["frame"].iloc[0]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    x, y = np.meshgrid(np.linspace(0, 255, 128), np.linspace(0, 255, 64))
    Image.fromarray(np.stack([x, y, (x + y) / 2], axis=2).astype(np.uint8)).save(dataset.file_of(frame), exif=exif)
    preprocessor = Preprocessor(Preprocessor.whole_frame(16).processor, scaled)
    with Image.open(dataset.file_of(frame)) as image:
        expected = preprocessor.shrink(np.array(ImageOps.exif_transpose(image).convert("RGB")))
    difference = np.abs(preprocessor.read(dataset, frame).astype(int) - expected)
    assert difference.max() <= (4 if scaled else 0)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_frame_of_a_video_is_treated_alike_and_never_scaled(tmp_path: Path, scaled: bool) -> None:
    write_video(tmp_path / "S100T1.mp4", 3)
    dataset = open_dataset(tmp_path)
    frame = dataset.frames["frame"].iloc[1]
    preprocessor = Preprocessor(Preprocessor.for_size(8).processor, scaled)
    pixels = preprocessor.read(dataset, frame)
    np.testing.assert_array_equal(pixels, preprocessor.shrink(dataset.read_frame(frame)))
    assert dataset.read_frame(frame, short_edge=1).shape == dataset.read_frame(frame).shape


@pytest.fixture
def large_frames(tmp_path: Path) -> Path:
    """A data folder whose first frame is a photo of 1080p."""
    folder = write_dataset(tmp_path / "data", surgeons=1, frames=2)
    first = min((folder / open_dataset(folder).images_dir).glob("*.jpeg"))
    Image.fromarray(photo(1920, 1080)).save(first, quality=90)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "config", [{}, {"size": SQUARE}, {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}}], ids=str
)
def test_scaled_decoding_costs_less_than_a_grey_level(large_frames: Path, config: dict[str, Any]) -> None:
    dataset = open_dataset(large_frames)
    frame = dataset.frames["frame"].iloc[0]
    processor = VideoMAEImageProcessorPil(**config)
    full = Preprocessor(processor).read(dataset, frame).astype(int)
    scaled = Preprocessor(processor, scaled=True).read(dataset, frame)
    apart = np.abs(full - scaled)
    # Measured on this picture: 0.29 on average and 10 at most; on real frames of 596x334 to 112 px: 0.32 and 6.
    assert 0 < apart.mean() < 1
    assert apart.max() < 20
    assert Preprocessor(processor, scaled=True).recipe == {**Preprocessor(processor).recipe, "scaled": True}


@pytest.mark.slow
def test_a_frame_that_cannot_be_resized_is_named(data_folder: Path) -> None:
    dataset = open_dataset(data_folder)
    frame = dataset.frames["frame"].iloc[0]
    Image.new("RGB", (20_000, 1)).save(dataset.file_of(frame), format="JPEG")
    with pytest.raises(DataError, match=f"Frame {frame} cannot be used: its 20000x1 pixels"):
        Preprocessor.for_size(224).read(dataset, frame)


@pytest.mark.slow
@pytest.mark.parametrize("scaled", [False, True])
def test_a_frame_of_gigapixels_is_refused_by_its_header(data_folder: Path, scaled: bool) -> None:
    dataset = open_dataset(data_folder)
    frame = dataset.frames["frame"].iloc[0]
    data = bytearray(dataset.file_of(frame).read_bytes())
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", 65_000, 65_000)
    dataset.file_of(frame).write_bytes(bytes(data))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with quiet_pillow(), pytest.raises(DataError, match=rf"Frame {frame} .*40,000,000 allowed"):
        Preprocessor(Preprocessor.for_size(224).processor, scaled).read(dataset, frame)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB; its pixels are 12 GB


def test_crops_cover_the_longer_edge_from_end_to_end() -> None:
    """Each column of the frame is its own number, so a crop tells which columns it shows."""
    middle, *others = Preprocessor.for_size(10).crops(3)
    assert middle.crop == (0, 1)
    wide = np.broadcast_to(np.arange(30, dtype=np.uint8)[None, :, None], (10, 30, 3))
    tall = wide.transpose(1, 0, 2)
    for frame, axis in ((wide, 1), (tall, 0)):
        columns = [crop.shrink(frame)[0] for crop in (*others, middle)]
        assert [column.shape for column in columns] == [(10, 10)] * 3
        assert [int(column.min()) for column in columns] == [0, 20, 10]
        assert [int(column.max()) for column in columns] == [9, 29, 19]
        assert all((np.diff(column, axis=axis) == 1).all() for column in columns)


def test_crops_of_a_square_frame_and_of_a_whole_one() -> None:
    square = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    pictures = [crop.shrink(square) for crop in Preprocessor.for_size(12).crops(3)]
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)
    assert [crop.crop for crop in Preprocessor.whole_frame(12).crops(3)] == [(0, 1)]


def test_each_crop_is_stored_apart() -> None:
    recipes = [str(crop.recipe) for crop in Preprocessor.for_size(10).crops(4)]
    assert len(set(recipes)) == 4
    assert "crop_at" not in str(Preprocessor.for_size(10).recipe)
