"""Which settings of a run change anything, given the others."""

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from socal_core.settings.recipes import Recipe
from socal_core.settings.split import SplitMethod
from socal_core.settings.train_config import SamplingMethod, TrainConfig

_TRAINING_GROUPS = {"Optimisation", "Schedule", "Augmentation"}
_TRAINING_SETTINGS = {"dropout_rate", "accumulation_steps", "gradient_checkpointing", "gpus"}
"""Groups of settings, and further settings, that act only where the weights of a network are trained."""


def acts(item: Field[Any], values: Mapping[str, Any]) -> bool:
    """Tell whether a setting changes anything.

    Args:
        item: A field of TrainConfig.
        values: At least the settings that stand above it in TrainConfig, by name.
    """
    frozen = values.get("recipe") == Recipe.FROZEN
    if item.name == "encoder":
        return frozen
    if frozen and (item.name in _TRAINING_SETTINGS or item.metadata["group"] in _TRAINING_GROUPS):
        return False
    if item.name == "stride":
        return values.get("sampling") == SamplingMethod.DENSE
    return values.get("split_method", SplitMethod.SURGEON) in item.metadata["methods"]


def acting_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings that change anything, with their values, by name."""
    values = {item.name: getattr(config, item.name) for item in fields(config)}
    return {item.name: values[item.name] for item in fields(config) if acts(item, values)}
