"""Augment training clips by batch, on the device of the batch. All frames of a clip change in the same way.

The order is colour jitter, all geometric changes in one interpolation, RandAugment's colour changes, random erasing.
Statistics of a clip, such as its mean colour, are computed over all of its frames, so that nothing flickers. Crop,
rotation and RandAugment's geometric operations reflect the frame at its edge, which avoids black corners and streaks.

RandAugment's operations are those of its paper (Cubuk et al., CVPR Workshops 2020) without solarize, and without
invert, which later implementations add. Both turn colours into their opposites, but the colour of blood and tissue
carries information. Cutout, another later addition, has its own setting here: random erasing.
"""

import math
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import zip_longest
from typing import TypeVar

import kornia.enhance
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from socal_core.clips.clip_change import WHOLE, Box, ClipChange, Operation, Recolour, Step, sample_change
from socal_core.settings import AugmentationSettings

T = TypeVar("T")

# NTSC. The first row gives the luma that torchvision and Pillow use for contrast and saturation.
_RGB_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_YIQ_TO_RGB = np.linalg.inv(_RGB_TO_YIQ)


class Augmentation:
    """The augmentation that the settings of a run select. Only training uses it."""

    def __init__(self, settings: AugmentationSettings) -> None:
        self._settings = settings

    def __call__(self, clips: torch.Tensor, seeds: Sequence[int]) -> torch.Tensor:
        """Augment clips.

        Args:
            clips: Float on a 0-1 scale, (clips, frames, 3, size, size).
            seeds: One per clip, 0 … 2^63 - 1.

        Returns:
            The changed clips, as `apply_changes` returns them.
        """
        return apply_changes(clips, [sample_change(self._settings, seed) for seed in seeds])


def apply_changes(clips: torch.Tensor, changes: Sequence[ClipChange]) -> torch.Tensor:
    """Apply one change to each clip.

    The result for a clip does not depend on its batch: bitwise on a CPU, up to rounding on a GPU.

    Args:
        clips: Float on a 0-1 scale, (clips, frames, 3, size, size). Not modified.
        changes: One per clip.

    Returns:
        Clips of the same shape, scale and device; the input itself if nothing changes.

    Raises:
        ValueError: The numbers of clips and changes differ.
    """
    if len(clips) != len(changes):
        raise ValueError(f"one change per clip is needed, got {len(changes)} for {len(clips)} clips")
    if all(change == ClipChange() for change in changes):
        return clips
    jitters = {i: change.jitter for i, change in enumerate(changes) if change.jitter != Recolour()}
    changed = _change(clips if len(jitters) == len(clips) else clips.clone(), jitters, _recolour)
    flips = {i: True for i, change in enumerate(changes) if change.flip}
    changed = _change(changed, flips, lambda part, _: part.flip(-1))
    warps = {i: warp for i, change in enumerate(changes) if (warp := _warp_of(change)) is not None}
    changed = _change(changed, warps, _warp)
    for steps in zip_longest(*(change.steps for change in changes)):
        for operation, function in _COLOUR_CHANGES.items():
            strengths = {i: step.strength for i, step in enumerate(steps) if step and step.operation is operation}
            changed = _change(changed, strengths, function)
    for clip, change in zip(changed, changes, strict=True):
        if change.erased is not None:
            _erase(clip, change.erased)
    return changed


def _change(
    clips: torch.Tensor, values: dict[int, T], change: Callable[[torch.Tensor, list[T]], torch.Tensor]
) -> torch.Tensor:
    """Change the clips at the positions that are the keys of `values`, in place; the others keep every bit."""
    chosen = list(values)
    if len(chosen) == len(clips):
        return change(clips, list(values.values()))
    if chosen:
        clips[chosen] = change(clips[chosen], list(values.values()))
    return clips


def _recolour(clips: torch.Tensor, recolours: Sequence[Recolour]) -> torch.Tensor:
    """Change brightness, contrast about the clip's mean grey, saturation and hue by one linear map of RGB per clip.

    Hue rotates and saturation scales the plane of I and Q in YIQ, as in adjust_hsv_in_yiq of TensorFlow Addons and
    DALI's color_twist; luma is unchanged. HSV is not linear: a change of hue in HSV alone takes ten times as long.
    """
    maps = np.stack([_colour_map(recolour) for recolour in recolours])
    gains = torch.as_tensor(maps, dtype=clips.dtype, device=clips.device)
    fades = [recolour.brightness * (1 - recolour.contrast) for recolour in recolours]
    offsets = torch.tensor(fades, dtype=clips.dtype, device=clips.device)
    if any(fades):
        means = clips.mean((-2, -1)).mean(1)  # (clips, 3); first per frame, which fixes the order of the sum
        offsets = offsets * sum(means[:, i] * luma for i, luma in enumerate(_RGB_TO_YIQ[0].tolist()))
    frames = clips.flatten(0, 1).flatten(2)  # (clips * frames, 3, size * size), one product per frame
    per_frame = clips.shape[1]
    offsets, gains = offsets.repeat_interleave(per_frame)[:, None, None], gains.repeat_interleave(per_frame, 0)
    return torch.baddbmm(offsets, gains, frames).clamp_(0, 1).view_as(clips)


