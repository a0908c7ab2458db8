"""Find the files of a model: a local folder, or a snapshot in the cache of the Hugging Face hub."""

import errno
import hashlib
from functools import partial
from pathlib import Path

import httpx2
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from socal_core.clips.preprocess import PREPROCESSOR_FILE
from socal_core.errors import ModelError
from socal_core.models.checkpoint_files import ModelFiles
from socal_core.models.processor import NESTED_FILE, VIDEO_FILE
from socal_core.runs.architecture import CONFIG_FILE
from socal_core.runs.model_choice import WEIGHTS_FILES, local_folder
from socal_core.settings import TINY

TINY_FOLDER = Path(__file__).with_name("tiny")
TINY_SHA256 = "fde853ef38cc3c638fe54ef288bd01208241f7976e6391691fad1cd5b8f542d6"
"""Hash of the weights of `tiny`, which come with the project (models/tiny/README.md)."""


def find_model(model: str, allow_download: bool) -> ModelFiles:
    """Find a model's files on this machine, or download them.

    Args:
        model: `tiny`, a folder, or an id of the Hugging Face hub.
        allow_download: Whether files that are not on this machine may be downloaded from the hub.

    Returns:
        The model's files. In messages the model has the name of its folder, without the path, or its id.

    Raises:
        ModelError: There is no such model, or the weights of `tiny` are not those of this version.
    """
    if model == TINY:
        return _tiny()
    folder = local_folder(model)
    if folder is not None:
        return ModelFiles(folder.resolve().name, folder)
    if _is_file(model):
        raise ModelError(f"{Path(model).name} is a file. Name the model's folder, with {CONFIG_FILE} and its weights.")
    try:
        snapshot = Path(hf_hub_download(model, CONFIG_FILE, local_files_only=not allow_download)).parent
        if allow_download:
            _download(model, snapshot)
    except (OSError, ValueError, EntryNotFoundError, httpx2.HTTPError) as error:
        raise ModelError(_refused_download(model, error) if allow_download else _not_here(model)) from None
    if not any((snapshot / file).is_file() for file in WEIGHTS_FILES):
        raise ModelError(_no_weights(model) if allow_download else _not_here(model))
    return ModelFiles(model, snapshot, revision=snapshot.name)


def _tiny() -> ModelFiles:
    try:
        with (TINY_FOLDER / "model.safetensors").open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        digest = ""
    if digest != TINY_SHA256:
        found = "are missing" if not digest else "are not those of this version"
        raise ModelError(
            f"The weights of `{TINY}` {found} (socal_core/models/tiny/model.safetensors). Install the app again, or "
            "restore the file with `git checkout socal_core/models/tiny`."
        )
    return ModelFiles(TINY, TINY_FOLDER)


def _download(model: str, snapshot: Path) -> None:
    """Download the preprocessing and the weights, in the first format that the hub has, into a snapshot."""
    fetch = partial(hf_hub_download, model, revision=snapshot.name)
    files = ModelFiles(model, snapshot)
    for file in WEIGHTS_FILES:
        if _has_or_fetches(fetch, snapshot, file):
            if file.endswith(".json"):
                for shard in files.shard_names(file):
                    _has_or_fetches(fetch, snapshot, shard)
            break
    for file in (NESTED_FILE, VIDEO_FILE, PREPROCESSOR_FILE):
        _has_or_fetches(fetch, snapshot, file)


def _has_or_fetches(fetch: "partial[str]", snapshot: Path, file: str) -> bool:
    """Download a file unless the snapshot has it; return whether it has it now."""
    try:
        return (snapshot / file).is_file() or bool(fetch(file))
    except EntryNotFoundError:
        return False


def _is_file(model: str) -> bool:
    try:
        return Path(model).is_file()
    except (OSError, ValueError):
        return False  # the name is too long or contains NUL


def _refused_download(model: str, error: Exception) -> str:
    """Say why a download failed and what to do."""
    start, instead = f"Model {model} cannot be loaded", f"or choose `{TINY}`"
    if isinstance(error, GatedRepoError):
        return (
            f"{start}: its owner shares it only with those who log in and accept its terms. Accept them on its page of "
            f"the Hugging Face hub, log in on this machine (hf auth login), {instead}."
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{start}: the Hugging Face hub has no public model of this name. Check the name, for a private one log in "
            f"on this machine (hf auth login), {instead}."
        )
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return _no_weights(model)
    if isinstance(error, HFValidationError):
        return f"{start}: it is no folder on this machine and no id of the Hugging Face hub. Check the name, {instead}."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"{start}: the disk is full. Free some space, {instead}."
    return (
        f"{start}: the Hugging Face hub cannot be reached, and the model is not complete on this machine. Check the "
        f"connection and HF_HUB_OFFLINE, name a local folder, {instead}."
    )


def _no_weights(model: str) -> str:
    return (
        f"Model {model} cannot be loaded: it needs {CONFIG_FILE} and model.safetensors (or pytorch_model.bin), which "
        f"the Hugging Face hub does not have. Choose another model, such as `{TINY}`."
    )


def _not_here(model: str) -> str:
    return (
        f"Model {model} cannot be loaded from this machine: it needs {CONFIG_FILE} and model.safetensors. "
        f"Allow the download (allow_download), name a local folder, or choose `{TINY}`."
    )
