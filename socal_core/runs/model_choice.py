"""Which model a new run starts from when the user names none. Looks beyond this machine only if asked to."""

from pathlib import Path

import httpx2
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from socal_core.settings import DOWNLOADS_ALLOWED, PRETRAINED, TINY

WEIGHTS_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""The forms of weights that are read, first found first, in the order of transformers; an index names several files."""
HUB_TIMEOUT_SECONDS = 2.0


def weights_at_hand(model: str) -> bool:
    """Whether a run can start from this model without a download."""
    if model == TINY:
        return True
    folder = local_folder(model)
    if folder is not None:
        return any((folder / name).is_file() for name in WEIGHTS_FILES)
    try:
        return any(isinstance(try_to_load_from_cache(model, name), str) for name in WEIGHTS_FILES)
    except (OSError, ValueError, HFValidationError):
        return False  # no id: too long, or with signs that none has


def local_folder(model: str) -> Path | None:
    """The folder that a model's name is the path of, None when it is none."""
    try:
        folder = Path(model).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):
        return None  # no such home, too long, or a NUL in it


def model_name(model: str) -> str:
    """Return a model's name as pages show it: of a folder its name alone, of a run's checkpoint also the run's."""
    path = Path(model)
    if not path.is_absolute():
        return model
    return f"{path.parents[1].name} {path.name}" if path.parent.name == "checkpoints" else path.name


def default_model() -> str:
    """The pre-trained VideoMAE when its weights are on this machine or can be had from the hub, else `tiny`.

    The hub is asked only where `SOCAL_ALLOW_DOWNLOAD=1` says that it may be.
    """
    if weights_at_hand(PRETRAINED) or (DOWNLOADS_ALLOWED and _hub_has(PRETRAINED)):
        return PRETRAINED
    return TINY


def _hub_has(model: str) -> bool:
    """Whether the hub can be reached and has the model's weights."""
    try:
        get_hf_file_metadata(hf_hub_url(model, WEIGHTS_FILES[0]), timeout=HUB_TIMEOUT_SECONDS)
    except (OSError, httpx2.HTTPError):
        return False
    return True
