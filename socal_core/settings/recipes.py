"""The two recipes for training, and the encoders that compute frozen features."""

from enum import StrEnum
from math import log

from socal_core.settings.declaration import when

CHANCE_LOSS = log(2)
"""The log loss of always predicting 0.5."""


class Recipe(StrEnum):
    """How a run learns from clips."""

    FINETUNE = "finetune"
    """All weights of a VideoMAE are trained, epoch by epoch (training/loop.py)."""
    FROZEN = "frozen"
    """Pre-trained encoders embed each clip once; logistic regressions are fitted on the features (models/head.py)."""


TRAINED = when(recipe=Recipe.FINETUNE)
"""The condition of settings that apply only if the weights of a network are trained."""


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
