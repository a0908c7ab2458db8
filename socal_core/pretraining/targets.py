"""What a model is asked to tell about a procedural clip: numbers of the whole clip and of each token."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from socal_core.pretraining.render import Clips
from socal_core.pretraining.scenes import KINDS, LIQUID, TUBE

LIMIT = 4.0
"""Standardized targets are cut off here: a few extreme clips must not decide the loss."""
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
    """(clips, len(CLIP_NAMES))."""
    token: torch.Tensor
    """(clips, tokens, len(TOKEN_NAMES)), tokens in the order of VideoMAE: time, then rows, then columns."""


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of each target over many clips."""

    clip: tuple[torch.Tensor, torch.Tensor]
    token: tuple[torch.Tensor, torch.Tensor]

    @classmethod
    def of(cls, targets: Targets) -> "Scaling":
        """Measure it on a batch of clips."""
        token = targets.token.flatten(0, 1)
        return cls(
            (targets.clip.mean(0), targets.clip.std(0).clamp(min=1e-4)), (token.mean(0), token.std(0).clamp(min=1e-4))
        )

    def __call__(self, targets: Targets) -> Targets:
        """Standardize targets and cut off extreme values."""
        return Targets(
            ((targets.clip - self.clip[0]) / self.clip[1]).clamp(-LIMIT, LIMIT),
            ((targets.token - self.token[0]) / self.token[1]).clamp(-LIMIT, LIMIT),
        )


def targets_of(clips: Clips, tubelet: int, patch: int) -> Targets:
    """Compute the targets of clips for a model with tokens of `tubelet` frames and `patch` pixels."""
    return Targets(_clip_targets(clips), _token_targets(clips, tubelet, patch))


def _clip_targets(clips: Clips) -> torch.Tensor:
    area = clips.coverage.mean((-1, -2))  # (clips, frames, kinds)
    moved = torch.einsum("ntkhw,ntdhw->ntkd", clips.coverage, clips.flow) / clips.coverage[0, 0, 0].numel()
    speed = torch.einsum("ntkhw,nthw->ntk", clips.coverage, clips.flow.norm(dim=2)) / clips.coverage[0, 0, 0].numel()
    colour = clips.video.mean((-1, -2))  # (clips, frames, 3)
    difference = torch.diff(clips.video, dim=1).abs().mean((2, 3, 4))  # (clips, frames - 1)
    parts = [
        clips.camera.numbers,
        area.mean(1),
        slope(area),
        torch.diff(area, dim=1).abs().mean(1),
        area.std(1),
        speed.mean(1),
        moved[..., 0].sum(1),
        moved[..., 1].sum(1),
        *_object_targets(clips),
        colour.mean(1),
        slope(colour),
        difference.mean(1, keepdim=True),
        slope(difference[..., None]),
    ]
    return torch.cat(parts, 1)


def _object_targets(clips: Clips) -> list[torch.Tensor]:
    """For each kind the numbers of its objects, weighted by how much of each can be seen; and the order of events."""
    device = clips.video.device
    total = torch.zeros(len(clips.video), KINDS, len(OBJECT_NAMES), device=device)
    weight = torch.zeros(len(clips.video), KINDS, 1, device=device)
    for layer in clips.layers:
        inside = (layer.path.abs().amax(-1) < 1.2).float()
        seen = (layer.presence * inside * layer.size.clamp(max=1)).mean(1, keepdim=True)
        total[:, layer.kind] += seen * layer.numbers
        weight[:, layer.kind] += seen
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
    """Least-squares slope over time from -1 to 1 of curves (clips, frames, dims), (clips, dims)."""
    time = torch.linspace(-1, 1, curves.shape[1], device=curves.device)
    return torch.einsum("ntd,t->nd", curves, time) / (time**2).sum()
