"""socal_core.models.model_config: which fields of a config.json are used, and which are refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from socal_core.errors import ConfigError, ModelError
from socal_core.models.build import build_classifier, save_classifier
from socal_core.settings import TINY, TrainConfig, config_from
from tests.models.checkpoints import OUTCOMES, save_weights, write_classifier


def settings(model: Path, **values: object) -> TrainConfig:
    return config_from({"model": str(model), "num_frames": 4, "dropout_rate": 0.0, **values}, TINY)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"num_attention_heads": 5}, "hidden_size 32 is not a multiple of 5 heads"),
        ({"hidden_size": "32"}, "hidden_size '32' is not a positive whole number"),
        ({"num_hidden_layers": 0}, "num_hidden_layers 0 is not a positive whole number"),
        ({"image_size": [32, 48]}, r"image_size \[32, 48\] is not square"),
        ({"image_size": 32.0}, "image_size 32.0 is not a positive whole number"),
        ({"patch_size": [16, 16, 16]}, "patch_size .* is not a positive whole number"),
        ({"patch_size": 64}, "patch_size 64 is larger than image_size 32"),
        ({"hidden_size": 10**9}, r"hidden_size 1000000000 is larger than 16,384"),
        ({"hidden_size": 0}, "hidden_size 0 is not a positive whole number"),
        ({"num_hidden_layers": 10**6}, "num_hidden_layers 1000000 is larger than 256"),
        ({"intermediate_size": 10**12}, "intermediate_size 1000000000000 is larger than 131,072"),
        ({"image_size": 10**6}, "image_size 1000000 is larger than 4,096"),
        ({"patch_size": 0}, "patch_size 0 is not a positive whole number"),
        ({"hidden_act": ["gelu"]}, "hidden_act .* is unknown"),
        ({"num_channels": 1}, "num_channels is 1"),
        ({"hidden_act": "magic"}, "hidden_act 'magic' is unknown"),
        ({"layer_norm_eps": "1e-12"}, "'layer_norm_eps' expected float, got str"),
        ({"qkv_bias": "yes"}, "'qv_bias' expected bool, got str"),
        ({"model_type": None}, "its config.json has no model_type"),
        ({"model_type": "bert"}, "is a bert model, which is not supported"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "has a quantization_config"),
        (
            {"auto_map": {"AutoModel": "code.Model"}},
            "needs its own code .* does not run: the model is not supported",
        ),
    ],
    ids=str,
)
def test_an_unsupported_config_is_refused_with_a_reason(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    write_classifier(tmp_path / "model", **changes)
    with pytest.raises(ModelError, match=f"^model.*{reason}"):
        build_classifier(settings(tmp_path / "model"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "changes",
    [
        {"image_size": [32, 32]},
        {"patch_size": [16, 16]},
        {"attn_implementation": "flash_attention_2"},
        {"_attn_implementation": "flash_attention_2"},
        {"torch_dtype": "float16"},
        {"dtype": "bfloat16"},
        {"return_dict": False},
        {"output_attentions": True, "output_hidden_states": True},
        {"problem_type": "regression"},
        {"initializer_range": 0},
        {"hidden_act": None},
        {"num_labels": 7},
        {"quantization_config": {}},
    ],
    ids=str,
)
def test_fields_that_do_not_describe_the_network_are_ignored(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_classifier(tmp_path / "plain", **OUTCOMES)
    write_classifier(tmp_path / "model", **OUTCOMES, **changes)
    plain, model = (build_classifier(settings(tmp_path / name)).model.eval() for name in ("plain", "model"))
    clip = torch.randn(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(model(pixel_values=clip).logits, plain(pixel_values=clip).logits, rtol=0, atol=0)
    assert {weights.dtype for weights in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("tubelet_size", "num_frames", "fits"), [(3, 9, True), (3, 8, False), (3, 16, False), (4, 6, False), (4, 8, True)]
)
def test_num_frames_must_fill_all_tokens(tmp_path: Path, tubelet_size: int, num_frames: int, fits: bool) -> None:
    write_classifier(tmp_path / "model", tubelet_size=tubelet_size)
    config = settings(tmp_path / "model", num_frames=num_frames)
    if fits:
        model = build_classifier(config).model.eval()
        clip = torch.zeros(1, num_frames, 3, 32, 32)
        other = clip.clone()
        other[:, -1] = 1.0
        assert not torch.equal(model(pixel_values=clip).logits, model(pixel_values=other).logits)
    else:
        with pytest.raises(ConfigError, match=f"num_frames: must be a multiple of {tubelet_size}"):
            build_classifier(config)


def test_code_next_to_a_config_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    write_classifier(tmp_path / "model", model_type="other", auto_map={"AutoConfig": "code.Config"})
    (tmp_path / "model" / "code.py").write_text(f"open({str(mark)!r}, 'w').close()")
    with pytest.raises(ModelError, match="its own code"):
        build_classifier(settings(tmp_path / "model"))
    assert not mark.exists()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_the_saved_config_has_the_type_float32(tmp_path: Path, kind: torch.dtype) -> None:
    weights = write_classifier(tmp_path / "model", torch_dtype=str(kind)[6:])
    save_weights(tmp_path / "model", {name: tensor.to(kind) for name, tensor in weights.items()})
    save_classifier(build_classifier(settings(tmp_path / "model")), tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert (saved["dtype"], saved.get("torch_dtype")) == ("float32", None)


def test_a_large_network_without_weights_is_refused_before_it_is_built(tmp_path: Path) -> None:
    write_classifier(tmp_path / "model", hidden_size=16_384, num_hidden_layers=256, num_attention_heads=128)
    with pytest.raises(ModelError, match=r"weights do not fit .* has [\d,]+ million, while its files hold 0 million"):
        build_classifier(settings(tmp_path / "model"))
