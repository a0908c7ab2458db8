"""Which model a new run starts from when the user names none. Looks at this machine only."""

import os
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from socal_core.runs.config import PRETRAINED, TINY

WEIGHTS_FILE = "model.safetensors"
"""The only form of weights that is read: it can hold no code, a pickle can."""


def weights_at_hand(model: str) -> bool:
    """Whether a run can start from this model without a download."""
    if model == TINY:
        return True
    folder = Path(model).expanduser()
    if folder.is_dir():
        return (folder / WEIGHTS_FILE).is_file()
    try:
        return isinstance(try_to_load_from_cache(model, WEIGHTS_FILE), str)
    except HFValidationError:
        return False


def default_model() -> str:
    """The pre-trained VideoMAE when its weights are on this machine or downloads are allowed, else `tiny`.

    The hub is never asked unasked: `SOCAL_ALLOW_DOWNLOAD=1` says that it can be reached and may be.
    """
    if weights_at_hand(PRETRAINED) or os.environ.get("SOCAL_ALLOW_DOWNLOAD") == "1":
        return PRETRAINED
    return TINY
