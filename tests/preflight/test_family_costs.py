"""socal_core.runs.architecture: the formulas of each family, compared with the models of transformers."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from socal_core.models.build import build_classifier
from socal_core.models.model_config import FAMILIES
from socal_core.models.tuning import choose_trained_weights
from socal_core.preflight.cost import estimate
from socal_core.preflight.machine import Machine
from socal_core.preflight.training_step import trained_parameters
from socal_core.runs.architecture import Architecture, architecture_for, architecture_in, architecture_of
from socal_core.settings import TINY, config_from
from tests.models.small_families import MODELS, config_of, write_family

FAMILY_NAMES = {"videoprism": "videoprism_vision_model"}
LAPTOP = Machine(cores=8, memory=16 * 2**30, free_memory=12 * 2**30, free_disk=2**40, gpu=None)


def model_and_sizes(name: str, attention: str | None = None, **changes: Any) -> tuple[Any, Architecture]:
    """Our classifier of a family, with random weights, and its sizes as read from its config.json."""
    config = config_of(name, num_labels=2, **changes)
    if attention is not None:
        config._attn_implementation = attention
    sizes = architecture_in(json.loads(config.to_json_string(use_diff=False)))
    return FAMILIES[FAMILY_NAMES.get(name, name)].classifier(config), sizes


@pytest.mark.parametrize("name", MODELS)
def test_parameters_and_work_are_those_of_the_model(name: str) -> None:
    model, sizes = model_and_sizes(name, attention="eager")
    assert sizes.parameters == sum(weights.numel() for weights in model.parameters() if weights.requires_grad)
    with FlopCounterMode(display=False) as counter:
        model.eval()(pixel_values=torch.zeros(1, 4, 3, 32, 32))
    assert sizes.forward_flop(4) == counter.get_total_flops()


ALL_LINEAR = {
    "timesformer": "qkv dense temporal_dense",
    "vivit": "q_proj k_proj v_proj o_proj fc1 fc2",
    "vjepa2": "query key value proj fc1 fc2 q_proj k_proj v_proj out_proj",
    "videoprism": "q_proj k_proj v_proj o_proj fc1 fc2",
}
"""The ends of the names of all linear layers but the classifier."""
TWO_LINEAR = {
    "timesformer": "temporal_attention.attention.qkv intermediate.dense",
    "vivit": "q_proj v_proj",
    "vjepa2": "attention.query mlp.fc2",
    "videoprism": "q_proj v_proj",
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("tune", ["full", "last:1", "last:2", "frozen", "lora", "all-lora"])
@pytest.mark.parametrize("name", MODELS)
def test_trained_weights_are_those_of_the_model(tmp_path: Path, name: str, tune: str) -> None:
    write_family(tmp_path / "model", name)
    modules = ALL_LINEAR[name] if tune == "all-lora" else TWO_LINEAR[name]
    settings = {"tune": tune.removeprefix("all-"), "lora_modules": modules, "lora_rank": 3, "num_frames": 4}
    config = config_from({"model": str(tmp_path / "model"), "recipe": "finetune", **settings}, TINY)
    model = build_classifier(config).model
    choose_trained_weights(model, config.model, seed=0)
    counted = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert trained_parameters(config.model, architecture_for(config)) == counted


@pytest.mark.parametrize(("name", "tokens"), [("timesformer", 16), ("vivit", 9), ("vjepa2", 8), ("videoprism", 16)])
def test_tokens_are_those_of_the_model(name: str, tokens: int) -> None:
    model, sizes = model_and_sizes(name)
    assert sizes.tokens(4) == tokens
    backbone = model.get_submodule(FAMILIES[FAMILY_NAMES.get(name, name)].backbone)
    options = {"skip_predictor": True} if name == "vjepa2" else {}
    hidden = backbone(torch.zeros(1, 4, 3, 32, 32), **options).last_hidden_state
    assert hidden.shape[1] - (name == "timesformer") == tokens


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("name", MODELS)
def test_memory_of_a_layer_is_what_the_backward_pass_needs(name: str, dropout: float) -> None:
    (less, small), (more, large) = (kept_by(name, layers, dropout) for layers in (1, 2))
    estimated = large.kept_bytes(4, dropout > 0, False, False) - small.kept_bytes(4, dropout > 0, False, False)
    assert estimated == pytest.approx((more - less) / 2, rel=0.2)


def kept_by(name: str, layers: int, dropout: float) -> tuple[int, Architecture]:
    """Return the bytes that autograd stores for the backward pass of two clips, without the weights, and the sizes."""
    fields = ("num_spatial_layers", "num_temporal_layers") if name == "videoprism" else ("num_hidden_layers",)
    family = FAMILIES[FAMILY_NAMES.get(name, name)]
    rates = (*family.dropout_fields, *family.attention_dropout_fields)
    size = {"crop_size" if name == "vjepa2" else "image_size": 96}
    model, sizes = model_and_sizes(name, **dict.fromkeys(fields, layers), **dict.fromkeys(rates, dropout), **size)
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model.train()(pixel_values=torch.randn(2, 4, 3, 96, 96)).logits.sum()
    assert loss.isfinite()
    return sum(tensor.untyped_storage().nbytes() for key, tensor in kept.items() if key not in weights), sizes


@pytest.mark.parametrize("name", MODELS)
def test_a_run_is_estimated_for_its_own_clips(tmp_path: Any, name: str) -> None:
    write_family(tmp_path / "model", name)
    settings = {"model": str(tmp_path / "model"), "recipe": "finetune", "num_frames": 8, "image_size": 64}
    config = config_from(settings, TINY)
    sizes = architecture_for(config)
    assert sizes == architecture_of(str(tmp_path / "model")).for_clip(8, 64)
    cost = estimate(config, 10, 2, 2, LAPTOP)
    assert cost.parameters == sizes.parameters
    assert cost.tokens == sizes.tokens(8) > 4 * architecture_of(str(tmp_path / "model")).tokens(4) // 2


@pytest.mark.parametrize("name", MODELS)
def test_the_defaults_are_those_of_transformers(name: str) -> None:
    family = FAMILIES[FAMILY_NAMES.get(name, name)]
    with torch.device("meta"):
        model = family.classifier(family.config_class(num_labels=2))
    sizes = architecture_in({"model_type": family.model_type})
    assert sizes.parameters == sum(weights.numel() for weights in model.parameters())
