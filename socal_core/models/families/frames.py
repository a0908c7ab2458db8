"""Image encoders such as DINOv3 and SigLIP 2, applied to each frame, with a temporal head.

The frames of a clip are embedded one by one and meet in one transformer layer, whose mean over the frames is
classified. This is the smallest factorized encoder of ViViT (Arnab et al., ICCV 2021, model 2: late fusion of time).
The positions in time are computed, so that a classifier takes clips of any length.
"""

import inspect
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutput

from socal_core.models.families.family import ClassifierShape, ClipSize, Family, Weights
from socal_core.runs.architecture import (
    LARGEST,
    OWN_TYPE,
    TEMPORAL_RATIO,
    Architecture,
    FrameArchitecture,
    encoder_values,
)

POOLED = ("siglip_vision_model", "clip_vision_model")
"""Encoders that describe a frame by their pooled output; the others do by their class token."""
SHAPE_FIELDS = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "mlp_ratio", "image_size"),
    *("patch_size", "num_channels", "num_register_tokens", "hidden_act", "layer_norm_eps", "initializer_range"),
    *("qkv_bias", "query_bias", "key_bias", "value_bias", "proj_bias", "mlp_bias", "use_gated_mlp", "use_swiglu_ffn"),
    *("layerscale_value", "rope_theta"),
)
"""The fields of an encoder's config.json that describe its network."""
MOST_REGISTERS = 1024
"""Tokens without a place in the frame; published models have 4."""
MASK = "mask_token"
"""A weight of masked pre-training, which no loss of a classifier reaches."""
PREFIXES = ("vit.", "dinov2.", "dinov2_with_registers.", "dinov3_vit.", "vision_model.")
"""What stands before the names of an encoder's weights in a model that contains it."""


class FrameClassifierConfig(PreTrainedConfig):
    """The configuration of a saved classifier."""

    model_type = OWN_TYPE

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        num_frames: int = 16,
        image_size: int = 224,
        hidden_dropout_prob: float = 0.0,
        **others: Any,
    ) -> None:
        self.backbone = backbone
        self.num_frames = num_frames
        self.image_size = image_size
        self.hidden_dropout_prob = hidden_dropout_prob
        super().__init__(**others)


