"""ViViT (Arnab et al., ICCV 2021), model 1: joint attention over all tokens, learned positions."""

from typing import Any

import torch
from torch import nn
from transformers import VivitConfig, VivitForVideoClassification

from socal_core.clips.preprocess import Preprocessor
from socal_core.models.families.family import Family
from socal_core.models.families.positions import Learned
from socal_core.runs.architecture import Architecture, VivitArchitecture


class Vivit(Family):
    """A ViViT classifies its class token."""

    title = "ViViT"
    architecture = VivitArchitecture
    config_class = VivitConfig
    classifier = VivitForVideoClassification
    backbone = "vivit"
    head = ("classifier.",)
    last_norm = "layernorm."
    needed = ("embeddings.", "layers.", "layernorm.")
    positions = (Learned("embeddings.position_embeddings", in_time=True, in_space=True, class_token=True),)

    def size_fields(self, sizes: Architecture) -> dict[str, Any]:
        """Return the sizes by their names in the configuration."""
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "image_size")
        return {**{name: getattr(sizes, name) for name in names}, "tubelet_size": tubelet_list(sizes)}

    def layer_tokens(self, backbone: nn.Module, clips: torch.Tensor, steps: int) -> list[torch.Tensor]:
        """Embed clips; see `Family.layer_tokens`."""
        hidden = backbone(clips, output_hidden_states=True).hidden_states
        return [states[:, 1:].unflatten(1, (steps, -1)) for states in hidden]

    def default_preprocessor(self, size: int) -> tuple[Preprocessor, str]:
        """Return the preprocessing of the published weights; see `Family.default_preprocessor`."""
        return Preprocessor.for_size(size, (0.5,) * 3, (0.5,) * 3), "a mean and a std of 0.5"


def tubelet_list(sizes: Architecture) -> list[int]:
    """Return the frames, height and width of a token as a configuration lists them."""
    patch = sizes.patch_size
    return [sizes.tubelet_size, *((patch, patch) if isinstance(patch, int) else patch)]
