"""socal_core.models.encoders"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from socal_core.clips.preprocess import Preprocessor
from socal_core.models.build import build_classifier
from socal_core.models.efficientnet import load_efficientnet
from socal_core.models.encoders import build_encoder, digest_of_weights, image_preprocessor, preprocessors_of
from socal_core.runs.architecture import input_sizes
from socal_core.settings import TINY, TrainConfig

CONFIG = TrainConfig.from_flat({"model": TINY, "recipe": "frozen", "num_frames": 4})


def test_the_image_encoder_subtracts_127_and_divides_by_128() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 256).expand(3, 1, 256)
    found = image_preprocessor().model_input(pixels, torch.empty(pixels.shape))
    expected = (np.arange(256) - 127) / 128
    np.testing.assert_allclose(found[1, 0].numpy(), expected, atol=1e-6)


def test_the_image_encoder_embeds_each_frame() -> None:
    encoder = build_encoder("image", CONFIG)
    clips = torch.randn(2, 3, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    found = encoder.embed(clips)
    assert found.shape == (2, 3, 1280)
    network = load_efficientnet()  # without fused layers, one frame at a time
    with torch.no_grad():
        torch.testing.assert_close(found[1, 2], network.features(clips[1, 2][None])[0], rtol=1e-3, atol=1e-3)


def test_a_step_of_the_video_encoder_is_appearance_and_change_of_each_position() -> None:
    config = CONFIG.replace(num_frames=6)
    encoder = build_encoder("video", config)
    clips = torch.randn(1, 6, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    found = encoder.embed(clips)
    model = build_classifier(config).model.eval()
    with torch.no_grad():
        hidden = model(pixel_values=clips, output_hidden_states=True).hidden_states
    appearance, last = hidden[4][0], hidden[6][0]  # of 6 layers
    positions = (96 // 16) ** 2
    assert found.shape == (1, 3, 384)
    for step in range(3):
        tokens = appearance[step * positions : (step + 1) * positions]
        torch.testing.assert_close(found[0, step, :192], tokens.mean(dim=0), rtol=1e-5, atol=1e-5)
    for step, (before, after) in enumerate([(0, 1), (0, 1), (1, 2)]):
        first, second = (last[number * positions : (number + 1) * positions] for number in (before, after))
        torch.testing.assert_close(found[0, step, 192:], (second - first).abs().mean(dim=0), rtol=1e-5, atol=1e-5)


def test_a_clip_of_one_step_has_no_change() -> None:
    encoder = build_encoder("video", CONFIG.replace(num_frames=2))
    found = encoder.embed(torch.randn(1, 2, 3, 96, 96, generator=torch.Generator().manual_seed(0)))
    assert found.shape == (1, 1, 384)
    assert (found[..., 192:] == 0).all()


def test_the_digest_depends_on_weights_and_config() -> None:
    first, second = (build_encoder("video", CONFIG.replace(seed=seed)) for seed in (0, 1))
    assert first.digest == second.digest
    module = torch.nn.Linear(2, 2)
    before = digest_of_weights(module, "heads: 2")
    with torch.no_grad():
        module.bias[1] += 1e-6
    assert digest_of_weights(module, "heads: 2") != before
    with torch.no_grad():
        module.bias[1] -= 1e-6
    assert digest_of_weights(torch.nn.Linear(2, 2), "heads: 2") != before
    assert digest_of_weights(module, "heads: 3") != digest_of_weights(module, "heads: 2")


@pytest.mark.parametrize(("choice", "sizes"), [("image", [224]), ("video", [96]), ("both", [224, 96])])
def test_each_encoder_has_frames_of_its_size(choice: str, sizes: list[int]) -> None:
    config = CONFIG.replace(encoder=choice)
    assert [preprocessor.frame_shape for preprocessor, _ in preprocessors_of(config)] == [(3, s, s) for s in sizes]
    assert input_sizes(config.model) == tuple(sizes)


def test_the_identity_depends_on_weights_and_preprocessing() -> None:
    encoder = build_encoder("image", CONFIG)
    cropped = replace(encoder, preprocessor=Preprocessor.for_size(224))
    assert encoder.identity == build_encoder("image", CONFIG).identity
    assert cropped.digest == encoder.digest
    assert cropped.identity != encoder.identity
    assert replace(encoder, digest="other").identity != encoder.identity
