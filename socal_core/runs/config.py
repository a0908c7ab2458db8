"""Every setting of a training run: its default, its rule and its help text, in one place.

The names and defaults are those of the reference notebook. A new hyperparameter is one more field here: the command
line, the check and the sidebar follow from it.
"""

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from socal_core.dataset.splits import MOST_FOLDS, SplitMethod, SplitSettings
from socal_core.dataset.windows import Window
from socal_core.errors import ConfigError

TINY = "tiny"
"""A small VideoMAE with random weights: trains on a laptop, needs no download."""
PRETRAINED = "MCG-NJU/videomae-base"
"""VideoMAE ViT-B, pre-trained self-supervised on Kinetics-400 (Tong et al., NeurIPS 2022)."""


DOWNLOADS_ALLOWED = os.environ.get("SOCAL_ALLOW_DOWNLOAD") == "1"
"""Whether whoever started the app asked it to use the Hugging Face hub; without that nothing leaves the machine."""


class OptimizerName(StrEnum):
    """The optimisers on offer."""

    ADAMW = "AdamW"
    SGD = "SGD"
    """With momentum 0.9."""


def _setting(
    default: Any,
    group: str,
    text: str,
    low: float | None = None,
    high: float | None = None,
    step: int = 1,
    methods: Collection[SplitMethod] = tuple(SplitMethod),
) -> Any:
    """A field with its group in the form, its help text, its inclusive limits and the step of a whole number.

    `methods`: the ways to split that use the setting; the form shows it for those alone.
    """
    metadata = {"group": group, "help": text, "low": low, "high": high, "step": step, "methods": frozenset(methods)}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TrainConfig:
    """The settings of one run. Values are checked when it is made; ConfigError names field, rule and value."""

    model: str = _setting(
        PRETRAINED,
        "Model",
        "`tiny`, a Hugging Face id, or a local folder with config.json and model.safetensors.",
    )
    allow_download: bool = _setting(
        DOWNLOADS_ALLOWED,
        "Model",
        "Fetch the model's weights from the Hugging Face hub when they are not on this machine.",
    )
    dropout_rate: float = _setting(
        0.2,
        "Model",
        "Dropout of hidden states and attention; 0.1 to 0.5 helps against overfitting.",
        0.0,
        0.9,
    )
    window: str = _setting(
        "0:60",
        "Clip",
        "The seconds of a trial that the model sees: `0:60` predicts from the first minute (the published task); "
        "`whole` shows it the end of the trial too, which is recognition, not prediction.",
    )
    num_frames: int = _setting(16, "Clip", "Frames in a clip, evenly spread over the window; even.", 2, 128, 2)
    optimizer: OptimizerName = _setting(
        OptimizerName.ADAMW, "Optimisation", "AdamW suits transformers; SGD has momentum 0.9."
    )
    learning_rate: float = _setting(
        5e-5, "Optimisation", "1e-5 to 1e-4 for pre-trained weights; 3e-4 to 1e-3 from random ones.", 1e-8, 1.0
    )
    batch_size: int = _setting(4, "Optimisation", "Clips per step, over all devices together.", 1, 1024)
    num_epochs: int = _setting(30, "Optimisation", "Times that training goes through the training trials.", 1, 10_000)
    weight_decay: float = _setting(0.01, "Optimisation", "0.01 to 0.1 for AdamW.", 0.0, 1.0)
    scheduler_patience: int = _setting(
        1, "Schedule", "Epochs without a lower validation loss before the learning rate falls.", 0, 1000
    )
    scheduler_factor: float = _setting(0.1, "Schedule", "What the learning rate is then multiplied by.", 0.001, 0.999)
    early_stopping_patience: int = _setting(
        3, "Schedule", "Epochs without a lower validation loss before training ends.", 1, 10_000
    )
    horizontal_flip: float = _setting(
        0.5, "Augmentation", "Chance that a training clip is mirrored, all its frames alike.", 0.0, 1.0
    )
    color_jitter: float = _setting(
        0.2,
        "Augmentation",
        "Largest change of brightness, contrast and saturation, one draw a clip.",
        0.0,
        1.0,
    )
    hue_jitter: float = _setting(0.1, "Augmentation", "Largest turn of hue, as a part of the colour circle.", 0.0, 0.5)
    rotation_degrees: float = _setting(0.0, "Augmentation", "Largest rotation of a training clip.", 0.0, 180.0)
    split_method: SplitMethod = _setting(
        SplitMethod.SURGEON,
        "Split",
        "`surgeon`: nobody is on two sides, sizes by fractions; `socal20`: the twenty published test trials; `column`: "
        "one cohort, specialty or training status is the test side; `k-fold`: one of several test sides that share out "
        "all surgeons; `random`: by trial, whose score is too good.",
    )
    validation_fraction: float = _setting(
        0.1,
        "Split",
        "Share of trials that choose the best epoch and the threshold: of all trials for `surgeon` and `random`, of "
        "the trials outside the test side for the other methods.",
        0.01,
        0.8,
    )
    test_fraction: float = _setting(
        0.1,
        "Split",
        "Share of trials kept for the final test; used by `surgeon` and `random`.",
        0.01,
        0.8,
        methods=[method for method in SplitMethod if method.draws_test],
    )
    split_column: str = _setting(
        SplitSettings.column,
        "Split",
        "What is known of the surgeon and tells the test side apart: cohort, specialty or training_status.",
        methods=[SplitMethod.COLUMN],
    )
    split_value: str = _setting(
        SplitSettings.value,
        "Split",
        "The value of that column whose trials are the test side. Trials where it is unknown are left out.",
        methods=[SplitMethod.COLUMN],
    )
    folds: int = _setting(
        SplitSettings.folds,
        "Split",
        "Number of folds; train a run for each, with the same seed.",
        2,
        MOST_FOLDS,
        methods=[SplitMethod.KFOLD],
    )
    fold: int = _setting(
        SplitSettings.fold,
        "Split",
        "The fold that is the test side, from 1 on.",
        1,
        MOST_FOLDS,
        methods=[SplitMethod.KFOLD],
    )
    seed: int = _setting(0, "Split", "Fixes the split, the order of trials, augmentation and dropout.", 0, 2**31 - 1)

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, _checked(item.name, getattr(self, item.name), item.type, item.metadata))
        if not self.model.strip():
            raise ConfigError("model", "must name a model", self.model)
        Window.parse(self.window)
        if self.num_frames % 2:
            raise ConfigError("num_frames", "must be even (VideoMAE joins two frames in a token)", self.num_frames)
        _ = self.split_settings  # refuses what contradicts itself

    @property
    def observation(self) -> Window:
        """The window as a value."""
        return Window.parse(self.window)

    @property
    def split_settings(self) -> SplitSettings:
        """The part of the settings that the split depends on."""
        return SplitSettings(
            method=self.split_method,
            validation_fraction=self.validation_fraction,
            test_fraction=self.test_fraction,
            seed=self.seed,
            column=self.split_column,
            value=self.split_value,
            folds=self.folds,
            fold=self.fold,
        )

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready values."""
        return asdict(self)


_MODEL_DEFAULTS: dict[str, dict[str, Any]] = {
    # Random weights want a larger step, more epochs and more patience than the notebook's pre-trained ones;
    # chosen on the demo data set (benchmarks/README.md).
    TINY: {
        "learning_rate": 5e-4,
        "batch_size": 8,
        "num_epochs": 40,
        "weight_decay": 0.05,
        "dropout_rate": 0.1,
        "scheduler_patience": 5,
        "scheduler_factor": 0.5,
        "early_stopping_patience": 12,
    },
}


def default_config(model: str) -> TrainConfig:
    """The defaults for a model: the notebook's, or the ones that `tiny` needs to learn from random weights."""
    return TrainConfig(model=model, **_MODEL_DEFAULTS.get(model, {}))


