"""VideoMAE (Tong et al., NeurIPS 2022): joint attention over all tokens, computed positions."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import nn
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from socal_core.models.families.family import ClassifierShape, ClipSize, Family
from socal_core.runs.architecture import Architecture


class VideoMAE(Family):
    """A pre-trained VideoMAE gets a classifier on the mean of all tokens, as in its own fine-tuning."""

    title = "VideoMAE"
    architecture = Architecture
    config_class = VideoMAEConfig
    classifier = VideoMAEForVideoClassification
    backbone = "videomae"
    head = ("classifier.", "fc_norm.")
    last_norm = "fc_norm."
    needed = ("embeddings.patch_embeddings.", "encoder.")
    other_fields = ("hidden_act", "initializer_range", "layer_norm_eps")

    def size_fields(self, sizes: Architecture) -> dict[str, Any]:
        """Return the sizes, whose names are those of the configuration."""
        return asdict(sizes)

    def configure(self, values: Mapping[str, Any], sizes: Architecture, shape: ClassifierShape) -> dict[str, Any]:
        """Return the fields of the configuration; see `Family.configure`."""
        biases = values.get("qv_bias", values.get("qkv_bias"))
        return {
            **super().configure(values, sizes, shape),
            "qv_bias": True if biases is None else biases,
            "use_mean_pooling": shape.mean_pooling,
        }

    def averages_tokens(self, values: Mapping[str, Any]) -> bool:
        """Whether the model classifies the mean of all tokens; otherwise it classifies the first one."""
        return values.get("use_mean_pooling") is not False

    def norm_of_classifier(self, values: Mapping[str, Any]) -> str:
        """Return part of the names of the norm that the classifier of a config.json needs."""
        return self.last_norm if self.averages_tokens(values) else "layernorm."

    def shape_note(self, trained: ClipSize, used: ClipSize) -> str:
        """Describe what happens to the positions; see `Family.shape_note`. Their order in time does not change."""
        if trained.image_size == used.image_size:
            return ""
        return f"its positions are computed for {used}; it was trained on frames of {trained.image_size} pixels."

    def layer_tokens(self, backbone: nn.Module, clips: torch.Tensor, steps: int) -> list[torch.Tensor]:
        """Embed clips; see `Family.layer_tokens`."""
        hidden = backbone(pixel_values=clips, output_hidden_states=True).hidden_states
        return [tokens.reshape(len(clips), steps, -1, tokens.shape[-1]) for tokens in hidden]
