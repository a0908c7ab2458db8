"""The default model of a new run, and the models on this machine. The hub is used only if downloads are allowed."""

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
"""The files that weights are read from; the first one found is used, as in transformers. An index names several
files."""
HUB_TIMEOUT_SECONDS = 2.0


def weights_at_hand(model: str) -> bool:
    """Check whether a run can start from this model without a download."""
    if model == TINY:
        return True
    folder = local_folder(model)
    if folder is not None:
        return any((folder / name).is_file() for name in WEIGHTS_FILES)
    try:
        return any(isinstance(try_to_load_from_cache(model, name), str) for name in WEIGHTS_FILES)
    except (OSError, ValueError, HFValidationError):
        return False  # not an id: too long, or with invalid characters


def local_folder(model: str) -> Path | None:
    """Return the folder that a model names, or None if it is not a folder."""
    try:
        folder = Path(model).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):
        return None  # unknown home folder, too long, or a null character


def model_name(model: str) -> str:
    """Return the name of a model for display: for a folder its name, for a checkpoint also the name of the run."""
    path = Path(model)
    if not path.is_absolute():
        return model
    return f"{path.parents[1].name} {path.name}" if path.parent.name == "checkpoints" else path.name


def default_model() -> str:
    """Return the pre-trained VideoMAE if its weights are on this machine or can be downloaded, else `tiny`.

    Downloads are possible only with `SOCAL_ALLOW_DOWNLOAD=1`; otherwise there is no request to the hub.
    """
    if weights_at_hand(PRETRAINED) or (DOWNLOADS_ALLOWED and _hub_has(PRETRAINED)):
        return PRETRAINED
    return TINY


def _hub_has(model: str) -> bool:
    """Check whether the hub can be reached and has the weights of the model."""
    try:
        get_hf_file_metadata(hf_hub_url(model, WEIGHTS_FILES[0]), timeout=HUB_TIMEOUT_SECONDS)
    except (OSError, httpx2.HTTPError):
        return False
    return True