def _colour_map(recolour: Recolour) -> NDArray[np.float64]:
    # Red to green to blue is the direction from Q to I, hence the sign.
    angle = -2 * math.pi * recolour.hue
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    in_yiq = np.eye(3)
    in_yiq[1:, 1:] = recolour.saturation * turn
    mapped: NDArray[np.float64] = recolour.brightness * recolour.contrast * (_YIQ_TO_RGB @ in_yiq @ _RGB_TO_YIQ)
    return mapped


def _warp_of(change: ClipChange) -> NDArray[np.float64] | None:
    """Return the map from output to input positions, (3, 3), on a scale from -1 to 1; None if nothing moves."""
    moves = [_move(step) for step in (Step(Operation.ROTATE, change.rotation), *change.steps)]
    if change.crop != WHOLE:
        top, left, bottom, right = change.crop
        moves.append(np.array([[right - left, 0, left + right - 1], [0, bottom - top, top + bottom - 1], [0, 0, 1]]))
    warp: NDArray[np.float64] = reduce(np.matmul, moves, np.eye(3))
    return None if np.array_equal(warp, np.eye(3)) else warp


def _move(step: Step) -> NDArray[np.float64]:
    """Return the matrix of a geometric step, from output to input positions; the identity for other steps."""
    matrix, strength = np.eye(3), step.strength
    match step.operation:
        case Operation.ROTATE:
            sine, cosine = math.sin(math.radians(strength)), math.cos(math.radians(strength))
            matrix[:2, :2] = [[cosine, -sine], [sine, cosine]]
        case Operation.SHEAR_X | Operation.SHEAR_Y:
            matrix[(0, 1) if step.operation is Operation.SHEAR_X else (1, 0)] = strength
        case Operation.TRANSLATE_X | Operation.TRANSLATE_Y:
            matrix[0 if step.operation is Operation.TRANSLATE_X else 1, 2] = -2 * strength
    return matrix


def _warp(clips: torch.Tensor, warps: Sequence[NDArray[np.float64]]) -> torch.Tensor:
    size = clips.shape[-1]
    rows = torch.as_tensor(np.stack(warps), dtype=clips.dtype, device=clips.device)[..., None, None]
    x = torch.linspace(-1 + 1 / size, 1 - 1 / size, size, dtype=clips.dtype, device=clips.device)
    # functional.affine_grid may compute with reduced precision on a GPU, which is too coarse for positions.
    grid = torch.stack([rows[:, i, 0] * x + rows[:, i, 1] * x[:, None] + rows[:, i, 2] for i in (0, 1)], dim=-1)
    frames_as_channels = clips.flatten(1, 2)  # one grid serves all frames of a clip
    warped = functional.grid_sample(frames_as_channels, grid, padding_mode="reflection", align_corners=False)
    return warped.clamp_(0, 1).view_as(clips)


def _stretch(clips: torch.Tensor, _: list[float]) -> torch.Tensor:
    """Stretch each channel of a clip to 0 … 1; a constant channel is unchanged."""
    low, high = clips.amin((1, 3, 4), keepdim=True), clips.amax((1, 3, 4), keepdim=True)
    return torch.where(high > low, (clips - low) / (high - low), clips)


def _equalize(clips: torch.Tensor, _: list[float]) -> torch.Tensor:
    return kornia.enhance.equalize3d(clips.transpose(1, 2)).transpose(1, 2).contiguous()


def _posterize(clips: torch.Tensor, bits: list[float]) -> torch.Tensor:
    levels = torch.tensor(bits, dtype=torch.int64, device=clips.device).repeat_interleave(clips.shape[1])
    return kornia.enhance.posterize(clips.flatten(0, 1), levels).view_as(clips)


def _sharpen(clips: torch.Tensor, factors: list[float]) -> torch.Tensor:
    per_frame = torch.tensor(factors, dtype=clips.dtype, device=clips.device).repeat_interleave(clips.shape[1])
    return kornia.enhance.sharpness(clips.flatten(0, 1), per_frame).view_as(clips)


_COLOUR_CHANGES: dict[Operation, Callable[[torch.Tensor, list[float]], torch.Tensor]] = {
    Operation.AUTO_CONTRAST: _stretch,
    Operation.EQUALIZE: _equalize,
    Operation.POSTERIZE: _posterize,
    Operation.BRIGHTNESS: lambda clips, factors: _recolour(clips, [Recolour(brightness=f) for f in factors]),
    Operation.CONTRAST: lambda clips, factors: _recolour(clips, [Recolour(contrast=f) for f in factors]),
    Operation.COLOR: lambda clips, factors: _recolour(clips, [Recolour(saturation=f) for f in factors]),
    Operation.SHARPNESS: _sharpen,
}


def _erase(clip: torch.Tensor, box: Box) -> None:
    """Fill a rectangle of a clip (frames, 3, size, size), in place, with the clip's mean colour.

    Noise was slightly better in the paper, but would differ between CPU and GPU. Black would look like a border.
    """
    top, left, bottom, right = (round(fraction * clip.shape[-1]) for fraction in box)
    clip[..., top:bottom, left:right] = clip.mean((-2, -1)).mean(0)[:, None, None]
