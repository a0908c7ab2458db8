"""Settings of the model that a run starts from and of how it is trained."""

import os
from typing import ClassVar

from pydantic import model_validator

from socal_core.errors import ConfigError
from socal_core.settings.declaration import SettingsGroup, setting, when
from socal_core.settings.recipes import TRAINED, EncoderChoice, Recipe

TINY = "tiny"
"""The small VideoMAE that comes with the project, pre-trained on generated clips (models/tiny/README.md)."""
PRETRAINED = "MCG-NJU/videomae-base"
"""VideoMAE ViT-B, pre-trained self-supervised on Kinetics-400 (Tong et al., NeurIPS 2022)."""

DOWNLOADS_ALLOWED = os.environ.get("SOCAL_ALLOW_DOWNLOAD") == "1"
"""Whether the environment of the app allows downloads from the Hugging Face hub; otherwise it makes no request."""


class ModelSettings(SettingsGroup):
    """The network, the recipe and the encoders."""

    heading: ClassVar[str] = "Model"

    model: str = setting(
        PRETRAINED,
        "`tiny`, a Hugging Face id, or a local folder with config.json and model.safetensors (or pytorch_model.bin).",
    )
    image_size: int = setting(
        0,
        "Height and width in pixels of the frames that the model sees, a multiple of its patch size; 0 is the size of "
        "its training. Half the size takes less than a quarter of the time.",
        0,
        1024,
    )
    recipe: Recipe = setting(
        Recipe.FINETUNE,
        "How the run learns: `finetune` trains all weights of the model, epoch by epoch; `frozen` embeds each clip "
        "once with pre-trained encoders and fits logistic regressions on how their features change over time.",
    )
    encoder: EncoderChoice = setting(
        EncoderChoice.AUTO,
        "Where features come from: `image`, EfficientNet-Lite0 on each frame; `video`, the model above on each clip; "
        "`both`, the two concatenated; `auto`, the mean over those of the three that beat chance in a cross-validation "
        "over the surgeons of the training subset.",
        applies=when(recipe=Recipe.FROZEN),
    )
    allow_download: bool = setting(
        DOWNLOADS_ALLOWED,
        "Download the weights of the model from the Hugging Face hub if they are not on this machine.",
    )
    licence_accepted: bool = setting(
        False,
        "I have read the licence of the weights and accept it. Needed to download weights of the list of known models "
        "(`socal models`).",
        applies=when(allow_download=True),
    )
    dropout_rate: float = setting(
        0.2, "Dropout of hidden states and attention; 0.1 to 0.5 helps against overfitting.", 0.0, 0.9, applies=TRAINED
    )

    @model_validator(mode="after")
    def _check(self) -> "ModelSettings":
        if not self.model.strip():
            raise ConfigError("model", "must name a model", self.model)
        return self
