"""A tiny model of each family of video models, with random weights, as transformers writes it."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel

from tests.models.checkpoints import OUTCOMES, write_json

SIZES: dict[str, Any] = {"hidden_size": 32, "num_attention_heads": 2}
LAYERS = {"num_hidden_layers": 2, "intermediate_size": 48}
PREDICTOR = {"pred_hidden_size": 12, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1}
SPACE_AND_TIME = {"num_spatial_layers": 2, "num_temporal_layers": 1, "intermediate_size": 48}
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "timesformer": ("Timesformer", "TimesformerConfig", {**SIZES, **LAYERS, "image_size": 32, "num_frames": 4}),
    "vivit": (
        "Vivit",
        "VivitConfig",
        {**SIZES, **LAYERS, "image_size": 32, "num_frames": 4, "tubelet_size": [2, 16, 16]},
    ),
    "vjepa2": (
        "VJEPA2",
        "VJEPA2Config",
        {
            **SIZES,
            **PREDICTOR,
            "num_hidden_layers": 2,
            "mlp_ratio": 1.5,
            "num_pooler_layers": 1,
            "crop_size": 32,
            "frames_per_clip": 4,
        },
    ),
    "videoprism": (
        "VideoPrism",
        "VideoPrismVisionConfig",
        {**SIZES, **SPACE_AND_TIME, "image_size": 32, "num_frames": 4, "tubelet_size": [1, 16, 16]},
    ),
}
"""The name of the classes, of the configuration, and its sizes."""
FRAMES_FIELD = {"vjepa2": "frames_per_clip"}


def config_of(family: str, **changes: Any) -> Any:
    """The configuration of transformers."""
    _, config_class, sizes = MODELS[family]
    return getattr(transformers, config_class)(**{**sizes, **changes})


def model_of(family: str, **changes: Any) -> PreTrainedModel:
    """The classifier of transformers for two classes, with random weights that are not zero."""
    torch.manual_seed(0)
    model: PreTrainedModel = getattr(transformers, f"{MODELS[family][0]}ForVideoClassification")(
        config_of(family, **{"num_labels": 2, **changes})
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) / 7)
    return model.eval()


def write_family(folder: Path, family: str, backbone_only: bool = False, **changes: Any) -> PreTrainedModel:
    """Write a model folder and return its model.

    Args:
        folder: The folder.
        family: A key of MODELS.
        backbone_only: Whether to write the weights as a pre-trained model without a head has them.
        changes: Fields of config.json; None removes one. They do not change the weights.
    """
    model = model_of(family)
    (model.base_model if backbone_only else model).save_pretrained(folder)
    values = json.loads((folder / "config.json").read_text()) | ({} if backbone_only else OUTCOMES) | changes
    write_json(folder / "config.json", {name: value for name, value in values.items() if value is not None})
    return model


def logits_of_transformers(model: PreTrainedModel, clips: torch.Tensor) -> torch.Tensor:
    """The logits of a classifier of transformers, (clips, 2)."""
    with torch.no_grad():
        return model(**{model.main_input_name: clips}).logits.reshape(len(clips), 2)
