"""Procedural clips for training, rendered in pools. Each pool is used several times before the next one is rendered.

Rendering a clip takes about as long as training on it several times, so reusing clips saves time.
"""

from collections.abc import Callable

import torch

from socal_core.clips.sampling import derive_seed
from socal_core.pretraining.pretrain_settings import PretrainSettings
from socal_core.pretraining.render import render
from socal_core.pretraining.targets import Targets, targets_of
from socal_core.runs.architecture import TINY_ARCHITECTURE as TINY

PATCH = 16
"""Height and width of a token in pixels, as in TINY."""
PASSES = 8
"""How many times each clip of a pool is used."""
RENDERED_AT_ONCE = 64
"""Clips that are rendered together. The clips depend on this number, so it is the same on all machines."""


class ClipPool:
    """The batches of a pre-training run. Each batch depends only on the settings and the step."""

    def __init__(self, settings: PretrainSettings, device: torch.device, show: Callable[[int, int], None]) -> None:
        self._batch_size, self._frames, self._seed = settings.batch_size, settings.frames, settings.seed
        self._device, self._show = device, show
        self._steps_per_pass = max(1, settings.pool_clips // settings.batch_size)
        self._number: int | None = None

    def batch(self, step: int) -> tuple[torch.Tensor, Targets]:
        """Return the clips of a step.

        Args:
            step: The number of the step, from 0.

        Returns:
            RGB bytes, uint8 (batch, frames, 3, size, size), and their targets.
        """
        number, step_in_pool = divmod(step, self._steps_per_pass * PASSES)
        if number != self._number:
            clips = self._steps_per_pass * self._batch_size
            seed = derive_seed(self._seed, number, "pool")
            self._video, self._targets = generate_clips(clips, self._frames, seed, self._device, self._show)
            self._number = number
        pass_number, start = divmod(step_in_pool, self._steps_per_pass)
        generator = torch.Generator().manual_seed(derive_seed(self._seed, number, pass_number, "order"))
        order = torch.randperm(len(self._video), generator=generator)
        rows = order[start * self._batch_size : (start + 1) * self._batch_size].to(self._device)
        return self._video[rows], Targets(self._targets.clip[rows], self._targets.token[rows])


@torch.no_grad()
def generate_clips(
    clips: int,
    frames: int,
    seed: int,
    device: torch.device,
    show: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[torch.Tensor, Targets]:
    """Render clips and compute their targets.

    Args:
        clips: Number of clips.
        frames: Frames in a clip.
        seed: The same seed gives the same clips on the same kind of device.
        device: The device that renders and stores the clips.
        show: Called before each group of clips with the number of rendered clips and of all clips.

    Returns:
        RGB bytes, uint8 (clips, frames, 3, size, size), and the targets.
    """
    generator = torch.Generator(device).manual_seed(seed)
    videos, clip_targets, token_targets = [], [], []
    for start in range(0, clips, RENDERED_AT_ONCE):
        show(start, clips)
        rendered = render(min(RENDERED_AT_ONCE, clips - start), frames, TINY.image_size, generator)
        targets = targets_of(rendered, TINY.tubelet_size, PATCH)
        videos.append((rendered.video * 255).round().to(torch.uint8))
        clip_targets.append(targets.clip)
        token_targets.append(targets.token)
    return torch.cat(videos), Targets(torch.cat(clip_targets), torch.cat(token_targets))
