"""Procedural clips for training, drawn in pools: each pool is used a few times, then another one is drawn.

Drawing a clip takes about as long as training on it several times, so reuse pays.
"""

from collections.abc import Callable

import torch

from socal_core.clips.sampling import draw_seed
from socal_core.pretraining.pretrain_settings import PretrainSettings
from socal_core.pretraining.render import render
from socal_core.pretraining.targets import Targets, targets_of
from socal_core.runs.architecture import TINY_ARCHITECTURE as TINY

PATCH = 16
"""Height and width of a token in pixels, as in TINY."""
PASSES = 8
"""How often each clip of a pool is used."""
RENDERED_AT_ONCE = 64
"""Clips that are drawn together; part of what decides the clips, so it never depends on the machine."""


class ClipPool:
    """The batches of a pre-training run, each decided by the seed and the step alone."""

    def __init__(self, settings: PretrainSettings, device: torch.device, show: Callable[[int, int], None]) -> None:
        self._batch_size, self._frames, self._seed = settings.batch_size, settings.frames, settings.seed
        self._device, self._show = device, show
        self._steps_per_pass = max(1, settings.pool_clips // settings.batch_size)
        self._number: int | None = None

    def batch(self, step: int) -> tuple[torch.Tensor, Targets]:
        """The clips of a step, counted from 0: uint8 (batch, frames, 3, size, size), and their targets."""
        number, place = divmod(step, self._steps_per_pass * PASSES)
        if number != self._number:
            clips = self._steps_per_pass * self._batch_size
            seed = draw_seed(self._seed, number, "pool")
            self._video, self._targets = draw_clips(clips, self._frames, seed, self._device, self._show)
            self._number = number
        turn, start = divmod(place, self._steps_per_pass)
        generator = torch.Generator().manual_seed(draw_seed(self._seed, number, turn, "order"))
        order = torch.randperm(len(self._video), generator=generator)
        rows = order[start * self._batch_size : (start + 1) * self._batch_size].to(self._device)
        return self._video[rows], Targets(self._targets.clip[rows], self._targets.token[rows])


@torch.no_grad()
def draw_clips(
    clips: int,
    frames: int,
    seed: int,
    device: torch.device,
    show: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[torch.Tensor, Targets]:
    """Draw clips and their targets.

    Args:
        clips: Number of clips.
        frames: Frames in a clip.
        seed: The same seed gives the same clips on the same kind of device.
        device: Where they are drawn and kept.
        show: Called from time to time with the clips drawn so far and the clips in all.

    Returns:
        RGB bytes, uint8 (clips, frames, 3, size, size), and the targets.
    """
    generator = torch.Generator(device).manual_seed(seed)
    videos, clip_targets, token_targets = [], [], []
    for start in range(0, clips, RENDERED_AT_ONCE):
        show(start, clips)
        drawn = render(min(RENDERED_AT_ONCE, clips - start), frames, TINY.image_size, generator)
        targets = targets_of(drawn, TINY.tubelet_size, PATCH)
        videos.append((drawn.video * 255).round().to(torch.uint8))
        clip_targets.append(targets.clip)
        token_targets.append(targets.token)
    return torch.cat(videos), Targets(torch.cat(clip_targets), torch.cat(token_targets))