def config_from(values: Mapping[str, Any], default_model: str) -> TrainConfig:
    """Settings over the defaults of the model they name; ConfigError for an unknown name or a refused value."""
    known = {item.name for item in fields(TrainConfig)}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(name, f"is no setting; the settings are {', '.join(sorted(known))}", value)
    model = values.get("model", default_model)
    if not isinstance(model, str):
        raise ConfigError("model", "must be a text", model)
    return replace(default_config(model), **values)


def parse_setting(text: str) -> tuple[str, Any]:
    """Read `key=value` from the command line into a setting's name and a value of its type."""
    name, separator, raw = text.partition("=")
    types = {item.name: item.type for item in fields(TrainConfig)}
    if not separator or name not in types:
        raise ConfigError(name or "--set", "must be KEY=VALUE with the name of a setting", text)
    if types[name] is bool:
        if raw.lower() not in {"true", "false"}:
            raise ConfigError(name, "must be true or false", raw)
        return name, raw.lower() == "true"
    if types[name] in {int, float}:
        try:
            return name, int(raw) if types[name] is int else float(raw)
        except ValueError:
            raise ConfigError(
                name, "must be a whole number" if types[name] is int else "must be a number", raw
            ) from None
    return name, raw


def _checked(name: str, value: Any, kind: Any, limits: Mapping[str, Any]) -> Any:
    """The value in its field's type, or ConfigError. JSON does not tell 1 from 1.0, so 1 passes as a float."""
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ConfigError(name, f"must be one of {', '.join(kind)}", value)
        return kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        raise ConfigError(name, f"must be {words[kind]}", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(name, "must be a finite number", value)
    low, high = limits["low"], limits["high"]
    if low is not None and not low <= value <= high:
        raise ConfigError(name, f"must be between {low:g} and {high:g}", value)
    return value