class TemporalHead(nn.Module):
    """One transformer layer over the frames of a clip, and the normalized mean of its result."""

    def __init__(self, dims: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(
            dims, heads, TEMPORAL_RATIO * dims, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(dims)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Combine features, (clips, frames, dims), to (clips, dims)."""
        combined = self.layer(features + times(*features.shape[1:]).to(features))
        pooled: torch.Tensor = self.norm(combined.mean(dim=1))
        return pooled


class FrameClassifier(PreTrainedModel):
    """An image encoder with a temporal head and a classifier."""

    config_class = FrameClassifierConfig
    base_model_prefix = "backbone"
    main_input_name = "pixel_values"
    supports_gradient_checkpointing = True

    def __init__(self, config: FrameClassifierConfig) -> None:
        super().__init__(config)
        values = dict(config.backbone or {})
        encoder = CONFIG_MAPPING[values.pop("model_type")](**values)
        # The pooler of a ViT is not used.
        options = {"add_pooling_layer": False} if encoder.model_type == "vit" else {}
        self.backbone = AutoModel.from_config(encoder, trust_remote_code=False, **options)
        self.pooled = encoder.model_type in POOLED
        self.options: dict[str, Any] = {}
        if (
            config.image_size != encoder.image_size
            and "interpolate_pos_encoding" in inspect.signature(self.backbone.forward).parameters
        ):
            self.options["interpolate_pos_encoding"] = True
        embeddings = self.backbone.get_submodule("embeddings")
        if MASK in dict(embeddings.named_parameters(recurse=False)):
            setattr(embeddings, MASK, None)
        self.temporal = TemporalHead(encoder.hidden_size, encoder.num_attention_heads, config.hidden_dropout_prob)
        self.classifier = nn.Linear(encoder.hidden_size, len(config.id2label or {}))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, pixel_values: torch.Tensor) -> ImageClassifierOutput:
        """Classify clips, (clips, frames, 3, size, size)."""
        frames = pixel_values.flatten(0, 1)
        output = self.backbone(pixel_values=frames, **self.options)
        features = output.pooler_output if self.pooled else output.last_hidden_state[:, 0]
        pooled = self.temporal(features.reshape(*pixel_values.shape[:2], -1))
        return ImageClassifierOutput(logits=self.classifier(pooled))


class FrameEncoder(Family):
    """An image encoder of transformers: ViT, DINOv2, DINOv3, SigLIP, SigLIP 2 or CLIP."""

    title = "image encoder (ViT, DINOv2, DINOv3, SigLIP, SigLIP 2, CLIP)"
    architecture = FrameArchitecture
    config_class = FrameClassifierConfig
    classifier = FrameClassifier
    backbone = "backbone"
    head = ("temporal.", "classifier.")
    last_norm = "temporal.norm."
    needed = ("embeddings.", "encoder.", "layer.", "layers.", "model.")
    attention_dropout_fields = ("attention_probs_dropout_prob", "attention_dropout")

    def size_fields(self, sizes: Architecture) -> dict[str, Any]:
        """Return the size of a frame; the sizes of the encoder are part of its own configuration."""
        return {"image_size": sizes.image_size}

    def configure(self, values: Mapping[str, Any], sizes: Architecture, shape: ClassifierShape) -> dict[str, Any]:
        """Return the fields of the configuration; see `Family.configure`."""
        encoder = encoder_values(values)
        kind = CONFIG_MAPPING[encoder["model_type"]]
        known = inspect.signature(kind).parameters
        fields = {name: encoder[name] for name in SHAPE_FIELDS if name in known and encoder.get(name) is not None}
        fields |= {name: shape.dropout_rate for name in self.dropout_fields if name in known}
        fields |= {name: shape.attention_dropout for name in self.attention_dropout_fields if name in known}
        return {
            "backbone": json.loads(kind(**fields).to_json_string(use_diff=False)),
            "num_frames": shape.clip.num_frames,
            "image_size": shape.clip.image_size,
            "hidden_dropout_prob": shape.dropout_rate,
        }

    def dropout_rates(self, values: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the dropout of the temporal layer, and that of the attention of the encoder."""
        return values.get("hidden_dropout_prob"), super().dropout_rates(encoder_values(values))[1]

    def why_wrong(self, values: Mapping[str, Any], sizes: Architecture) -> str:
        """Say why the network cannot be used; see `Family.why_wrong`."""
        encoder = encoder_values(values)
        if not isinstance(sizes.patch_size, int):
            return f"patch_size {list(sizes.patch_size)} is not square"
        # A DINOv2 has positions for frames of another size than those that it takes here.
        for name, most in (("image_size", LARGEST["image_size"]), ("num_register_tokens", MOST_REGISTERS)):
            value = encoder.get(name)
            parts = value if isinstance(value, list) and value else [0 if value is None else value]
            if not all(type(part) is int and 0 <= part <= most for part in parts):
                return f"{name} {value!r} is not a whole number up to {most:,}"
        return super().why_wrong(encoder, sizes)

    def own_weights(self, values: Mapping[str, Any], weights: Weights) -> Weights:
        """Return the weights of the encoder and of a saved head; see `Family.own_weights`."""
        prefix = next((prefix for prefix in PREFIXES if any(name.startswith(prefix) for name in weights)), "")
        inside = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        kept = {name: value for name, value in weights.items() if name.startswith("classifier.")}
        unused = ("pooler.", f"embeddings.{MASK}")
        return {name: value for name, value in {**kept, **inside}.items() if not name.startswith(unused)}

    def shape_note(self, trained: ClipSize, used: ClipSize) -> str:
        """Describe what happens to the positions; see `Family.shape_note`."""
        if trained.image_size == used.image_size:
            return ""
        return (
            f"its positions, for frames of {trained.image_size} pixels, are interpolated to {used.image_size} pixels."
        )

    def layer_tokens(self, backbone: nn.Module, clips: torch.Tensor, steps: int) -> list[torch.Tensor]:
        """Embed clips; see `Family.layer_tokens`. A class token counts as one more position."""
        hidden = backbone(pixel_values=clips.flatten(0, 1), output_hidden_states=True).hidden_states
        return [states.unflatten(0, (len(clips), steps)) for states in hidden]


def times(count: int, dims: int) -> torch.Tensor:
    """Compute positions in time (Vaswani et al., NeurIPS 2017): sines, then cosines, (count, dims)."""
    rates = 10_000 ** (-torch.arange(0, dims, 2) / dims)
    angles = torch.arange(count)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :dims]
