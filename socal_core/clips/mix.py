"""Mix the clips of a batch in pairs, by mixup (Zhang et al., ICLR 2018) or CutMix (Yun et al., ICCV 2019).

All clips of a batch have the same mixing weight `lam`. The loss of a mixed clip is `lam` times the loss for its own
label plus (1 - `lam`) times the loss for the label of its partner.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from socal_core.settings import AugmentationSettings


@dataclass(frozen=True)
class Mix:
    """How the clips of one batch are mixed. All frames of a clip are mixed in the same way."""

    lam: float
    """Weight of a clip itself, 0 to 1; for CutMix the fraction of its pixels outside the box."""
    box: tuple[int, int, int, int] | None
    """For CutMix, top, left, bottom, right in pixels of the rectangle taken from the partner. None for mixup."""


def mix_of(settings: AugmentationSettings, batch_size: int, size: int, seed: int) -> Mix | None:
    """Sample how the clips of one batch are mixed. If mixup and CutMix are both on, each is chosen half of the time.

    Args:
        settings: The parameters of mixup and CutMix.
        batch_size: Number of clips in the batch.
        size: Height and width of a clip in pixels.
        seed: Determines the sample together with the settings, 0 … 2^63 - 1.

    Returns:
        The mix; None if both methods are off or the batch has fewer than two clips.
    """
    if batch_size < 2 or settings.mixup == settings.cutmix == 0:
        return None
    rng = np.random.default_rng(seed)
    cut = rng.random() < 0.5 if settings.mixup and settings.cutmix else settings.cutmix > 0
    alpha = settings.cutmix if cut else settings.mixup
    lam = float(rng.beta(alpha, alpha))
    if not cut:
        return Mix(lam, None)
    # As in the paper: a square around a random pixel, clipped at the edges. The remaining area gives the weight.
    half = round(size * math.sqrt(1 - lam)) / 2
    row, column = rng.integers(size, size=2).tolist()
    top, left = max(0, math.floor(row - half)), max(0, math.floor(column - half))
    bottom, right = min(size, math.floor(row + half)), min(size, math.floor(column + half))
    return Mix(1 - (bottom - top) * (right - left) / size**2, (top, left, bottom, right))


def partner_of(position: int, batch_size: int) -> int:
    """Return the position of the clip that a clip is mixed with, counted from the other end of the batch.

    The middle clip of a batch of odd size is its own partner, and mixing does not change it.
    """
    return batch_size - 1 - position


def apply_mix(clips: torch.Tensor, partners: torch.Tensor, mix: Mix) -> torch.Tensor:
    """Mix clips with their partners.

    Args:
        clips: Shape (clips, frames, 3, size, size).
        partners: The clip that each is mixed with, same shape.
        mix: How to mix them.

    Returns:
        A new tensor of the same shape.

    Raises:
        ValueError: The shapes differ.
    """
    if clips.shape != partners.shape:
        raise ValueError(
            f"clips and partners must have the same shape, got {tuple(clips.shape)} and {tuple(partners.shape)}"
        )
    if mix.box is None:
        return torch.lerp(partners, clips, mix.lam)
    top, left, bottom, right = mix.box
    mixed = clips.clone()
    mixed[..., top:bottom, left:right] = partners[..., top:bottom, left:right]
    return mixed
