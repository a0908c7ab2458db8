"""VideoPrism (Zhao et al., ICML 2024, arXiv 2402.13217): attention over space, then over time, in separate layers."""

from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import nn
from transformers import VideoPrismVisionConfig
from transformers.modeling_outputs import ImageClassifierOutput

from socal_core.clips.preprocess import Preprocessor
from socal_core.models.families.family import Family
from socal_core.models.families.positions import Learned
from socal_core.models.families.vivit import tubelet_list
from socal_core.runs.architecture import Architecture, VideoPrismArchitecture


class VideoPrismForVideoClassification(transformers.VideoPrismForVideoClassification):
    """The classifier of transformers, whose logits have an additional dimension for its one query."""

    main_input_name = "pixel_values"

    def forward(self, pixel_values: torch.Tensor) -> ImageClassifierOutput:
        """Classify clips, (batch, frames, 3, size, size)."""
        return ImageClassifierOutput(logits=super().forward(pixel_values_videos=pixel_values).logits.squeeze(1))


class VideoPrism(Family):
    """A VideoPrism pools its tokens with learned attention."""

    title = "VideoPrism"
    architecture = VideoPrismArchitecture
    config_class = VideoPrismVisionConfig
    classifier = VideoPrismForVideoClassification
    backbone = "vision_model"
    head = ("classifier.", "head.", "head_layernorm.")
    last_norm = "head_layernorm."
    needed = ("layernorm", "spatial_embeddings.", "spatial_layers.", "temporal_embeddings.", "temporal_layers.")
    positions = (
        Learned("spatial_embeddings.position_embeddings", in_time=False, in_space=True),
        Learned("temporal_embeddings.position_embeddings", in_time=True, in_space=False),
    )
    other_fields = ("hidden_act", "initializer_range", "layer_norm_eps", "qkv_bias", "attn_logit_softcapping")

    def size_fields(self, sizes: Architecture) -> dict[str, Any]:
        """Return the sizes by their names in the configuration."""
        names = ("hidden_size", "num_attention_heads", "intermediate_size", "image_size", "num_temporal_layers")
        fields = {name: getattr(sizes, name) for name in names}
        over_space = sizes.num_hidden_layers - fields["num_temporal_layers"]
        return {**fields, "num_spatial_layers": over_space, "tubelet_size": tubelet_list(sizes)}

    def why_wrong(self, values: Mapping[str, Any], sizes: Architecture) -> str:
        """Say why the network cannot be used; see `Family.why_wrong`."""
        if sizes.tubelet_size != 1:
            return f"tubelet_size {values['tubelet_size']!r} combines frames, which its temporal layers do not support"
        if sizes.intermediate_size % sizes.num_attention_heads:
            return f"intermediate_size {sizes.intermediate_size} is not a multiple of {sizes.num_attention_heads} heads"
        return super().why_wrong(values, sizes)

    def layer_tokens(self, backbone: nn.Module, clips: torch.Tensor, steps: int) -> list[torch.Tensor]:
        """Embed clips; see `Family.layer_tokens`."""
        *hidden, last = backbone(clips, output_hidden_states=True).hidden_states
        over_space = len(list(backbone.get_submodule("spatial_layers").children()))
        return [
            *(states.unflatten(0, (len(clips), steps)) for states in hidden[:over_space]),
            *(states.unflatten(0, (len(clips), -1)).transpose(1, 2) for states in hidden[over_space:]),
            last.unflatten(1, (steps, -1)),
        ]

    def default_preprocessor(self, size: int) -> tuple[Preprocessor, str]:
        """Return the preprocessing of the published weights; see `Family.default_preprocessor`."""
        return Preprocessor.whole_frame(size, (0.0,) * 3, (1.0,) * 3), "a mean of 0 and a std of 1"
