"""TimeSformer (Bertasius et al., ICML 2021): attention over time, then over space, in every layer."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import TimesformerConfig, TimesformerForVideoClassification

from socal_core.clips.preprocess import Preprocessor
from socal_core.models.families.family import Family
from socal_core.models.families.positions import Learned
from socal_core.runs.architecture import Architecture, TimesformerArchitecture

ATTENTION = "divided_space_time"
MEAN, STD = 0.45, 0.225
"""The normalization of the published weights (DATA.MEAN and DATA.STD in the configuration of its own code)."""


class Timesformer(Family):
    """A TimeSformer classifies its class token."""

    title = "TimeSformer"
    architecture = TimesformerArchitecture
    config_class = TimesformerConfig
    classifier = TimesformerForVideoClassification
    backbone = "timesformer"
    head = ("classifier.",)
    last_norm = "layernorm."
    needed = ("embeddings.", "encoder.", "layernorm.")
    positions = (
        Learned("embeddings.position_embeddings", in_time=False, in_space=True, class_token=True),
        Learned("embeddings.time_embeddings", in_time=True, in_space=False),
    )

    def size_fields(self, sizes: Architecture) -> dict[str, Any]:
        """Return the sizes by their names in the configuration."""
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        fields = {name: getattr(sizes, name) for name in (*names, "image_size", "patch_size")}
        return {**fields, "attention_type": ATTENTION}

    def why_wrong(self, values: Mapping[str, Any], sizes: Architecture) -> str:
        """Say why the network cannot be used; see `Family.why_wrong`."""
        kind = values.get("attention_type") or ATTENTION
        if kind != ATTENTION:
            return f"attention_type {kind!r} is not supported, only {ATTENTION}"
        if not isinstance(sizes.patch_size, int):
            return f"patch_size {list(sizes.patch_size)} is not square"
        return super().why_wrong(values, sizes)

    def layer_tokens(self, backbone: nn.Module, clips: torch.Tensor, steps: int) -> list[torch.Tensor]:
        """Embed clips; see `Family.layer_tokens`. Its tokens are ordered by position, then by time."""
        hidden = backbone(clips, output_hidden_states=True).hidden_states
        return [states[:, 1:].unflatten(1, (-1, steps)).transpose(1, 2) for states in hidden]

    def default_preprocessor(self, size: int) -> tuple[Preprocessor, str]:
        """Return the preprocessing of the published weights; see `Family.default_preprocessor`."""
        return Preprocessor.for_size(size, (MEAN,) * 3, (STD,) * 3), f"a mean of {MEAN} and a std of {STD}"
