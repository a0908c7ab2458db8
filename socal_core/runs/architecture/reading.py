"""Read the sizes of a model from its config.json, without PyTorch."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from socal_core.errors import ConfigError
from socal_core.runs.architecture.sizes import Architecture
from socal_core.runs.model_choice import local_folder
from socal_core.settings import IMAGE_ENCODER, IMAGE_SIZE, TINY, ModelSettings, Recipe, TrainConfig

CONFIG_FILE = "config.json"
TINY_ARCHITECTURE = Architecture(
    hidden_size=192, num_hidden_layers=6, num_attention_heads=3, intermediate_size=768, image_size=96
)
"""The sizes of the model in models/tiny, as in its config.json. It is small enough to be fine-tuned on two cores."""


def architecture_of(model: str) -> Architecture:
    """Read the sizes of a model from its config.json on this machine, without a request to the hub.

    Args:
        model: `tiny`, a folder, or an id of the Hugging Face hub.

    Returns:
        The sizes; those of VideoMAE base if the file is absent or unusable, because most models are based on it.
    """
    return _known_architecture(model) or Architecture()


def _known_architecture(model: str) -> Architecture | None:
    if model == TINY:
        return TINY_ARCHITECTURE
    folder = local_folder(model)
    try:
        found = folder / CONFIG_FILE if folder is not None else try_to_load_from_cache(model, CONFIG_FILE)
        values = json.loads(Path(str(found)).read_text(encoding="utf-8"))
        return architecture_in(values) if isinstance(values, dict) else None
    except (OSError, ValueError, HFValidationError):
        return None


def architecture_in(values: Mapping[str, Any]) -> Architecture:
    """Read the sizes of a model from the content of its config.json.

    Args:
        values: The content of its config.json. `image_size` and `patch_size` may be lists of height and width.

    Returns:
        The sizes, with the defaults of VideoMAE base for what is absent.

    Raises:
        ValueError: A size is not a positive whole number, or frames are not square. The message names the field.
    """
    sizes: dict[str, Any] = {}
    for item in fields(Architecture):
        value = values.get(item.name)
        if value is None:
            continue
        pair = item.name in {"image_size", "patch_size"} and isinstance(value, list) and len(value) == 2
        parts = value if pair else [value]
        if not all(type(part) is int and part > 0 for part in parts):
            raise ValueError(f"{item.name} {value!r} is not a positive whole number")
        sizes[item.name] = parts[0] if len(set(parts)) == 1 else tuple(parts)
    if isinstance(sizes.get("image_size"), tuple):
        raise ValueError(f"image_size {values['image_size']!r} is not square, and only square frames are supported")
    return Architecture(**sizes)


def check_num_frames(config: TrainConfig) -> None:
    """Check that the model can divide the frames of a clip into tokens, if its config.json is on this machine.

    Args:
        config: The settings of a run.

    Raises:
        ConfigError: `num_frames` is not a multiple of the model's `tubelet_size`, so the model would ignore frames.
    """
    found = _known_architecture(config.model.model)
    if found is not None:
        refuse_remainder(config.clip.num_frames, found.tubelet_size)


def refuse_remainder(num_frames: int, tubelet_size: int) -> None:
    """Check that the number of frames is a multiple of the tubelet size.

    Args:
        num_frames: The number of frames of a clip.
        tubelet_size: The number of frames that the model combines in a token.

    Raises:
        ConfigError: It is not, so the model would ignore the remaining frames.
    """
    if num_frames % tubelet_size:
        rule = f"must be a multiple of {tubelet_size}, because the model combines {tubelet_size} frames in a token"
        raise ConfigError("num_frames", rule, num_frames)


def input_sizes(settings: ModelSettings) -> tuple[int, ...]:
    """Return the height and width in pixels of the input frames of each network of a run."""
    size = architecture_of(settings.model).image_size
    if settings.recipe is Recipe.FINETUNE:
        return (size,)
    return tuple(IMAGE_SIZE if name == IMAGE_ENCODER else size for name in settings.encoder.names)
