"""The network that is pre-trained and its objectives: to predict a scene's parameters, or to fill in masked patches."""

import torch
from torch import nn
from torch.nn import functional
from transformers import VideoMAEConfig, VideoMAEForPreTraining

from socal_core.pretraining.pretrain_settings import Objective
from socal_core.pretraining.targets import CLIP_NAMES, TOKEN_NAMES, Targets

MASKED_SHARE = 0.75
"""Share of the patches that are hidden, the same ones in every frame (tube masking, Tong et al., NeurIPS 2022)."""


class Pretrainer(nn.Module):
    """A VideoMAE encoder with what its objectives need beside it."""

    def __init__(self, config: VideoMAEConfig, objective: Objective) -> None:
        super().__init__()
        self.objective = objective
        self.model = VideoMAEForPreTraining(config)
        self.norm = nn.LayerNorm(config.hidden_size)
        """Becomes the classifier's `fc_norm`."""
        self.token_norm = nn.LayerNorm(config.hidden_size)
        self.clip_head = nn.Linear(config.hidden_size, len(CLIP_NAMES))
        self.token_head = nn.Linear(config.hidden_size, len(TOKEN_NAMES))

    def forward(self, pixel_values: torch.Tensor, targets: Targets, masked: torch.Tensor) -> dict[str, torch.Tensor]:
        """The losses by name, each a scalar.

        Args:
            pixel_values: Normalized clips, (clips, frames, 3, size, size).
            targets: Standardized targets.
            masked: Which tokens are hidden, bool (clips, tokens), the same number in each clip.
        """
        losses = {}
        if self.objective is not Objective.MASKED:
            clip, token = self.predict(pixel_values)
            losses["clip"] = functional.smooth_l1_loss(clip, targets.clip)
            losses["token"] = functional.smooth_l1_loss(token, targets.token)
        if self.objective is not Objective.PARAMETERS:
            losses["masked"] = self.model(pixel_values, bool_masked_pos=masked).loss
        return losses

    def predict(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Predict the targets of clips and of their tokens."""
        tokens = self.model.videomae(pixel_values).last_hidden_state
        return self.clip_head(self.norm(tokens.mean(1))), self.token_head(self.token_norm(tokens))


def draw_masks(clips: int, times: int, patches: int, generator: torch.Generator) -> torch.Tensor:
    """Hide the same random patches at all times of a clip; bool (clips, times * patches)."""
    hidden = round(patches * MASKED_SHARE)
    order = torch.rand(clips, patches, generator=generator, device=generator.device).argsort(1)
    return (order < hidden).repeat(1, times)
