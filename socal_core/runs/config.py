"""Every setting of a training run: its default, its rule and its help text, in one place.

The names and most defaults are those of the reference notebook. A new hyperparameter is one more field here: the
command line, the check and the sidebar follow from it.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from socal_core.dataset.splits import MOST_FOLDS, SplitMethod, SplitSettings
from socal_core.dataset.windows import Window
from socal_core.errors import ConfigError
from socal_core.runs.recipes import EncoderChoice, Recipe
from socal_core.runs.setting import checked, setting

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
    """Evenly spread, the same in every epoch."""
    SEGMENTS = "segments"
    """One drawn from each of as many equal parts as the clip has frames, anew in every epoch."""
    DENSE = "dense"
    """Every `stride`-th from a start drawn in every epoch."""

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
        "For `frozen`: `image`, EfficientNet-Lite0 on each frame; `video`, the model above on each clip; `both`, their "
        "features concatenated; `auto`, the mean of these three, without those that do not beat chance in a "
        "cross-validation across the surgeons of the training subset.",
    )
    allow_download: bool = setting(
        DOWNLOADS_ALLOWED,
        "Model",
        "Fetch the model's weights from the Hugging Face hub when they are not on this machine.",
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
        "The seconds of a trial that the model sees: `0:60` predicts from the first minute (the published task); "
        "`0:-10` ends ten seconds before the trial does; `whole` shows the end of the trial too, which is recognition, "
        "not prediction.",
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
        "Which frames a training clip takes: `uniform`, evenly spread; `segments`, one drawn from each of equal parts, "
        "anew in every epoch (against overfitting); `dense`, close together from a drawn start.",
    )
    stride: int = setting(4, "Clip", "For `dense`: frames from one to the next, one a second; 2 to 4.", 1, 64)
    test_clips: int = setting(
        1,
        "Clip",
        "Clips a trial in validation and test, whose probabilities are averaged; VideoMAE's own tests take 5.",
        1,
        20,
    )
    optimizer: OptimizerName = setting(
        OptimizerName.ADAMW,
        "Optimisation",
        "AdamW suits transformers, at 1e-5 to 1e-3; SGD has momentum 0.9 and wants 1e-3 to 1e-1.",
    )
    learning_rate: float = setting(
        5e-5, "Optimisation", "1e-5 to 1e-4 for pre-trained weights; 3e-4 to 1e-3 from random ones.", 1e-8, 1.0
    )
    batch_size: int = setting(
        4, "Optimisation", "Clips a step, over all devices; 4 to 16 for some hundred trials.", 1, 1024
    )
    num_epochs: int = setting(30, "Optimisation", "Most times training goes through its trials; 20 to 50.", 1, 10_000)
    layer_decay: float = setting(
        1.0,
        "Optimisation",
        "Layer-wise decay of the learning rate: each layer learns at this factor times the rate of the layer after it. "
        "1 is off; VideoMAE's own fine-tuning uses 0.7 to 0.75.",
        0.1,
        1.0,
    )
    weight_decay: float = setting(0.01, "Optimisation", "0.01 to 0.1 for AdamW.", 0.0, 1.0)
    scheduler_patience: int = setting(
        1, "Schedule", "Epochs without a lower validation loss before the learning rate falls; 1 to 5.", 0, 1000
    )
    scheduler_factor: float = setting(
        0.1, "Schedule", "What the learning rate is then multiplied by; 0.1 to 0.5.", 0.001, 0.999
    )
    early_stopping_patience: int = setting(
        3,
        "Schedule",
        "Epochs without a lower validation loss before training ends; 3 to 12, two or more above the patience.",
        1,
        10_000,
    )
    horizontal_flip: float = setting(
        0.5, "Augmentation", "Chance that a training clip is mirrored, all its frames alike; 0 or 0.5.", 0.0, 1.0
    )
    color_jitter: float = setting(
        0.2,
        "Augmentation",
        "Largest change of brightness, contrast and saturation, one draw a clip; 0.1 to 0.4.",
        0.0,
        1.0,
    )
    hue_jitter: float = setting(
        0.1, "Augmentation", "Largest turn of hue, as a part of the colour circle; 0 to 0.1.", 0.0, 0.5
    )
    rotation_degrees: float = setting(
        0.0, "Augmentation", "Largest rotation of a training clip, to either side; 10 is usual.", 0.0, 180.0
    )
    crop_area: float = setting(
        1.0,
        "Augmentation",
        "Random resized crop: smallest share of the picture that is kept; 1 keeps all, 0.5 is strong.",
        0.05,
        1.0,
    )
    random_erasing: float = setting(
        0.0, "Augmentation", "Chance that a rectangle of a training clip is blotted out; VideoMAE takes 0.25.", 0.0, 1.0
    )
    rand_augment: float = setting(
        0.0, "Augmentation", "Strength of RandAugment, 0 (off) to 10; VideoMAE takes 7.", 0.0, 10.0
    )
    rand_augment_steps: int = setting(
        2, "Augmentation", "Changes that RandAugment makes to a clip, one after the other; VideoMAE takes 4.", 1, 8
    )
    mixup: float = setting(
        0.0,
        "Augmentation",
        "Mixup: two clips of a batch laid over each other; alpha of the Beta distribution of their shares, 0 is off, "
        "VideoMAE takes 0.8.",
        0.0,
        10.0,
    )
    cutmix: float = setting(
        0.0,
        "Augmentation",
        "CutMix: a rectangle of one clip set into another; alpha as for mixup, 0 is off, VideoMAE takes 1. With both "
        "on, each batch draws one of them.",
        0.0,
        10.0,
    )
    scaled_decoding: bool = setting(
        False,
        "Machine",
        "Decode large JPEG frames at a half, a quarter or an eighth of their size: less time, a little less exact "
        "(benchmarks/README.md has both).",
    )
    accumulation_steps: int = setting(
        1,
        "Machine",
        "Gradient accumulation: a batch is computed in so many parts, one after the other, before the weights change. "
        "Less memory, the same training but for rounding and for what dropout draws.",
        1,
        1024,
    )
    gradient_checkpointing: bool = setting(
        False,
        "Machine",
        "Compute each layer again on the way back in place of keeping its values: a fraction of the memory of a clip, "
        "a third more time, the same training but for rounding.",
    )
    restarts: int = setting(
        0,
        "Machine",
        "Times that a run in the background goes on by itself after its process was killed, as for lack of memory.",
        0,
        100,
    )
    gpus: int = setting(
        1, "Machine", "GPUs that share each batch, where there are several; other runs take the rest or wait.", 1, 64
    )
    num_workers: int = setting(
        2,
        "Machine",
        "Threads that read clips while the model computes; 2 to 4, 0 reads in between. Changes no result.",
        0,
        64,
    )
    split_method: SplitMethod = setting(
        SplitMethod.SURGEON,
        "Split",
        "`surgeon`: no surgeon is in two subsets, sizes by fractions; `socal20`: the twenty published test trials; "
        "`column`: one cohort, specialty or training status is the test subset; `k-fold`: one of several folds by "
        "surgeon is the test subset; `random`: by trial, whose score is too good.",
    )
    validation_fraction: float = setting(
        SplitSettings.validation_fraction,
        "Split",
        "Share of trials that choose the best epoch and the threshold: of all trials for `surgeon` and `random`, of "
        "the trials outside the test subset for the other methods. 0.15 is 12 of 80 trials; the notebook takes 0.1.",
        0.01,
        0.8,
    )
    test_fraction: float = setting(
        SplitSettings.test_fraction,
        "Split",
        "Share of trials kept for the final test; used by `surgeon` and `random`. 0.25 keeps 20 of 80 trials, so that "
        "one trial changes the accuracy by 5 percentage points; the notebook's 0.1 keeps 8.",
        0.01,
        0.8,
        methods=[method for method in SplitMethod if method.draws_test],
    )
    split_column: str = setting(
        SplitSettings.column,
        "Split",
        "The column of the surgeon that defines the test subset: cohort, specialty or training_status.",
        methods=[SplitMethod.COLUMN],
    )
    split_value: str = setting(
        SplitSettings.value,
        "Split",
        "The value of that column whose trials are the test subset. Trials where it is unknown are left out.",
        methods=[SplitMethod.COLUMN],
    )
    folds: int = setting(
        SplitSettings.folds,
        "Split",
        "Number of folds; train a run for each, with the same seed.",
        2,
        MOST_FOLDS,
        methods=[SplitMethod.KFOLD],
    )
    fold: int = setting(
        SplitSettings.fold,
        "Split",
        "The fold that is the test subset, from 1 on.",
        1,
        MOST_FOLDS,
        methods=[SplitMethod.KFOLD],
    )
    seed: int = setting(0, "Split", "Fixes the split, the order of trials, augmentation and dropout.", 0, 2**31 - 1)

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
            raise ConfigError(name, f"is no setting; the settings are {', '.join(sorted(known))}", value)
    model = values.get("model", default_model)
    if not isinstance(model, str):
        raise ConfigError("model", "must be a text", model)
    return replace(default_config(model), **values)
