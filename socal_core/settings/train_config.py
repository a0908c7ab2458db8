"""Every setting of a training run: its default, its rule and its help text, in one place.

The names and most defaults are those of the reference notebook. A new hyperparameter is one more field here: the
command line, the check and the sidebar follow from it.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from socal_core.dataset.windows import Window
from socal_core.errors import ConfigError
from socal_core.settings.declaration import checked, setting
from socal_core.settings.recipes import EncoderChoice, Recipe
from socal_core.settings.split import MOST_FOLDS, SplitMethod, SplitSettings

TINY = "tiny"
"""The small VideoMAE that comes with the project, pre-trained on generated clips (models/tiny/README.md)."""
PRETRAINED = "MCG-NJU/videomae-base"
"""VideoMAE ViT-B, pre-trained self-supervised on Kinetics-400 (Tong et al., NeurIPS 2022)."""

DOWNLOADS_ALLOWED = os.environ.get("SOCAL_ALLOW_DOWNLOAD") == "1"
"""Whether whoever started the app asked it to use the Hugging Face hub; without that nothing leaves the machine."""


class OptimizerName(StrEnum):
    """The optimisers on offer."""

    ADAMW = "AdamW"
    SGD = "SGD"
    """With momentum 0.9."""


class SamplingMethod(StrEnum):
    """Which frames of the window a training clip takes (clips/sampling.py)."""

    UNIFORM = "uniform"
    """Evenly spaced, the same in every epoch."""
    SEGMENTS = "segments"
    """One random frame from each of `num_frames` equal parts of the window, new in every epoch."""
    DENSE = "dense"
    """Every `stride`-th frame from a random start, new in every epoch."""

    @property
    def draws(self) -> bool:
        """Whether a training clip can take any frame of the window."""
        return self is not SamplingMethod.UNIFORM


@dataclass(frozen=True)
class TrainConfig:
    """The settings of one run. Values are checked when it is made; ConfigError names field, rule and value."""

    model: str = setting(
        PRETRAINED,
        "Model",
        "`tiny`, a Hugging Face id, or a local folder with config.json and model.safetensors (or pytorch_model.bin).",
    )
    recipe: Recipe = setting(
        Recipe.FINETUNE,
        "Model",
        "How the run learns: `finetune` trains all weights of the model, epoch by epoch; `frozen` embeds each clip "
        "once with pre-trained encoders and fits logistic regressions on how their features change over time.",
    )
    encoder: EncoderChoice = setting(
        EncoderChoice.AUTO,
        "Model",
        "Where features come from: `image`, EfficientNet-Lite0 on each frame; `video`, the model above on each clip; "
        "`both`, the two concatenated; `auto`, the mean over those of the three that beat chance in a cross-validation "
        "over the surgeons of the training subset.",
    )
    allow_download: bool = setting(
        DOWNLOADS_ALLOWED,
        "Model",
        "Download the weights of the model from the Hugging Face hub if they are not on this machine.",
    )
    dropout_rate: float = setting(
        0.2,
        "Model",
        "Dropout of hidden states and attention; 0.1 to 0.5 helps against overfitting.",
        0.0,
        0.9,
    )
    window: str = setting(
        "0:60",
        "Clip",
        "The observation window, in seconds of the trial: `0:60` predicts from the first minute (the published task); "
        "`0:-10` ends ten seconds before the trial does; `whole` also shows the end of the trial, which makes the task "
        "recognition, not prediction.",
    )
    num_frames: int = setting(
        16,
        "Clip",
        "Frames in a clip, a multiple of the model's tubelet size (2 for VideoMAE). 8 takes under half the time of "
        "VideoMAE's 16.",
        2,
        128,
        2,
    )
    sampling: SamplingMethod = setting(
        SamplingMethod.UNIFORM,
        "Clip",
        "How the frames of a training clip are sampled: `uniform`, evenly spaced; `segments`, one random frame from "
        "each of `num_frames` equal parts of the window, new in every epoch (against overfitting); `dense`, close "
        "together from a random start.",
    )
    stride: int = setting(4, "Clip", "Distance from one frame of a dense clip to the next, in frames; 2 to 4.", 1, 64)
    test_clips: int = setting(
        1,
        "Clip",
        "Clips per trial in validation and test, whose probabilities are averaged; VideoMAE's own tests use 5.",
        1,
        20,
    )
    optimizer: OptimizerName = setting(
        OptimizerName.ADAMW,
        "Optimisation",
        "AdamW suits transformers, with a learning rate of 1e-5 to 1e-3; SGD has momentum 0.9 and needs 1e-3 to 1e-1.",
    )
    learning_rate: float = setting(
        5e-5, "Optimisation", "1e-5 to 1e-4 for pre-trained weights; 3e-4 to 1e-3 for random ones.", 1e-8, 1.0
    )
    batch_size: int = setting(
        4, "Optimisation", "Clips per step, over all devices; 4 to 16 for a few hundred trials.", 1, 1024
    )
    num_epochs: int = setting(30, "Optimisation", "The largest number of epochs; 20 to 50.", 1, 10_000)
    layer_decay: float = setting(
        1.0,
        "Optimisation",
        "Layer-wise decay: the learning rate of each layer is this factor times that of the layer after it. 1 is off; "
        "VideoMAE's own fine-tuning uses 0.7 to 0.75.",
        0.1,
        1.0,
    )
    weight_decay: float = setting(0.01, "Optimisation", "0.01 to 0.1 for AdamW.", 0.0, 1.0)
    scheduler_patience: int = setting(
        1,
        "Schedule",
        "Epochs without a lower validation loss that are tolerated before the learning rate falls; 1 to 5.",
        0,
        1000,
    )
    scheduler_factor: float = setting(
        0.1, "Schedule", "The factor by which the learning rate is then multiplied; 0.1 to 0.5.", 0.001, 0.999
    )
    early_stopping_patience: int = setting(
        3,
        "Schedule",
        "Epochs without a lower validation loss after which training ends; 3 to 12, at least two more than "
        "scheduler_patience.",
        1,
        10_000,
    )
    horizontal_flip: float = setting(
        0.5, "Augmentation", "Probability that a training clip is mirrored, all frames alike; 0 or 0.5.", 0.0, 1.0
    )
    color_jitter: float = setting(
        0.2,
        "Augmentation",
        "Largest change of brightness, contrast and saturation, the same for all frames of a clip; 0.1 to 0.4.",
        0.0,
        1.0,
    )
    hue_jitter: float = setting(
        0.1, "Augmentation", "Largest change of hue, as a fraction of the colour circle; 0 to 0.1.", 0.0, 0.5
    )
    rotation_degrees: float = setting(
        0.0,
        "Augmentation",
        "Largest rotation of a training clip in degrees, in either direction; 10 is usual.",
        0.0,
        180.0,
    )
    crop_area: float = setting(
        1.0,
        "Augmentation",
        "Random resized crop: the smallest fraction of the frame that is kept; 1 keeps all, 0.5 is strong.",
        0.05,
        1.0,
    )
    random_erasing: float = setting(
        0.0, "Augmentation", "Probability that a rectangle of a training clip is erased; VideoMAE uses 0.25.", 0.0, 1.0
    )
    rand_augment: float = setting(
        0.0, "Augmentation", "Strength of RandAugment, 0 (off) to 10; VideoMAE uses 7.", 0.0, 10.0
    )
    rand_augment_steps: int = setting(
        2, "Augmentation", "Operations that RandAugment applies to a clip, one after the other; VideoMAE uses 4.", 1, 8
    )
    mixup: float = setting(
        0.0,
        "Augmentation",
        "Mixup blends two clips of a batch: alpha of the Beta distribution of their weights. 0 is off; VideoMAE uses "
        "0.8.",
        0.0,
        10.0,
    )
    cutmix: float = setting(
        0.0,
        "Augmentation",
        "CutMix pastes a rectangle of one clip into another: alpha as for mixup. 0 is off; VideoMAE uses 1. If both "
        "are on, one of them is chosen at random for each batch.",
        0.0,
        10.0,
    )
    scaled_decoding: bool = setting(
        False,
        "Machine",
        "Decode large JPEG frames at a half, a quarter or an eighth of their size: faster and slightly less exact "
        "(benchmarks/README.md has both).",
    )
    accumulation_steps: int = setting(
        1,
        "Machine",
        "Gradient accumulation: each batch is computed in this many parts, one after the other, before the weights "
        "change. Takes less memory; training is the same except for rounding and for the random numbers of dropout.",
        1,
        1024,
    )
    gradient_checkpointing: bool = setting(
        False,
        "Machine",
        "Recompute the activations of each layer in the backward pass instead of storing them. Takes a fraction of the "
        "memory per clip and a third more time; training is the same except for rounding.",
    )
    restarts: int = setting(
        0,
        "Machine",
        "Number of times that a run in the background restarts by itself after its process was killed, such as for "
        "lack of memory.",
        0,
        100,
    )
    gpus: int = setting(
        1, "Machine", "GPUs that each batch is divided among. Other runs use the remaining GPUs, or wait.", 1, 64
    )
    num_workers: int = setting(
        2,
        "Machine",
        "Threads that read clips while the model computes; 2 to 4. With 0, computing waits for reading. The results do "
        "not depend on it.",
        0,
        64,
    )
    split_method: SplitMethod = setting(
        SplitMethod.SURGEON,
        "Split",
        "`surgeon`: no surgeon is in two subsets, sizes by the fractions below; `socal20`: the twenty published test "
        "trials; `column`: one cohort, specialty or training status is the test subset; `k-fold`: one of several folds "
        "by surgeon is the test subset; `random`: by trial, which gives scores that are too high.",
    )
    validation_fraction: float = setting(
        SplitSettings.validation_fraction,
        "Split",
        "Fraction of trials in the validation subset, which selects the best epoch and the threshold: of all trials "
        "for `surgeon` and `random`, of the trials outside the test subset for the other methods. 0.15 is 12 of 80 "
        "trials; the notebook uses 0.1.",
        0.01,
        0.8,
    )
    test_fraction: float = setting(
        SplitSettings.test_fraction,
        "Split",
        "Fraction of trials in the test subset. 0.25 gives 20 of 80 trials, so that one trial changes the accuracy by "
        "5 percentage points; the notebook's 0.1 gives 8.",
        0.01,
        0.8,
        methods=[method for method in SplitMethod if method.draws_test],
    )
    split_column: str = setting(
        SplitSettings.column,
        "Split",
        "The attribute of the surgeon that defines the test subset: cohort, specialty or training_status.",
        methods=[SplitMethod.COLUMN],
    )
    split_value: str = setting(
        SplitSettings.value,
        "Split",
        "The value of `split_column` whose trials form the test subset. Trials without a value are left out.",
        methods=[SplitMethod.COLUMN],
    )
    folds: int = setting(
        SplitSettings.folds,
        "Split",
        "Number of folds. Train one run for each, with the same seed.",
        2,
        MOST_FOLDS,
        methods=[SplitMethod.KFOLD],
    )
    fold: int = setting(
        SplitSettings.fold,
        "Split",
        "The fold that is the test subset, counted from 1.",
        1,
        MOST_FOLDS,
        methods=[SplitMethod.KFOLD],
    )
    seed: int = setting(0, "Split", "Fixes the split, the order of the trials, augmentation and dropout.", 0, 2**31 - 1)

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, checked(item.name, getattr(self, item.name), item.type, item.metadata))
        if not self.model.strip():
            raise ConfigError("model", "must name a model", self.model)
        Window.parse(self.window)
        # Other models may join another number of frames: runs/architecture.py asks their config.json.
        if self.model in {TINY, PRETRAINED} and self.num_frames % 2:
            raise ConfigError("num_frames", "must be even (the model joins two frames in a token)", self.num_frames)
        _ = self.split_settings  # refuses what contradicts itself

    @property
    def processes(self) -> int:
        """How many processes, one for each GPU, share the training."""
        return 1 if self.recipe is Recipe.FROZEN else self.gpus

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
    # Frozen features of two clips measured best. The other settings are for fine-tuning, where a small model needs a
    # larger step and more patience than the notebook's (benchmarks/README.md).
    TINY: {
        "recipe": Recipe.FROZEN,
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
    },
}


def default_config(model: str) -> TrainConfig:
    """Return the default settings of a model: those of `tiny`, or the reference notebook's for any other."""
    return TrainConfig(model=model, **_MODEL_DEFAULTS.get(model, {}))


def config_from(values: Mapping[str, Any], default_model: str) -> TrainConfig:
    """Settings over the defaults of the model they name; ConfigError for an unknown name or a refused value."""
    known = {item.name for item in fields(TrainConfig)}
    for name, value in values.items():
        if name not in known:
            raise unknown_setting(name, value)
    model = values.get("model", default_model)
    if not isinstance(model, str):
        raise ConfigError("model", "must be a text", model)
    return replace(default_config(model), **values)


def unknown_setting(name: str, value: object) -> ConfigError:
    """Return the error for a name that is not a setting, with the nearest name or all of them."""
    known = sorted(item.name for item in fields(TrainConfig))
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(known)}"
    return ConfigError(name, f"is not a setting ({hint})", value)
