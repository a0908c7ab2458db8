"""All settings of a run, in groups. Files, the command line and the form name them without their groups.

The names and most defaults are those of the reference notebook. A new setting is one more field of a group: the check,
the command line, `config.json`, the form and the documentation follow from it.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from socal_core.errors import ConfigError
from socal_core.settings.augmentation import AugmentationSettings
from socal_core.settings.clip import ClipSettings
from socal_core.settings.declaration import Setting
from socal_core.settings.machine import MachineSettings
from socal_core.settings.model import PRETRAINED, TINY, ModelSettings
from socal_core.settings.optimization import OptimizationSettings
from socal_core.settings.recipes import RECIPE_DEFAULTS, Recipe
from socal_core.settings.split import SplitSettings


class TrainConfig(BaseModel):
    """The settings of one run, in the groups that the code receives."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    model: ModelSettings = ModelSettings()
    clip: ClipSettings = ClipSettings()
    optimization: OptimizationSettings = OptimizationSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    machine: MachineSettings = MachineSettings()
    split: SplitSettings = SplitSettings()

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Return the settings with these values, and the defaults of the fields for the others.

        Args:
            values: The values by the name of the setting, ours or that of the reference notebook, without groups.

        Raises:
            ConfigError: A name is unknown, a setting is given twice, or a value is invalid.
        """
        groups: dict[str, dict[str, Any]] = {name: {} for name in _GROUPS}
        for name, value in by_name(values).items():
            groups[SETTINGS[name].group][name] = value
        return cls(**{name: _GROUPS[name](**given) for name, given in groups.items()})

    def replace(self, **changes: Any) -> "TrainConfig":
        """Return a copy of the settings with some values changed. Another view has no filter yet (splits/views.py).

        Args:
            **changes: The new values; see `from_flat`.

        Raises:
            ConfigError: See `from_flat`.
        """
        named = by_name(changes)
        if named.get("view", self.split.view) != self.split.view:
            named = {"trials": "", **named}
        return self.from_flat({**self.as_dict(), **named})

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name, without groups, as JSON can hold them."""
        return {name: getattr(getattr(self, item.group), name) for name, item in SETTINGS.items()}

    @property
    def processes(self) -> int:
        """The number of processes that train the run, one per GPU."""
        return self.machine.gpus if self.model.recipe.trains_network else 1

    @model_validator(mode="after")
    def _check(self) -> "TrainConfig":
        # Other models may combine another number of frames: runs/architecture.py reads their config.json.
        if self.model.model in {TINY, PRETRAINED} and self.clip.num_frames % 2:
            rule = "must be even (the model combines two frames in a token)"
            raise ConfigError("num_frames", rule, self.clip.num_frames)
        return self


_GROUPS: dict[str, Any] = {name: info.annotation for name, info in TrainConfig.model_fields.items()}
SETTINGS: dict[str, Setting] = {item.name: item for name, kind in _GROUPS.items() for item in kind.declared(name)}
"""All settings by name, in the order of the form."""
_NAMES = {item.alias: item.name for item in SETTINGS.values() if item.alias}
"""Our names, by the names in the reference notebook."""
_TINY_DEFAULTS: dict[str, Any] = {
    # Frozen features of two clips had the best scores. The other settings are for fine-tuning, where a small model
    # needs a larger learning rate and more patience than in the notebook (benchmarks/README.md).
    "test_clips": 2,
    "learning_rate": 1e-4,
    "layer_decay": 0.75,
    "batch_size": 8,
    "num_epochs": 40,
    "weight_decay": 0.05,
    "dropout_rate": 0.1,
    "scheduler_patience": 5,
    "scheduler_factor": 0.5,
    "early_stopping_patience": 12,
}


def default_config(model: str, recipe: Recipe | None = None) -> TrainConfig:
    """Return the default settings of a model and a recipe.

    Args:
        model: The model.
        recipe: The recipe; None for the default of the model: `frozen` for `tiny`, `finetune` for others.
    """
    recipe = recipe or (Recipe.FROZEN if model == TINY else Recipe.FINETUNE)
    adapted = _TINY_DEFAULTS if model == TINY and recipe in {Recipe.FROZEN, Recipe.FINETUNE} else {}
    return TrainConfig.from_flat({"model": model, "recipe": recipe, **RECIPE_DEFAULTS[recipe], **adapted})


def config_from(values: Mapping[str, Any], default_model: str) -> TrainConfig:
    """Return the default settings of a model and a recipe with some values changed.

    Args:
        values: The values; see `TrainConfig.from_flat`. `model` and `recipe` determine the defaults of the others.
        default_model: The model if the values name none.

    Raises:
        ConfigError: See `TrainConfig.from_flat`.
    """
    named = by_name(values)
    model, recipe = named.get("model", default_model), named.get("recipe")
    if not isinstance(model, str):
        raise ConfigError("model", "must be text", model)
    # An unknown recipe is reported below, with all other values.
    known = Recipe(recipe) if recipe in list(Recipe) else None
    return default_config(model, known).replace(**named)


def by_name(values: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the names of the reference notebook by ours.

    Raises:
        ConfigError: A name is unknown, or a setting is given under both names.
    """
    named: dict[str, Any] = {}
    for given, value in values.items():
        name = _NAMES.get(given, given)
        if name not in SETTINGS:
            raise unknown_setting(given, value)
        if name != given and name in values:
            raise ConfigError(given, f"is another name for {name}; use only one of the two", value)
        named[name] = value
    return named


def setting_named(name: str) -> Setting | None:
    """Return the setting with this name, ours or that of the reference notebook; None if there is none."""
    return SETTINGS.get(_NAMES.get(name, name))


def unknown_setting(name: str, value: object) -> ConfigError:
    """Return the error for a name that is not a setting; it suggests the nearest name or lists all."""
    near = get_close_matches(name, [*SETTINGS, *_NAMES], n=1)
    hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(sorted(SETTINGS))}"
    return ConfigError(name, f"is not a setting ({hint})", value)


def applicable_settings(config: TrainConfig) -> dict[str, Any]:
    """Return the values of the settings that have an effect, by name."""
    values = config.as_dict()
    return {name: values[name] for name, item in SETTINGS.items() if item.applies(values)}
