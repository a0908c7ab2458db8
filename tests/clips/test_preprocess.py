"""socal_core.clips.preprocess: what the model is given is what its own processor gives."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

from socal_core.clips.preprocess import Preprocessor


def frames(width: int, height: int, count: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (640, 360), (48, 64), (224, 224)])
@pytest.mark.parametrize("size", [64, 224])
def test_both_halves_together_equal_the_processor(width: int, height: int, size: int) -> None:
    preprocessor = Preprocessor.for_size(size)
    images = frames(width, height)
    expected = preprocessor.processor(images, return_tensors="pt")["pixel_values"][0]
    clip = torch.from_numpy(preprocessor.shrink(images))
    assert clip.dtype is torch.uint8
    torch.testing.assert_close(preprocessor.normalise(clip.float() / 255), expected, atol=1e-6, rtol=0)


def test_the_mean_of_imagenet_becomes_zero() -> None:
    clip = torch.tensor([0.485, 0.456, 0.406])[:, None, None].expand(2, 4, 3, 8, 8)
    assert Preprocessor.for_size(8).normalise(clip).abs().max() < 1e-6


def test_a_processor_of_another_kind_is_honoured(tmp_path: Path) -> None:
    VideoMAEImageProcessorPil(
        size={"height": 20, "width": 30}, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.25] * 3
    ).save_pretrained(tmp_path)
    preprocessor = Preprocessor(VideoMAEImageProcessorPil.from_pretrained(tmp_path))
    images = frames(64, 48)
    assert preprocessor.shrink(images).shape == (3, 3, 20, 30)
    expected = preprocessor.processor(images, return_tensors="pt")["pixel_values"][0]
    clip = torch.from_numpy(preprocessor.shrink(images)).float() / 255
    torch.testing.assert_close(preprocessor.normalise(clip), expected, atol=1e-6, rtol=0)
