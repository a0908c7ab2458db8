"""The network that is pre-trained, and its objectives: predict the parameters of a scene, or masked patches."""

import torch
from torch import nn
from torch.nn import functional
from transformers import VideoMAEConfig, VideoMAEForPreTraining

from socal_core.pretraining.pretrain_settings import Objective
from socal_core.pretraining.targets import CLIP_NAMES, TOKEN_NAMES, Targets

MASKED_FRACTION = 0.75
"""Fraction of the patches of generated clips that are masked."""


class Pretrainer(nn.Module):
    """A VideoMAE encoder with the decoder, norms and heads of its objectives."""

    def __init__(self, config: VideoMAEConfig, objective: Objective) -> None:
        super().__init__()
        self.objective = objective
        self.model = VideoMAEForPreTraining(config)
        self.norm = nn.LayerNorm(config.hidden_size)
        """Becomes `fc_norm` of the classifier."""
        self.token_norm = nn.LayerNorm(config.hidden_size)
        self.clip_head = nn.Linear(config.hidden_size, len(CLIP_NAMES))
        self.token_head = nn.Linear(config.hidden_size, len(TOKEN_NAMES))

    def forward(self, pixel_values: torch.Tensor, targets: Targets, masked: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the losses of the objective.

        Args:
            pixel_values: Normalized clips, (clips, frames, 3, size, size).
            targets: Standardized targets.
            masked: Which tokens are masked, bool (clips, tokens), the same number in each clip.

        Returns:
            Scalar losses by name: `clip` and `token`, `masked`, or all three.
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
        """Predict the standardized targets of clips, (clips, targets), and tokens, (clips, tokens, targets)."""
        tokens = self.model.videomae(pixel_values).last_hidden_state
        return self.clip_head(self.norm(tokens.mean(1))), self.token_head(self.token_norm(tokens))


def sample_masks(clips: int, times: int, patches: int, generator: torch.Generator, fraction: float) -> torch.Tensor:
    """Sample which tokens are masked: the same random patches at all times of a clip.

    This is the tube masking of VideoMAE (Tong et al., NeurIPS 2022).

    Args:
        clips: Number of clips.
        times: Number of tokens in time.
        patches: Number of patches in a frame, at least two.
        generator: Source of the random numbers; its device receives the masks.
        fraction: Fraction of the patches that are masked. At least one patch is masked, and one is visible.

    Returns:
        True for masked tokens, bool (clips, times * patches).
    """
    masked = min(max(round(patches * fraction), 1), patches - 1)
    order = torch.rand(clips, patches, generator=generator, device=generator.device).argsort(1)
    return (order < masked).repeat(1, times)
