"""Mixing the clips of a batch two by two: mixup (Zhang et al., ICLR 2018) and CutMix (Yun et al., ICCV 2019).

All clips of a batch share one mixing weight `lam`. The loss of a mixed clip is `lam` times the loss for its own label
plus (1 - `lam`) times the loss for the label of its partner.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from socal_core.settings import AugmentationSettings


@dataclass(frozen=True)
class Mix:
    """How the clips of one batch are mixed; all their frames alike."""

    lam: float
    """Weight of the own clip, 0-1; for CutMix the fraction of pixels outside the box."""
    box: tuple[int, int, int, int] | None
    """CutMix: top, left, bottom, right of the rectangle that comes from the partner, in pixels. None is mixup."""


def mix_of(settings: AugmentationSettings, batch_size: int, size: int, seed: int) -> Mix | None:
    """The mix of one batch of clips of size x size pixels, fixed by its seed (0 … 2^63 - 1) and the settings.

    With mixup and CutMix both on, each is chosen half of the time. None where both are off or a clip has no partner.
    """
    if batch_size < 2 or settings.mixup == settings.cutmix == 0:
        return None
    rng = np.random.default_rng(seed)
    cut = rng.random() < 0.5 if settings.mixup and settings.cutmix else settings.cutmix > 0
    alpha = settings.cutmix if cut else settings.mixup
    lam = float(rng.beta(alpha, alpha))
    if not cut:
        return Mix(lam, None)
    # As in the paper: a square around a random pixel, cut at the edges; the weight follows from the remaining area.
    half = round(size * math.sqrt(1 - lam)) / 2
    row, column = rng.integers(size, size=2).tolist()
    top, left = max(0, math.floor(row - half)), max(0, math.floor(column - half))
    bottom, right = min(size, math.floor(row + half)), min(size, math.floor(column + half))
    return Mix(1 - (bottom - top) * (right - left) / size**2, (top, left, bottom, right))


def partner_of(position: int, batch_size: int) -> int:
    """The position of the clip that a clip is mixed with: mirrored, so partners are each other's.

    The middle of an odd batch is its own partner, and mixing changes nothing there.
    """
    return batch_size - 1 - position


def apply_mix(clips: torch.Tensor, partners: torch.Tensor, mix: Mix) -> torch.Tensor:
    """The clips mixed with their partners, both (clips, frames, 3, size, size), into a new tensor of that shape."""
    if clips.shape != partners.shape:
        raise ValueError(f"clips and partners must have one shape, got {tuple(clips.shape)}, {tuple(partners.shape)}")
    if mix.box is None:
        return torch.lerp(partners, clips, mix.lam)
    top, left, bottom, right = mix.box
    mixed = clips.clone()
    mixed[..., top:bottom, left:right] = partners[..., top:bottom, left:right]
    return mixed
