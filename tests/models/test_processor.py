"""socal_core.models.processor: the preprocessing that transformers would use, or an error that names it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from transformers.image_processing_backends import PilBackend

from socal_core.clips.preprocess import Preprocessor
from socal_core.errors import ModelError
from socal_core.models.checkpoint_files import ModelFiles
from socal_core.models.processor import SAME_STEPS, read_preprocessor, resized
from tests.models.checkpoints import write_json

FRAME = np.random.default_rng(0).integers(0, 256, (54, 96, 3), dtype=np.uint8)
VIDEO = {
    "video_processor_type": "VideoMAEVideoProcessor",
    "size": {"shortest_edge": 40},
    "crop_size": {"height": 32, "width": 32},
    "default_to_square": False,
    "do_center_crop": True,
    "do_sample_frames": False,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.5, 0.6, 0.7],
}
FILES = ("processor_config.json", "video_preprocessor_config.json", "preprocessor_config.json")


def read(folder: Path, image_size: int = 32) -> Preprocessor | None:
    return read_preprocessor(ModelFiles("model", folder), image_size)


def given_to_the_model(preprocessor: Preprocessor | None) -> np.ndarray:
    assert preprocessor is not None
    shrunk = torch.from_numpy(preprocessor.shrink(FRAME))[None].float() / 255
    return preprocessor.normalise(shrunk)[0].numpy()


def by_pillow(size: tuple[int, int], crop: int, mean: list[float], std: list[float]) -> np.ndarray:
    """Resize to (width, height), crop the centre and normalize: (3, crop, crop)."""
    picture = np.asarray(Image.fromarray(FRAME).resize(size, Image.Resampling.BILINEAR))
    top, left = (picture.shape[0] - crop) // 2, (picture.shape[1] - crop) // 2
    cut = picture[top : top + crop, left : left + crop] / 255
    return np.moveaxis((cut - mean) / std, -1, 0)


def assert_close(given: np.ndarray, expected: np.ndarray, std: float) -> None:
    """Compare within one grey level, by which the bilinear resizing of Pillow and PyTorch may differ."""
    assert given.shape == expected.shape
    assert np.abs(given - expected).max() <= 1.01 / 255 / std


@pytest.mark.parametrize("nested", [False, True])
def test_the_file_of_a_video_processor_is_read(tmp_path: Path, nested: bool) -> None:
    if nested:
        write_json(tmp_path / "processor_config.json", {"video_processor": VIDEO})
    else:
        write_json(tmp_path / "video_preprocessor_config.json", VIDEO)
    expected = by_pillow((40 * 96 // 54, 40), 32, VIDEO["image_mean"], VIDEO["image_std"])
    assert_close(given_to_the_model(read(tmp_path)), expected, 0.5)


def mean_of(number: int) -> dict[str, Any]:
    return {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}, "image_mean": [number / 10] * 3}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"preprocessor_config.json": mean_of(1)}, 1),
        ({"preprocessor_config.json": mean_of(1), "processor_config.json": {"processor_class": "Other"}}, 1),
        ({"preprocessor_config.json": mean_of(1), "processor_config.json": {"image_processor": mean_of(2)}}, 2),
        ({"preprocessor_config.json": mean_of(1), "video_preprocessor_config.json": mean_of(3)}, 3),
        (
            {
                "processor_config.json": {"image_processor": mean_of(2)},
                "video_preprocessor_config.json": mean_of(3),
            },
            3,
        ),
        (
            {
                "processor_config.json": {"image_processor": mean_of(2), "video_processor": mean_of(4)},
                "video_preprocessor_config.json": mean_of(3),
                "preprocessor_config.json": mean_of(1),
            },
            4,
        ),
    ],
)
def test_files_have_the_precedence_of_transformers(
    tmp_path: Path, written: dict[str, dict[str, Any]], expected: int
) -> None:
    for file, values in written.items():
        write_json(tmp_path / file, values)
    preprocessor = read(tmp_path)
    assert preprocessor is not None
    assert preprocessor.processor.image_mean == (expected / 10,) * 3


def test_without_a_file_there_is_no_preprocessing(tmp_path: Path) -> None:
    assert read(tmp_path) is None


@pytest.mark.parametrize("size", [32, [32, 32]])
@pytest.mark.parametrize("named", ["feature_extractor_type", "image_processor_type", None])
def test_the_old_feature_extractor_crops_to_its_size(tmp_path: Path, size: object, named: str | None) -> None:
    values: dict[str, object] = {"do_center_crop": True, "size": size, "resample": 2, "image_mean": [0.0] * 3}
    values["image_std"] = [1.0] * 3
    if named:
        values[named] = "VideoMAEFeatureExtractor"
    write_json(tmp_path / "preprocessor_config.json", values)
    resized = (32 * 96 // 54, 32) if size == 32 else (32, 32)
    assert_close(given_to_the_model(read(tmp_path)), by_pillow(resized, 32, [0.0] * 3, [1.0] * 3), 1.0)


@pytest.mark.parametrize(
    "names",
    [
        {"image_processor_type": "ViTImageProcessor", "feature_extractor_type": "ViTFeatureExtractor"},
        {"feature_extractor_type": "ViTFeatureExtractor"},
        {"image_processor_type": "ViTImageProcessorFast"},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [32, {"height": 32, "width": 32}])
def test_a_vit_processor_resizes_without_cropping(tmp_path: Path, names: dict[str, str], size: object) -> None:
    write_json(tmp_path / "preprocessor_config.json", {**names, "size": size, "resample": 2})
    assert_close(given_to_the_model(read(tmp_path)), by_pillow((32, 32), 32, [0.5] * 3, [0.5] * 3), 0.5)


@pytest.mark.parametrize("name", SAME_STEPS)
def test_each_supported_class_gives_its_own_result(tmp_path: Path, name: str) -> None:
    processor_class: type[PilBackend] = getattr(transformers, f"{name}Pil")
    theirs = processor_class()
    size = theirs.crop_size if getattr(theirs, "do_center_crop", False) else theirs.size
    write_json(tmp_path / "preprocessor_config.json", {"image_processor_type": name})
    frame = FRAME if name == "VideoMAEImageProcessor" else Image.fromarray(FRAME)
    expected = np.asarray(theirs([frame], return_tensors="np")["pixel_values"]).reshape(3, size.height, size.width)
    assert_close(given_to_the_model(read(tmp_path, size.height)), expected, min(theirs.image_std))


@pytest.mark.parametrize(
    ("file", "values", "reason"),
    [
        ("preprocessor_config.json", {"image_processor_type": "BitImageProcessorOwn"}, "BitImageProcessorOwn"),
        ("preprocessor_config.json", {"feature_extractor_type": "BeitFeatureExtractor"}, "BeitFeatureExtractor"),
        ("preprocessor_config.json", {"image_processor_type": ["ViTImageProcessor"]}, "not supported"),
        ("preprocessor_config.json", {"image_processor_type": "PreTrainedModel"}, "PreTrainedModel"),
        ("video_preprocessor_config.json", {"video_processor_type": "InternVideoProcessor"}, "InternVideoProcessor"),
        (
            "preprocessor_config.json",
            {"image_processor_type": "VideoMAEImageProcessor", "auto_map": {"AutoImageProcessor": "code.Own"}},
            "VideoMAEImageProcessor, which is not supported",
        ),
        ("preprocessor_config.json", {"image_processor_type": "ViTImageProcessor", "do_pad": True}, "holds values"),
        ("video_preprocessor_config.json", {"size": {"edge": 3}}, "holds values that do not work"),
        ("video_preprocessor_config.json", {"size": {"shortest_edge": 0}}, "not a whole number from 1"),
        ("video_preprocessor_config.json", {}, "gives frames of 224x224 pixels, but the model takes 32x32"),
        ("processor_config.json", {"video_processor": "VideoMAEVideoProcessor"}, "holds values that do not"),
        ("processor_config.json", [], "cannot be read: it is not a JSON object"),
    ],
    ids=str,
)
def test_unsupported_preprocessing_is_refused_by_file_and_name(
    tmp_path: Path, file: str, values: object, reason: str
) -> None:
    write_json(tmp_path / file, values)
    with pytest.raises(ModelError, match=reason) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"model: its {file} ")


CROP = {"crop_size": {"height": 32, "width": 32}}


def test_the_processor_of_vjepa2_derives_its_resizing_from_the_crop(tmp_path: Path) -> None:
    values = {"video_processor_type": "VJEPA2VideoProcessor", "size": {"shortest_edge": 99}, **CROP}
    write_json(tmp_path / "video_preprocessor_config.json", values)
    expected = by_pillow((36 * 96 // 54, 36), 32, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert_close(given_to_the_model(read(tmp_path)), expected, 0.224)


def test_the_processor_of_timesformer_has_the_mean_of_imagenet(tmp_path: Path) -> None:
    values = {"video_processor_type": "TimesformerVideoProcessor", "size": {"shortest_edge": 40}, **CROP}
    write_json(tmp_path / "video_preprocessor_config.json", values)
    expected = by_pillow((40 * 96 // 54, 40), 32, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert_close(given_to_the_model(read(tmp_path)), expected, 0.224)


@pytest.mark.parametrize(
    ("changes", "scale", "shift"),
    [
        ({}, 2 / 0.5, -1.5 / 0.5),  # (2 x - 1 - 0.5) / 0.5
        ({"do_normalize": False}, 2.0, -1.0),
        ({"offset": False, "rescale_factor": 1 / 255}, 2.0, -1.0),
        ({"image_mean": [0.0] * 3, "image_std": [1.0] * 3}, 2.0, -1.0),
    ],
    ids=str,
)
def test_the_processor_of_vivit_shifts_by_one(
    tmp_path: Path, changes: dict[str, Any], scale: float, shift: float
) -> None:
    values = {"image_processor_type": "VivitImageProcessor", "size": {"shortest_edge": 32}, **CROP, **changes}
    write_json(tmp_path / "preprocessor_config.json", values)
    preprocessor = read(tmp_path)
    assert preprocessor is not None
    plain = by_pillow((32 * 96 // 54, 32), 32, [0.0] * 3, [1.0] * 3)
    assert_close(given_to_the_model(preprocessor), plain * scale + shift, 1 / scale)


def test_the_processor_of_videoprism_takes_the_whole_frame_in_0_to_1(tmp_path: Path) -> None:
    write_json(
        tmp_path / "preprocessor_config.json",
        {"video_processor_type": "LlavaOnevisionVideoProcessor", "size": {"height": 32, "width": 32}, "resample": 2},
    )
    assert_close(given_to_the_model(read(tmp_path)), by_pillow((32, 32), 32, [0.0] * 3, [1.0] * 3), 1.0)


def test_a_preprocessing_is_scaled_to_another_size(tmp_path: Path) -> None:
    write_json(tmp_path / "video_preprocessor_config.json", VIDEO)
    preprocessor = read(tmp_path)
    assert preprocessor is not None
    assert resized(preprocessor, 32) is preprocessor
    expected = by_pillow((20 * 96 // 54, 20), 16, VIDEO["image_mean"], VIDEO["image_std"])
    assert_close(given_to_the_model(resized(preprocessor, 16)), expected, 0.5)
