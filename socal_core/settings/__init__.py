"""The settings of a run: their defaults, limits and help texts, and which of them apply."""

from socal_core.settings.augmentation import AugmentationSettings
from socal_core.settings.clip import ClipSettings, Control, SamplingMethod
from socal_core.settings.declaration import Setting
from socal_core.settings.machine import MachineSettings, Sharding
from socal_core.settings.model import (
    DOWNLOADS_ALLOWED,
    FULL,
    HEAD_ONLY,
    LORA,
    PRETRAINED,
    TINY,
    ModelSettings,
    tuned_blocks,
)
from socal_core.settings.optimization import OptimizationSettings, OptimizerName, Schedule
from socal_core.settings.recipes import CHANCE_LOSS, IMAGE_ENCODER, IMAGE_SIZE, VIDEO_ENCODER, EncoderChoice, Recipe
from socal_core.settings.split import MOST_FOLDS, SplitMethod, SplitSettings
from socal_core.settings.train_config import (
    SETTINGS,
    TrainConfig,
    applicable_settings,
    by_name,
    config_from,
    default_config,
    setting_named,
    unknown_setting,
)

__all__ = [
    "CHANCE_LOSS",
    "DOWNLOADS_ALLOWED",
    "FULL",
    "HEAD_ONLY",
    "IMAGE_ENCODER",
    "IMAGE_SIZE",
    "LORA",
    "MOST_FOLDS",
    "PRETRAINED",
    "SETTINGS",
    "TINY",
    "VIDEO_ENCODER",
    "AugmentationSettings",
    "ClipSettings",
    "Control",
    "EncoderChoice",
    "MachineSettings",
    "ModelSettings",
    "OptimizationSettings",
    "OptimizerName",
    "Recipe",
    "SamplingMethod",
    "Schedule",
    "Setting",
    "Sharding",
    "SplitMethod",
    "SplitSettings",
    "TrainConfig",
    "applicable_settings",
    "by_name",
    "config_from",
    "default_config",
    "setting_named",
    "tuned_blocks",
    "unknown_setting",
]
