"""Settings of pre-training. Importing them does not load PyTorch."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from socal_core.errors import ConfigError
from socal_core.runs.architecture import TINY_ARCHITECTURE, refuse_remainder

PROCEDURAL = "procedural"
"""What the command line calls pre-training on generated clips."""
WARM_UP = 0.05
"""Fraction of the steps in which the learning rate rises."""
LARGEST_SEED = 2**31 - 1
MINIMUMS = {"steps": 1, "batch_size": 1, "pool_clips": 1, "scaling_clips": 2, "held_out_clips": 2, "seed": 0}
"""Smallest valid value of each setting. A standard deviation needs two clips."""


class Objective(StrEnum):
    """What the model learns to predict in pre-training."""

    PARAMETERS = "parameters"
    """The parameters of the scene, for the whole clip and for each token."""
    MASKED = "masked"
    """The pixels of masked patches: VideoMAE's own objective."""
    BOTH = "both"
    """Both of them; the losses are added."""


@dataclass(frozen=True)
class PretrainSettings:
    """Settings of pre-training. An invalid value raises ConfigError with the name of the setting.

    The defaults are meant for two to three hours on two cores (models/tiny/README.md has measured times).
    """

    steps: int = 1500
    batch_size: int = 32
    objective: Objective = Objective.PARAMETERS
    seed: int = 0
    frames: int = 16
    """Frames in a clip."""
    pool_clips: int = 2048
    """Clips in a pool; a pool is used several times before the next one is rendered."""
    scaling_clips: int = 512
    """Clips from which the mean and standard deviation of the targets are computed."""
    held_out_clips: int = 1024
    """Clips on which R² is measured at the end. They are not used for training."""

    def __post_init__(self) -> None:
        for name, minimum in MINIMUMS.items():
            if getattr(self, name) < minimum:
                raise ConfigError(name, f"must be at least {minimum}", getattr(self, name))
        if self.seed > LARGEST_SEED:
            raise ConfigError("seed", f"must be at most {LARGEST_SEED}", self.seed)
        refuse_remainder(self.frames, TINY_ARCHITECTURE.tubelet_size)

    @property
    def learning_rate(self) -> float:
        """The highest learning rate: 5e-4 for batches of 32, more for larger ones, at most 1e-3."""
        return min(1e-3, 5e-4 * math.sqrt(self.batch_size / 32))

    def rate_at(self, step: int) -> float:
        """Compute the learning rate of a step, counted from 0: linear warm-up, then a cosine to 0."""
        return rate_at(step, self.steps, self.learning_rate)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings by name, as values that JSON can store."""
        return {**asdict(self), "objective": self.objective.value}


def rate_at(step: int, steps: int, highest: float) -> float:
    """Compute the learning rate of a step: linear warm-up, then a cosine to 0.

    Args:
        step: The step, from 0.
        steps: The number of steps.
        highest: The highest learning rate.
    """
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return highest * (step + 1) / warm_up
    return highest * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))
