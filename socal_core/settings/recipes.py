"""The recipes for training, and the encoders that compute frozen features."""

from enum import StrEnum
from math import log
from typing import Any

from socal_core.settings.declaration import when

CHANCE_LOSS = log(2)
"""The log loss of always predicting 0.5."""


class Recipe(StrEnum):
    """How a run learns from clips. All but `frozen` train a network with the same code and differ in their defaults."""

    FROZEN = "frozen"
    """Pre-trained encoders embed each clip once; logistic regressions are fitted on the features (models/head.py)."""
    FINETUNE = "finetune"
    """A network is trained epoch by epoch (training/loop.py), with defaults that suit the size of `tiny`."""
    SMALL_DATA = "videomae-small-data"
    """The same with the defaults of VideoMAE's own fine-tuning on UCF101, the nearest to SOCAL in size."""
    NOTEBOOK = "notebook"
    """The same with the defaults of the reference notebook."""

    @property
    def trains_network(self) -> bool:
        """Whether the weights of a network are trained; otherwise only a head is fitted on its features."""
        return self is not Recipe.FROZEN


TRAINED = when(recipe=[str(recipe) for recipe in Recipe if recipe.trains_network])
"""The condition of settings that apply only if the weights of a network are trained."""

RECIPE_DEFAULTS: dict[Recipe, dict[str, Any]] = {
    # A change of hue by 0.1 turns blood yellow or magenta, and its colour is part of what there is to learn.
    Recipe.FROZEN: {"hue_jitter": 0.02},
    Recipe.FINETUNE: {"hue_jitter": 0.02},
    # finetune.sh of MCG-NJU/VideoMAE for UCF101 and the defaults of its run_class_finetuning.py, which scales the
    # learning rates 5e-4 and 1e-5 for 256 trials per step to the size of the batch.
    Recipe.SMALL_DATA: {
        "learning_rate": 1.6e-5,
        "min_learning_rate": 3.1e-7,
        "batch_size": 8,
        "num_epochs": 100,
        "schedule": "cosine",
        "warmup_epochs": 5,
        "use_early_stopping": False,
        "layer_decay": 0.7,
        "weight_decay": 0.05,
        "dropout_rate": 0.0,
        "head_dropout": 0.5,
        "drop_path": 0.2,
        "head_scale": 0.001,
        "label_smoothing": 0.1,
        "repeated_augmentation": 2,
        "sampling": "segments",
        "color_jitter": 0.4,
        "hue_jitter": 0.02,
        "crop_area": 0.5,
        "random_erasing": 0.25,
        "rand_augment": 7.0,
        "rand_augment_steps": 4,
        "mixup": 0.8,
        "cutmix": 1.0,
        "test_clips": 5,
        "test_crops": 3,
    },
    Recipe.NOTEBOOK: {},
}
"""What each recipe sets differently from the fields, whose defaults are those of the reference notebook."""


class EncoderChoice(StrEnum):
    """Which encoders a frozen run may use."""

    AUTO = "auto"
    """The image encoder, the video encoder and both together; combinations that do not beat chance are left out."""
    IMAGE = "image"
    """EfficientNet-Lite0, frame by frame."""
    VIDEO = "video"
    """The VideoMAE that the setting `model` names."""
    BOTH = "both"
    """Their features concatenated."""

    @property
    def names(self) -> tuple[str, ...]:
        """The encoders that embed the clips: IMAGE_ENCODER, VIDEO_ENCODER or both."""
        if self in {EncoderChoice.IMAGE, EncoderChoice.VIDEO}:
            return (str(self),)
        return IMAGE_ENCODER, VIDEO_ENCODER

    @property
    def candidates(self) -> tuple[tuple[str, ...], ...]:
        """The sets of encoders from which the inner cross-validation chooses the members of the head."""
        if self is EncoderChoice.AUTO:
            return (IMAGE_ENCODER,), (VIDEO_ENCODER,), (IMAGE_ENCODER, VIDEO_ENCODER)
        return (self.names,)


IMAGE_ENCODER = "image"
VIDEO_ENCODER = "video"
IMAGE_SIZE = 224
"""Height and width in pixels of the input of the image encoder; its weights were trained with 224."""
