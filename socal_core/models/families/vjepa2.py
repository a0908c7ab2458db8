"""V-JEPA 2 (Assran et al., 2025, arXiv 2506.09985): joint attention with rotary positions, attentive classifier."""

from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import nn
from transformers import VJEPA2Config
from transformers.modeling_outputs import ImageClassifierOutput

from socal_core.clips.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessor
from socal_core.models.families.family import ClipSize, Family
from socal_core.runs.architecture import Architecture, VJepa2Architecture

RESIZE_RATIO = 256 / 224
"""The shorter edge after resizing, as a multiple of the crop (VJEPA2VideoProcessor of transformers)."""


class VJEPA2ForVideoClassification(transformers.VJEPA2ForVideoClassification):
    """The classifier of transformers without the predictor of its pre-training, which it never uses.

    A parameter that no loss reaches would be counted, initialized at random, and awaited by several processes.
    """

    main_input_name = "pixel_values"

    def __init__(self, config: VJEPA2Config) -> None:
        super().__init__(config)
        del self.vjepa2.predictor

    def forward(self, pixel_values: torch.Tensor) -> ImageClassifierOutput:
        """Classify clips, (batch, frames, 3, size, size)."""
        return ImageClassifierOutput(logits=super().forward(pixel_values_videos=pixel_values).logits)


class VJepa2(Family):
    """A V-JEPA 2 pools its tokens with learned attention."""

    title = "V-JEPA 2"
    architecture = VJepa2Architecture
    config_class = VJEPA2Config
    classifier = VJEPA2ForVideoClassification
    backbone = "vjepa2"
    head = ("classifier.", "pooler.")
    last_norm = "pooler.cross_attention_layer."
    needed = ("encoder.",)
    frames_field = "frames_per_clip"
    size_field = "crop_size"
    channels_field = "in_chans"
    dropout_fields = ()
    attention_dropout_fields = ("attention_probs_dropout_prob", "attention_dropout")
    other_fields = ("hidden_act", "initializer_range", "layer_norm_eps", "qkv_bias", "mlp_ratio")

    def size_fields(self, sizes: Architecture) -> dict[str, Any]:
        """Return the sizes by their names in the configuration."""
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "patch_size", "tubelet_size")
        fields = {name: getattr(sizes, name) for name in (*names, "num_pooler_layers")}
        return {**fields, "crop_size": sizes.image_size}

    def why_wrong(self, values: Mapping[str, Any], sizes: Architecture) -> str:
        """Say why the network cannot be used; see `Family.why_wrong`."""
        if not isinstance(sizes.patch_size, int):
            return f"patch_size {list(sizes.patch_size)} is not square"
        return super().why_wrong(values, sizes)

    def shape_note(self, trained: ClipSize, used: ClipSize) -> str:
        """Describe what happens to the positions; see `Family.shape_note`."""
        if trained == used:
            return ""
        return f"its rotary positions are computed for {used}; it was trained on {trained}."

    def layer_tokens(self, backbone: nn.Module, clips: torch.Tensor, steps: int) -> list[torch.Tensor]:
        """Embed clips; see `Family.layer_tokens`."""
        hidden = backbone(clips, skip_predictor=True, output_hidden_states=True).hidden_states
        return [states.unflatten(1, (steps, -1)) for states in hidden]

    def default_preprocessor(self, size: int) -> tuple[Preprocessor, str]:
        """Return the preprocessing of the published weights; see `Family.default_preprocessor`."""
        preprocessor = Preprocessor.for_size(size, IMAGENET_MEAN, IMAGENET_STD, int(size * RESIZE_RATIO))
        return preprocessor, "ImageNet's mean and std"
