"""The settings of a run: their defaults, rules and help texts, and which of them apply."""

from socal_core.settings.acting import acting_settings, acts
from socal_core.settings.recipes import CHANCE_LOSS, IMAGE_ENCODER, IMAGE_SIZE, VIDEO_ENCODER, EncoderChoice, Recipe
from socal_core.settings.split import MOST_FOLDS, SplitMethod, SplitSettings
from socal_core.settings.train_config import (
    DOWNLOADS_ALLOWED,
    PRETRAINED,
    TINY,
    OptimizerName,
    SamplingMethod,
    TrainConfig,
    config_from,
    default_config,
    unknown_setting,
)

__all__ = [
    "CHANCE_LOSS",
    "DOWNLOADS_ALLOWED",
    "IMAGE_ENCODER",
    "IMAGE_SIZE",
    "MOST_FOLDS",
    "PRETRAINED",
    "TINY",
    "VIDEO_ENCODER",
    "EncoderChoice",
    "OptimizerName",
    "Recipe",
    "SamplingMethod",
    "SplitMethod",
    "SplitSettings",
    "TrainConfig",
    "acting_settings",
    "acts",
    "config_from",
    "default_config",
    "unknown_setting",
]
