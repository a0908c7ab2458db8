"""Convert the names and shapes of VideoMAE's own code (github.com/MCG-NJU/VideoMAE) to those of transformers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from socal_core.errors import ModelError

Weights = dict[str, torch.Tensor]

CONTAINERS = ("model", "module", "state_dict")
"""Where its scripts, DeepSpeed and other programs put the weights in a checkpoint."""
PATCHES = "patch_embed.proj.weight"
HEADS = {384: 6, 768: 12, 1024: 16, 1280: 16, 1408: 16}
"""Attention heads by hidden size, of the small to giant models of its code; weights do not show them."""
PRETRAINING_ONLY = ("decoder.", "encoder_to_decoder.", "mask_token")
NORM_EPS = 1e-6
_BLOCK = {
    "norm1.weight": "layernorm_before.weight",
    "norm1.bias": "layernorm_before.bias",
    "attn.q_bias": "attention.attention.q_bias",
    "attn.v_bias": "attention.attention.v_bias",
    "attn.proj.weight": "attention.output.dense.weight",
    "attn.proj.bias": "attention.output.dense.bias",
    "norm2.weight": "layernorm_after.weight",
    "norm2.bias": "layernorm_after.bias",
    "mlp.fc1.weight": "intermediate.dense.weight",
    "mlp.fc1.bias": "intermediate.dense.bias",
    "mlp.fc2.weight": "output.dense.weight",
    "mlp.fc2.bias": "output.dense.bias",
}
_OUTSIDE = {
    PATCHES: "videomae.embeddings.patch_embeddings.projection.weight",
    "patch_embed.proj.bias": "videomae.embeddings.patch_embeddings.projection.bias",
    "fc_norm.weight": "fc_norm.weight",
    "fc_norm.bias": "fc_norm.bias",
    "head.weight": "classifier.weight",
    "head.bias": "classifier.bias",
}
_FINAL_NORM = {f"norm.{kind}": f"videomae.layernorm.{kind}" for kind in ("weight", "bias")}
NEW_HEAD = ("fc_norm.weight", "fc_norm.bias", "classifier.weight", "classifier.bias")


@dataclass(frozen=True)
class Conversion:
    """A checkpoint with the names of transformers, and what became of each of its weights."""

    weights: Weights
    config: dict[str, Any]
    """The content of config.json."""
    matched: int
    """Weights of the checkpoint that were converted."""
    missing: tuple[str, ...]
    """Weights of a classifier that the checkpoint lacks; training starts them anew."""
    unexpected: tuple[str, ...]
    """Weights of the checkpoint that the model does not have."""


def convert(name: str, checkpoint: object, heads: int | None, image_size: int) -> Conversion:
    """Convert a checkpoint of VideoMAE's own pre-training or fine-tuning.

    Args:
        name: What messages call the file.
        checkpoint: Its content.
        heads: The number of attention heads; None for that of its code for this hidden size.
        image_size: Height and width in pixels of the frames that it was trained on.

    Raises:
        ModelError: It is not a checkpoint of a VideoMAE, or uses what transformers' VideoMAE does not have.
    """
    theirs = _without_prefix(name, _state_dict(name, checkpoint))
    config = _config(name, theirs, heads, image_size)
    ours: Weights = {}
    used: set[str] = set()
    renamed = {**_OUTSIDE, **({} if config["use_mean_pooling"] else _FINAL_NORM)}
    for key, tensor in theirs.items():
        found = _converted(key, tensor, renamed)
        if found:
            used.add(key)
            ours |= found
    unexpected = tuple(sorted(theirs.keys() - used - {"pos_embed"}))
    _refuse_other_networks(name, theirs, unexpected)
    missing = [key for key in _expected(config) if key not in ours]
    if gaps := [key for key in missing if key not in NEW_HEAD]:
        raise ModelError(f"{name} lacks {len(gaps)} weights of a VideoMAE, such as {gaps[0]}. Download it again.")
    return Conversion(ours, config, len(used), tuple(missing), unexpected)


def _state_dict(name: str, checkpoint: object) -> Weights:
    """Find the named weights in a checkpoint."""
    found = checkpoint
    while isinstance(found, Mapping):
        inner = next((found[key] for key in CONTAINERS if isinstance(found.get(key), Mapping)), None)
        if inner is None:
            break
        found = inner
    if isinstance(found, Mapping):
        weights = {str(key): value for key, value in found.items() if isinstance(value, torch.Tensor)}
        if any(key.endswith(PATCHES) for key in weights):
            return weights
    raise ModelError(
        f"{name} is not a checkpoint of VideoMAE's own code: it has no {PATCHES}. A model of transformers needs no "
        "import: name its folder."
    )


def _without_prefix(name: str, weights: Weights) -> Weights:
    """Remove what stands before the names of the encoder, such as `encoder.` or `module.backbone.`."""
    prefixes = {key.removesuffix(PATCHES) for key in weights if key.endswith(PATCHES)}
    if len(prefixes) > 1:
        raise ModelError(
            f"{name} contains several models ({', '.join(sorted(prefixes))}). Save one of them in a file of its own."
        )
    (prefix,) = prefixes
    outer = re.sub(r"(encoder|backbone)\.$", "", prefix)
    return {
        key.removeprefix(prefix) if key.startswith(prefix) else key.removeprefix(outer): weights[key] for key in weights
    }


def _config(name: str, weights: Weights, heads: int | None, image_size: int) -> dict[str, Any]:
    """Infer the sizes of the network from the shapes of its weights."""
    patches = weights[PATCHES]
    if patches.ndim != 5 or patches.shape[1] != 3:
        raise ModelError(f"{name} is not a VideoMAE: its {PATCHES} has the shape {tuple(patches.shape)}.")
    hidden, _, tubelet, height, width = patches.shape
    layers = {int(match[1]) for key in weights if (match := re.match(r"blocks\.(\d+)\.", key))}
    middle = weights.get("blocks.0.mlp.fc1.weight")
    if middle is None or layers != set(range(len(layers))):
        raise ModelError(f"{name} is not a VideoMAE: it has no complete list of blocks with an mlp.fc1.")
    count = HEADS.get(hidden, 0) if heads is None else heads
    if count < 1 or hidden % count:
        raise ModelError(
            f"{name}: its hidden size is {hidden}. Give a number of attention heads that divides it (--heads)."
        )
    classes = len(weights["head.weight"]) if "head.weight" in weights else 2
    return {
        "architectures": ["VideoMAEForVideoClassification"],
        "model_type": "videomae",
        "hidden_size": hidden,
        "num_hidden_layers": len(layers),
        "num_attention_heads": count,
        "intermediate_size": len(middle),
        "image_size": image_size,
        "patch_size": height if height == width else [height, width],
        "tubelet_size": tubelet,
        "qkv_bias": any(key.endswith(("attn.q_bias", "attn.qkv.bias")) for key in weights),
        "layer_norm_eps": NORM_EPS,
        "use_mean_pooling": "norm.weight" not in weights or "head.weight" not in weights,
        "id2label": {str(row): f"LABEL_{row}" for row in range(classes)},
        "label2id": {f"LABEL_{row}": row for row in range(classes)},
    }


def _converted(key: str, tensor: torch.Tensor, renamed: Mapping[str, str]) -> Weights:
    """Return a weight under its names in transformers; empty if there are none."""
    if key in renamed:
        return {renamed[key]: tensor}
    match = re.match(r"blocks\.(\d+)\.(.+)", key)
    if not match:
        return {}
    layer, part = f"videomae.encoder.layer.{match[1]}", match[2]
    if part in _BLOCK:
        return {f"{layer}.{_BLOCK[part]}": tensor}
    attention = f"{layer}.attention.attention"
    if part == "attn.qkv.weight":
        query, key_weight, value = tensor.chunk(3)
        return {
            f"{attention}.{name}.weight": part
            for name, part in (("query", query), ("key", key_weight), ("value", value))
        }
    if part == "attn.qkv.bias":
        # A bias of the key shifts all scores of a query by the same number, which the softmax cancels.
        query, _, value = tensor.chunk(3)
        return {f"{attention}.q_bias": query, f"{attention}.v_bias": value}
    return {}


def _refuse_other_networks(name: str, weights: Weights, unexpected: tuple[str, ...]) -> None:
    """Raise ModelError for weights without which the network would compute something else."""
    if "cls_token" in weights:
        raise ModelError(f"{name} is not a VideoMAE: it has a class token.")
    parts = [key for key in unexpected if key.startswith(("blocks.", "patch_embed."))]
    if parts:
        raise ModelError(f"{name} has {parts[0]}, which the VideoMAE of transformers lacks, so it is not converted.")
    positions = weights.get("pos_embed")
    if positions is not None and not torch.allclose(positions[0].float(), _sinusoid(*positions.shape[1:]), atol=1e-4):
        raise ModelError(f"{name} has learned positions (pos_embed). The VideoMAE of transformers computes its own.")


def _sinusoid(count: int, dims: int) -> torch.Tensor:
    """Return the positions that VideoMAE computes, (count, dims)."""
    rates = 10_000 ** (2 * torch.div(torch.arange(dims), 2, rounding_mode="floor") / dims)
    angles = torch.arange(count)[:, None] / rates
    return torch.where(torch.arange(dims) % 2 == 0, angles.sin(), angles.cos())


def _expected(config: Mapping[str, Any]) -> list[str]:
    """List the names of all weights of the classifier of a config.json."""
    parts = [part for part in _BLOCK.values() if config["qkv_bias"] or not part.endswith(("q_bias", "v_bias"))]
    parts += [f"attention.attention.{name}.weight" for name in ("query", "key", "value")]
    names = [f"videomae.encoder.layer.{layer}.{part}" for layer in range(config["num_hidden_layers"]) for part in parts]
    norms = () if config["use_mean_pooling"] else _FINAL_NORM.values()
    outside = [name for name in _OUTSIDE.values() if config["use_mean_pooling"] or not name.startswith("fc_norm.")]
    return [*outside, *norms, *names]
