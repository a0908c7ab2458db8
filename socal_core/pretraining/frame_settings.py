"""Settings of self-supervised pre-training on frames. Importing them does not load PyTorch."""

from collections.abc import Mapping
from typing import Any

from socal_core.errors import ConfigError
from socal_core.settings import TINY, Recipe, SamplingMethod, SplitSettings, TrainConfig, by_name, default_config

DEFAULTS: dict[str, Any] = {
    # At one frame per second, 16 frames with a stride of 4 cover a minute, as the clips of fine-tuning do by default.
    "window": "whole",
    "sampling": SamplingMethod.DENSE,
    "stride": 4,
    "learning_rate": 3e-4,
    "batch_size": 16,
    "num_epochs": 400,
    "weight_decay": 0.05,
    "crop_area": 0.5,
    "color_jitter": 0.0,
    "hue_jitter": 0.0,
    "dropout_rate": 0.0,
    "test_clips": 1,
}
"""What differs from the defaults of fine-tuning. VideoMAE's own pre-training crops, but does not change colours."""
SCHEDULE = ("learning_rate", "batch_size", "num_epochs", "weight_decay")
CLIP = ("window", "num_frames", "sampling", "stride")
AUGMENTATION = ("horizontal_flip", "crop_area", "color_jitter", "hue_jitter")
SPLIT = tuple(name for name in SplitSettings.model_fields if name not in {"view", "trials"})
RESULT = ("image_size", *SCHEDULE, *CLIP, *AUGMENTATION, "scaled_decoding", *SPLIT)
"""The settings that the result depends on, beside the weights that pre-training starts from."""
USED = ("model", "allow_download", "licence_accepted", *RESULT, "num_workers")
"""The settings that pre-training uses."""


def pretraining_config(values: Mapping[str, Any]) -> TrainConfig:
    """Return the settings of a pre-training run.

    Args:
        values: Settings by name; the others have the defaults of pre-training.

    Raises:
        ConfigError: A setting is unknown, invalid, or without effect on pre-training.
    """
    given = by_name(values)
    for name, value in given.items():
        if name not in USED:
            raise ConfigError(name, f"has no effect on pre-training: leave it out. It uses {', '.join(USED)}", value)
    model = given.get("model", TINY)
    config = default_config(model, Recipe.FINETUNE).replace(**{**DEFAULTS, **given})
    if not config.clip.sampling.is_random:
        rule = "must be segments or dense, because every epoch of pre-training needs new clips"
        raise ConfigError("sampling", rule, str(config.clip.sampling))
    return config
