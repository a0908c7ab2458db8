"""The numbers that a model learns to predict about a procedural clip: for the whole clip and for each token."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from socal_core.pretraining.render import Clips
from socal_core.pretraining.scenes import KINDS, LIQUID, TUBE

LIMIT = 4.0
"""Standardized targets are clipped here, so that a few extreme clips do not dominate the loss."""
CAMERA_NAMES = ("camera turn", "camera zoom", "camera x", "camera y", "camera shake", "light")
KIND_NAMES = ("shape", "tube", "liquid", "smoke")
AREA_NAMES = ("area", "area slope", "area change", "area spread")
MOTION_NAMES = ("speed", "net x", "net y")
OBJECT_NAMES = ("appears", "disappears", "motion x", "motion y", "oscillation", "growth", "turn")
COLOUR_NAMES = ("red", "green", "blue")
CLIP_NAMES = (
    *CAMERA_NAMES,
    *(f"{kind} {name}" for name in AREA_NAMES for kind in KIND_NAMES),
    *(f"{kind} {name}" for name in MOTION_NAMES for kind in KIND_NAMES),
    *(f"{kind} {name}" for kind in KIND_NAMES for name in OBJECT_NAMES),
    "liquid after tube",
    *COLOUR_NAMES,
    *(f"{colour} slope" for colour in COLOUR_NAMES),
    "frame difference",
    "frame difference slope",
)
"""The targets of a whole clip, in order."""
TOKEN_NAMES = (*KIND_NAMES, "flow x", "flow y", *COLOUR_NAMES, *(f"{colour} change" for colour in COLOUR_NAMES))
"""The targets of each token, in order."""


@dataclass(frozen=True)
class Targets:
    """Targets of a batch of clips."""

    clip: torch.Tensor
    """Targets of whole clips, (clips, len(CLIP_NAMES))."""
    token: torch.Tensor
    """Targets of tokens, (clips, tokens, len(TOKEN_NAMES)), in the order of VideoMAE: time, row, column."""


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of each target over many clips."""

    clip: tuple[torch.Tensor, torch.Tensor]
    token: tuple[torch.Tensor, torch.Tensor]

    @classmethod
    def of(cls, targets: Targets) -> "Scaling":
        """Compute mean and standard deviation over a batch of clips."""
        token = targets.token.flatten(0, 1)
        return cls(
            (targets.clip.mean(0), targets.clip.std(0).clamp(min=1e-4)), (token.mean(0), token.std(0).clamp(min=1e-4))
        )

    def __call__(self, targets: Targets) -> Targets:
        """Standardize targets and clip extreme values."""
        return Targets(
            ((targets.clip - self.clip[0]) / self.clip[1]).clamp(-LIMIT, LIMIT),
            ((targets.token - self.token[0]) / self.token[1]).clamp(-LIMIT, LIMIT),
        )


def targets_of(clips: Clips, tubelet: int, patch: int) -> Targets:
    """Compute the targets of clips.

    Args:
        clips: Rendered clips.
        tubelet: Frames in a token of the model.
        patch: Height and width of a token in pixels.
    """
    return Targets(_clip_targets(clips), _token_targets(clips, tubelet, patch))


def _clip_targets(clips: Clips) -> torch.Tensor:
    area = clips.coverage.mean((-1, -2))  # (clips, frames, kinds)
    displacement = torch.einsum("ntkhw,ntdhw->ntkd", clips.coverage, clips.flow) / clips.coverage[0, 0, 0].numel()
    speed = torch.einsum("ntkhw,nthw->ntk", clips.coverage, clips.flow.norm(dim=2)) / clips.coverage[0, 0, 0].numel()
    colour = clips.video.mean((-1, -2))  # (clips, frames, 3)
    difference = torch.diff(clips.video, dim=1).abs().mean((2, 3, 4))  # (clips, frames - 1)
    parts = [
        clips.camera.parameters,
        area.mean(1),
        slope(area),
        torch.diff(area, dim=1).abs().mean(1),
        area.std(1),
        speed.mean(1),
        displacement[..., 0].sum(1),
        displacement[..., 1].sum(1),
        *_object_targets(clips),
        colour.mean(1),
        slope(colour),
        difference.mean(1, keepdim=True),
        slope(difference[..., None]),
    ]
    return torch.cat(parts, 1)


def _object_targets(clips: Clips) -> list[torch.Tensor]:
    """Average the parameters of the objects of each kind by visibility, and compute the order of events."""
    device = clips.video.device
    total = torch.zeros(len(clips.video), KINDS, len(OBJECT_NAMES), device=device)
    weight = torch.zeros(len(clips.video), KINDS, 1, device=device)
    for layer in clips.layers:
        in_frame = (layer.path.abs().amax(-1) < 1.2).float()
        visibility = (layer.presence * in_frame * layer.size.clamp(max=1)).mean(1, keepdim=True)
        total[:, layer.kind] += visibility * layer.parameters
        weight[:, layer.kind] += visibility
    means = total / (weight + 0.02)
    both = (weight[:, LIQUID] > 0.02) & (weight[:, TUBE] > 0.02)
    order = torch.where(both, means[:, LIQUID, :1] - means[:, TUBE, :1], 0.0)
    return [means.flatten(1), order]


def _token_targets(clips: Clips, tubelet: int, patch: int) -> torch.Tensor:
    change = torch.diff(clips.video, dim=1, append=clips.video[:, -1:])
    maps = torch.cat([clips.coverage, clips.flow, clips.video, change], 2).transpose(1, 2)
    pooled = functional.avg_pool3d(maps, (tubelet, patch, patch))
    return pooled.flatten(2).transpose(1, 2)


def slope(curves: torch.Tensor) -> torch.Tensor:
    """Compute the least-squares slope, (clips, dims), of curves (clips, frames, dims) over time from -1 to 1."""
    time = torch.linspace(-1, 1, curves.shape[1], device=curves.device)
    return torch.einsum("ntd,t->nd", curves, time) / (time**2).sum()
