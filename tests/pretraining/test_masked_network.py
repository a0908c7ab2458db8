"""socal_core.pretraining.masked_network: the loss, and the weights that pre-training starts from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from socal_core.clips.preprocess import IMAGENET_MEAN, IMAGENET_STD
from socal_core.errors import ConfigError, ModelError
from socal_core.pretraining.frame_settings import pretraining_config
from socal_core.pretraining.masked_network import NOT_OF_ENCODER, StartModel, load_start_model
from socal_core.pretraining.pretrain_objective import sample_masks
from socal_core.settings import TINY
from tests.models.checkpoints import save_weights, write_classifier, write_json, write_pretrained
from tests.models.small_families import write_family


def start(model: Path | str, num_frames: int = 4) -> StartModel:
    return load_start_model(pretraining_config({"model": str(model), "num_frames": num_frames}))


def normalized_patches(clips: np.ndarray, tubelet: int = 2, patch: int = 16) -> np.ndarray:
    """The target as in the paper: each colour of each patch of RGB values has mean 0 and standard deviation 1.

    Args:
        clips: (clips, frames, 3, size, size).
        tubelet: Frames in a token.
        patch: Height and width of a token in pixels.

    Returns:
        (clips, tokens, values), tokens in the order of time, row, column; values in the order of frame, row, column,
        colour.
    """
    found = []
    for clip in clips:
        for time in range(0, clip.shape[0], tubelet):
            for top in range(0, clip.shape[2], patch):
                for left in range(0, clip.shape[3], patch):
                    block = clip[time : time + tubelet, :, top : top + patch, left : left + patch]
                    mean, std = (f(axis=(0, 2, 3), keepdims=True) for f in (block.mean, block.std))
                    std = std * np.sqrt(block[:, 0].size / (block[:, 0].size - 1))
                    found.append(((block - mean) / std).transpose(0, 2, 3, 1).reshape(-1))
    return np.stack(found).reshape(len(clips), -1, found[0].size)


def test_the_loss_is_the_squared_error_of_normalized_masked_pixels(tmp_path: Path) -> None:
    write_pretrained(tmp_path / "model")
    network = start(tmp_path / "model").network(seed=0).eval()
    clips = np.random.default_rng(0).random((3, 4, 3, 32, 32))
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    inputs = torch.from_numpy((clips - mean) / std).float()
    masked = sample_masks(3, 2, 4, torch.Generator().manual_seed(0), 0.5)
    with torch.no_grad():
        loss = network(inputs, masked)["masked"].item()
        predicted = network.model(inputs, bool_masked_pos=masked).logits.numpy()
        # What is masked must not be seen.
        noisy = inputs.clone()
        hidden = masked.view(3, 2, 2, 2).repeat_interleave(2, 1).repeat_interleave(16, 2).repeat_interleave(16, 3)
        noisy.transpose(2, 4)[hidden.transpose(2, 3)] += 1.0
        unseen = network.model(noisy, bool_masked_pos=masked).logits.numpy()
    target = np.stack([of_clip[mask] for of_clip, mask in zip(normalized_patches(clips), masked.numpy(), strict=True)])
    assert predicted.shape == target.shape == (3, 4, 2 * 16 * 16 * 3)
    assert loss == pytest.approx(((predicted - target) ** 2).mean(), rel=1e-4)
    np.testing.assert_array_equal(unseen, predicted)


@pytest.mark.parametrize(
    ("patches", "fraction", "expected"), [(36, 0.9, 32), (196, 0.9, 176), (4, 0.9, 3), (2, 0.1, 1)]
)
def test_tubes_are_masked(patches: int, fraction: float, expected: int) -> None:
    masks = sample_masks(6, 8, patches, torch.Generator().manual_seed(1), fraction).view(6, 8, patches)
    assert (masks.sum(2) == expected).all()
    assert (masks == masks[:, :1]).all()


def test_pretrained_weights_keep_their_decoder_and_their_last_norm(tmp_path: Path) -> None:
    stored = write_pretrained(tmp_path / "model")
    found = start(tmp_path / "model")
    assert not found.new_decoder
    assert found.config.use_mean_pooling is False
    weights = found.network(seed=0).model.state_dict()
    assert weights.keys() == found.weights.keys()
    old_names = {name: name.replace("query.bias", "q_bias").replace("value.bias", "v_bias") for name in weights}
    assert set(old_names.values()) == set(stored)
    for name, tensor in weights.items():
        assert torch.equal(tensor, stored[old_names[name]]), name


def test_weights_without_a_decoder_get_a_new_one(tmp_path: Path) -> None:
    stored = write_classifier(tmp_path / "model")
    found = start(tmp_path / "model")
    assert found.new_decoder
    assert found.config.use_mean_pooling is True
    assert (found.config.decoder_hidden_size, found.config.decoder_num_hidden_layers) == (16, 1)
    first, same, other = (found.network(seed).model.state_dict() for seed in (0, 0, 1))
    for name, tensor in first.items():
        assert torch.equal(tensor, same[name])
        if not name.startswith(NOT_OF_ENCODER):
            assert torch.equal(tensor, other[name])
    assert torch.equal(
        first["videomae.encoder.layer.1.output.dense.weight"], stored["videomae.encoder.layer.1.output.dense.weight"]
    )
    assert not torch.equal(first["decoder.head.weight"], other["decoder.head.weight"])


def test_a_decoder_of_another_size_or_an_incomplete_one_is_replaced(tmp_path: Path) -> None:
    write_pretrained(tmp_path / "larger", decoder_hidden_size=32)
    assert start(tmp_path / "larger").new_decoder
    stored = write_pretrained(tmp_path / "incomplete")
    save_weights(tmp_path / "incomplete", {name: value for name, value in stored.items() if name != "mask_token"})
    assert start(tmp_path / "incomplete").new_decoder


def test_tiny_is_a_start() -> None:
    found = start(TINY, num_frames=8)
    assert found.new_decoder
    assert found.grid == (4, 36)


def test_another_size_of_frames_keeps_the_weights(tmp_path: Path) -> None:
    write_pretrained(tmp_path / "model")
    config = pretraining_config({"model": str(tmp_path / "model"), "num_frames": 4, "image_size": 64})
    found = load_start_model(config)
    assert found.grid == (2, 16)
    assert not found.new_decoder
    assert found.preprocessor.frame_shape == (3, 64, 64)
    loss = found.network(seed=0)(torch.randn(1, 4, 3, 64, 64), sample_masks(1, *found.grid, torch.Generator(), 0.9))
    assert loss["masked"].isfinite()


def test_only_a_videomae_has_a_decoder(tmp_path: Path) -> None:
    write_family(tmp_path / "model", "vivit")
    with pytest.raises(ModelError, match=r"model is a vivit model, .* Choose a VideoMAE \(model\)\."):
        start(tmp_path / "model")


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"image_size": 16}, ModelError, None),
        ({"decoder_hidden_size": "wide"}, ModelError, "decoder_hidden_size is 'wide'. Correct the file"),
        ({"decoder_num_attention_heads": 3}, ModelError, "decoder_num_attention_heads is 3"),
        ({"tubelet_size": 3}, ConfigError, "num_frames: must be a multiple of 3"),
    ],
)
def test_models_that_cannot_be_pretrained(
    tmp_path: Path, config: dict[str, Any], error: type[Exception], message: str | None
) -> None:
    write_pretrained(tmp_path / "model", **config)
    if "image_size" in config:
        processor = {"size": {"height": 16, "width": 16}, "do_center_crop": False}
        write_json(tmp_path / "model" / "preprocessor_config.json", processor)
        message = "patch_size 16 and image_size 16. Masked pre-training needs several square patches"
    with pytest.raises(error, match=message):
        start(tmp_path / "model")
