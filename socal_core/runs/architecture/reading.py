"""Read the sizes of a model from its config.json, without PyTorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from socal_core.errors import ConfigError
from socal_core.json_files import read_json
from socal_core.runs.architecture.frames import FrameArchitecture
from socal_core.runs.architecture.sizes import TINY_ARCHITECTURE, Architecture
from socal_core.runs.architecture.timesformer import TimesformerArchitecture
from socal_core.runs.architecture.videoprism import VideoPrismArchitecture
from socal_core.runs.architecture.vivit import VivitArchitecture
from socal_core.runs.architecture.vjepa2 import VJepa2Architecture
from socal_core.runs.catalogue import known_model
from socal_core.runs.model_choice import local_folder
from socal_core.settings import IMAGE_ENCODER, IMAGE_SIZE, TINY, ModelSettings, TrainConfig

CONFIG_FILE = "config.json"
FAMILIES: tuple[type[Architecture], ...] = (
    Architecture,
    TimesformerArchitecture,
    VivitArchitecture,
    VJepa2Architecture,
    VideoPrismArchitecture,
    FrameArchitecture,
)


def architecture_of(model: str) -> Architecture:
    """Read the sizes of a model from its config.json on this machine, without a request to the hub.

    Args:
        model: `tiny`, a folder, or an id of the Hugging Face hub.

    Returns:
        The sizes; if the file is absent or unusable, those of a known model, or of VideoMAE base, because most models
        are based on it.
    """
    known = known_model(model)
    return _known_architecture(model) or (known and known.architecture) or Architecture()


def architecture_for(config: TrainConfig) -> Architecture:
    """Read the sizes of the model of a run, for clips of the run's length and size; see `architecture_of`."""
    found = architecture_of(config.model.model)
    return found.for_clip(config.clip.num_frames, config.model.image_size or found.image_size)


def _known_architecture(model: str) -> Architecture | None:
    if model == TINY:
        return TINY_ARCHITECTURE
    folder = local_folder(model)
    try:
        found = folder / CONFIG_FILE if folder is not None else try_to_load_from_cache(model, CONFIG_FILE)
        values = read_json(Path(str(found)))
        return architecture_in(values) if isinstance(values, dict) else None
    except (OSError, ValueError, HFValidationError):
        return None


def architecture_in(values: Mapping[str, Any]) -> Architecture:
    """Read the sizes of a model from the content of its config.json.

    Args:
        values: The content of its config.json. `image_size` and `patch_size` may be lists of height and width.

    Returns:
        The sizes, with the defaults of the family for what is absent.

    Raises:
        ValueError: A size is not a positive whole number, or frames are not square. The message names the field.
    """
    kind = values.get("model_type")
    family = next((family for family in FAMILIES if family.reads(kind)), Architecture)
    return family.from_config(values)


def check_num_frames(config: TrainConfig) -> None:
    """Check that the model can divide a clip into tokens, if its config.json is on this machine.

    Args:
        config: The settings of a run.

    Raises:
        ConfigError: `num_frames` is not a multiple of the model's `tubelet_size`, or `image_size` not one of its
            patch size, so the model would ignore frames or pixels.
    """
    found = _known_architecture(config.model.model)
    if found is None:
        return
    refuse_remainder(config.clip.num_frames, found.tubelet_size)
    refuse_size(config.model.image_size or found.image_size, found)


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


def refuse_size(image_size: int, sizes: Architecture) -> None:
    """Check that patches fill a frame of another size than that of the model's training.

    Args:
        image_size: Height and width of a frame in pixels.
        sizes: The sizes of the model.

    Raises:
        ConfigError: They do not, so the model would ignore the remaining pixels.
    """
    patch = sizes.patch_size
    for edge in (patch,) if isinstance(patch, int) else patch:
        if image_size != sizes.image_size and image_size % edge:
            raise ConfigError("image_size", f"must be a multiple of {edge}, the model's patch size", image_size)


def input_sizes(settings: ModelSettings) -> tuple[int, ...]:
    """Return the height and width in pixels of the input frames of each network of a run."""
    size = settings.image_size or architecture_of(settings.model).image_size
    if settings.recipe.trains_network:
        return (size,)
    return tuple(IMAGE_SIZE if name == IMAGE_ENCODER else size for name in settings.encoder.names)
