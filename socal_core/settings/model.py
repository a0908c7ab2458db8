"""Settings of the model that a run starts from and of how it is trained."""

import os
import re
from math import inf
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


FULL, HEAD_ONLY, LORA = "full", "frozen", "lora"
"""The values of `tune` other than last:K."""


def tuned_blocks(tune: str) -> float | None:
    """Return how many of the last blocks are trained in full: infinity for all, 0 for none; None for other text.

    Args:
        tune: The setting.
    """
    if tune in {HEAD_ONLY, LORA}:
        return 0
    found = re.fullmatch(r"last:([1-9]\d{0,3})", tune)
    return int(found[1]) if found else inf if tune == FULL else None


class ModelSettings(SettingsGroup):
    """The network, the recipe and the encoders."""

    heading: ClassVar[str] = "Model"

    target: str = setting(
        "success",
        "What the model predicts: `success`, or another column of the outcomes of the data, such as `blood_loss`. A "
        "measure with a unit is a number; text and up to ten different whole numbers are classes.",
    )
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
        "How the run learns, and the defaults of the other settings. `frozen` embeds each clip once with pre-trained "
        "encoders and fits regressions on how their features change over time. The others train the model "
        "epoch by epoch: `finetune` with defaults for a small model, `videomae-small-data` with those of VideoMAE's "
        "own fine-tuning on UCF101, `notebook` with those of the reference notebook.",
    )
    tune: str = setting(
        "full",
        "Which weights are trained: `full`, all; `last:K`, the last K blocks and the head; `frozen`, only the head; "
        "`lora`, the head and low-rank updates of the attention (Hu et al., ICLR 2022).",
        applies=TRAINED,
    )
    lora_rank: int = setting(8, "Rank of the updates; 4 to 32.", 1, 256, applies={**TRAINED, **when(tune=["lora"])})
    lora_modules: str = setting(
        "query value",
        "The linear layers that are updated: the ends of their names, separated by blanks. Hu et al. use query and "
        "value; names that the model does not have are refused with those that it has.",
        applies={**TRAINED, **when(tune=["lora"])},
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
        0.2,
        "Dropout of hidden states; 0.1 to 0.5 helps against overfitting. V-JEPA 2 has none there.",
        0.0,
        0.9,
        applies=TRAINED,
    )
    attention_dropout: float = setting(
        0.0,
        "Dropout of attention weights. On a processor it takes several times as long, because it has no fast kernel "
        "there (benchmarks/README.md).",
        0.0,
        0.9,
        applies=TRAINED,
    )
    head_dropout: float = setting(
        0.0, "Dropout of the features that the head receives; VideoMAE uses 0.5 on UCF101.", 0.0, 0.9, applies=TRAINED
    )
    drop_path: float = setting(
        0.0,
        "Stochastic depth: the probability with which the last block is skipped for a clip. That of earlier blocks "
        "rises to it from 0. VideoMAE uses 0.1 to 0.2.",
        0.0,
        0.9,
        applies=TRAINED,
    )
    head_scale: float = setting(
        1.0,
        "Factor of the initial weights of a new head; VideoMAE uses 0.001, which starts at a probability of 0.5.",
        0.0,
        1.0,
        applies=TRAINED,
    )

    @model_validator(mode="after")
    def _check(self) -> "ModelSettings":
        if not self.target.strip():
            raise ConfigError("target", "must name a column of the outcomes", self.target)
        if not self.model.strip():
            raise ConfigError("model", "must name a model", self.model)
        if tuned_blocks(self.tune) is None:
            raise ConfigError("tune", "must be full, last:K with a number of blocks K, frozen or lora", self.tune)
        if self.recipe is Recipe.FROZEN and self.tune != FULL:
            rule = "must be full with the recipe frozen, which trains no network: choose another recipe or leave it out"
            raise ConfigError("tune", rule, self.tune)
        if self.tune == LORA and not self.lora_modules.split():
            raise ConfigError("lora_modules", "must name at least one layer, such as query", self.lora_modules)
        return self
