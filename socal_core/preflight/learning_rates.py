"""The learning rate of each layer at each step, before a run starts and while it trains."""

import math

import pandas as pd

from socal_core.settings import OptimizationSettings, Schedule


def changes_by_step(settings: OptimizationSettings) -> bool:
    """Whether the learning rate depends on the step alone, not on the validation loss."""
    return settings.use_lr_scheduler and settings.schedule is Schedule.COSINE


def rate_at(settings: OptimizationSettings, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of the head in a step of the cosine schedule.

    During the warm-up it rises linearly to `learning_rate`. In the remaining steps it falls along half a cosine to
    `min_learning_rate`, which the last step has.

    Args:
        settings: The settings of the optimizer.
        step: The number of steps of the run before this one.
        steps_per_epoch: The number of steps of an epoch.
    """
    warmup = min(settings.warmup_epochs, settings.num_epochs) * steps_per_epoch
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    last = settings.num_epochs * steps_per_epoch - 1
    done = (step - warmup) / max(last - warmup, 1)
    highest, lowest = settings.learning_rate, settings.min_learning_rate
    return lowest + (highest - lowest) * (1 + math.cos(math.pi * min(done, 1.0))) / 2


def planned_rates(settings: OptimizationSettings, steps_per_epoch: int, blocks: int) -> pd.DataFrame:
    """Plan the learning rate of each layer for each step of a run.

    Args:
        settings: The settings of the optimizer.
        steps_per_epoch: The number of steps of an epoch.
        blocks: The number of transformer blocks of the model.

    Returns:
        A row per step, with the column `epoch` (0 at the start of the run) and one per layer: `head`, `block N` from
        the last block to the first, `embeddings`. With the plateau schedule, which depends on the validation loss,
        the rates are those before it first falls.
    """
    steps = range(settings.num_epochs * steps_per_epoch)
    by_step = changes_by_step(settings)
    head = [rate_at(settings, step, steps_per_epoch) if by_step else settings.learning_rate for step in steps]
    names = ["head", *(f"block {number}" for number in range(blocks, 0, -1)), "embeddings"]
    rates = pd.DataFrame({"epoch": [step / steps_per_epoch for step in steps]})
    for depth, name in enumerate(names):
        rates[name] = [rate * settings.layer_decay**depth for rate in head]
    return rates
