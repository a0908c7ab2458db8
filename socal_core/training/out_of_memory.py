"""Recognize that memory ran out, and say which setting needs less."""

import torch

from socal_core.settings import TINY, TrainConfig


def is_out_of_memory(error: BaseException) -> bool:
    """Check whether memory ran out on a GPU, or on the CPU, for which PyTorch has no error class."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def smaller(config: TrainConfig, clips: int) -> str:
    """Return the message for a step that needs too much memory, with the setting that changes training least.

    Args:
        config: The settings of the run.
        clips: The number of clips per step on each device.
    """
    if config.machine.accumulation_steps < clips:
        steps = min(2 * config.machine.accumulation_steps, clips)
        change = f"accumulation_steps {steps} instead of {config.machine.accumulation_steps}: fewer clips at a time"
    elif not config.machine.gradient_checkpointing:
        change = "gradient_checkpointing on, which takes a third more time"
    elif config.clip.num_frames > 2:
        frames = max(2, config.clip.num_frames // 4 * 2)
        change = f"num_frames {frames} instead of {config.clip.num_frames}"
    else:
        change = f"a smaller model, such as {TINY}"
    return f"There is not enough memory for a training step. Start a new run with {change}."
