"""Augmentation of training clips: one draw a clip, so that all its frames change alike."""

import kornia.augmentation as kornia
import torch

from socal_core.runs.config import TrainConfig


class Augmentation:
    """Flip, colour jitter and rotation by the run's settings; the draw is fixed by the seed of each call."""

    def __init__(self, config: TrainConfig) -> None:
        jitter = config.color_jitter
        self._draw = kornia.VideoSequential(
            kornia.RandomHorizontalFlip(p=config.horizontal_flip),
            kornia.ColorJitter(jitter, jitter, jitter, config.hue_jitter, p=1.0),
            kornia.RandomRotation(config.rotation_degrees, p=float(config.rotation_degrees > 0)),
            data_format="BTCHW",
            same_on_frame=True,
        )

    def __call__(self, clip: torch.Tensor, seed: int) -> torch.Tensor:
        """Change a clip of shape (frames, 3, size, size) on a 0-1 scale; same shape and scale."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            changed: torch.Tensor = self._draw(clip[None])[0]
        return changed.clamp(0, 1)
