"""Choose which weights of a network are trained: all, the last blocks, the head, or low-rank updates (LoRA)."""

from math import inf
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from socal_core.errors import ConfigError
from socal_core.models.layers import blocks_of, layers_below_head
from socal_core.settings import LORA, ModelSettings, tuned_blocks

ADAPTER = "default"
"""The name that peft gives to the only adapter of a network."""
LORA_SCALE = 2
"""The updates are multiplied by this: alpha divided by the rank, for which Hu et al. use 1 to 2."""


def choose_trained_weights(model: PreTrainedModel, settings: ModelSettings, seed: int) -> None:
    """Mark the weights of a network that are trained, and add the updates of LoRA.

    Args:
        model: A video classifier; it is changed.
        settings: `tune`, `lora_rank` and `lora_modules`.
        seed: Determines the initial updates.

    Raises:
        ConfigError: The network has fewer blocks than are to be trained, or no layer has a given name.
    """
    blocks = tuned_blocks(settings.tune)
    if blocks is None or blocks == inf:
        return
    if blocks > len(blocks_of(model)):
        raise ConfigError("tune", f"must be full or last:K with K up to {len(blocks_of(model))}", settings.tune)
    if settings.tune == LORA:
        _add_updates(model, settings, seed)
    parameters = dict(model.named_parameters())
    depths = layers_below_head(parameters)
    for name, parameter in parameters.items():
        parameter.requires_grad_(depths[name] <= blocks or ".lora_" in name)


def _add_updates(model: PreTrainedModel, settings: ModelSettings, seed: int) -> None:
    """Add a low-rank update, initially 0, to each linear layer that the settings name."""
    from peft import LoraConfig, inject_adapter_in_model  # takes seconds to import, and few runs need it

    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    ends = settings.lora_modules.split()
    missing = [end for end in ends if not any(f".{name}".endswith(f".{end}") for name in linear)]
    if missing:
        known = ", ".join(sorted({name.rsplit(".", 1)[-1] for name in linear}))
        raise ConfigError("lora_modules", f"must be names of linear layers of the model: {known}", missing[0])
    scale = LORA_SCALE * settings.lora_rank
    # Full names, since a convolution of the embeddings may have the same end.
    named = [name for name in linear if f".{name}".endswith(tuple(f".{end}" for end in ends))]
    config = LoraConfig(r=settings.lora_rank, lora_alpha=scale, target_modules=named, lora_dropout=0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, model, adapter_name=ADAPTER)


def merged_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights of the network without LoRA that computes the same.

    Args:
        model: A network, with or without updates; it is not changed.

    Returns:
        Its state dict. Weights with an update are copies; the others share memory with the network.
    """
    from peft.tuners.lora import LoraLayer  # see above

    weights: dict[str, torch.Tensor] = model.state_dict()
    updated: dict[str, Any] = {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}
    for name, module in updated.items():
        base = weights[f"{name}.base_layer.weight"]
        weights[f"{name}.base_layer.weight"] = base + module.get_delta_weight(ADAPTER)
    plain = {name: tensor for name, tensor in weights.items() if ".lora_" not in name}
    return {name.replace(".base_layer.", "."): tensor for name, tensor in plain.items()}
