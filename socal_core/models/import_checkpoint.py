"""Import an original VideoMAE checkpoint as a model folder of transformers."""

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from socal_core.clips.preprocess import Preprocessor
from socal_core.errors import ModelError
from socal_core.file_handles import os_reason
from socal_core.models.checkpoint_files import load_pickle
from socal_core.models.original_videomae import PRETRAINING_ONLY, Conversion, convert
from socal_core.runs.architecture import CONFIG_FILE, Architecture
from socal_core.storage import new_folder, write_json

IMPORT_FILE = "import.json"
"""What a folder was converted from: source, sha256, and the names that did not match."""


@dataclass(frozen=True)
class ImportReport:
    """What an import found in a checkpoint."""

    source: str
    """The name of the file."""
    sha256: str
    sizes: Architecture
    matched: int
    """Weights of the checkpoint that were converted."""
    missing: tuple[str, ...]
    """Weights that the model needs and the checkpoint lacks: those of a head, which training starts anew."""
    left_out: tuple[str, ...]
    """Weights that only pre-training uses."""
    unexpected: tuple[str, ...]
    """Other weights of the checkpoint that the model does not have."""


def import_checkpoint(path: Path, out: Path, heads: int | None = None, image_size: int | None = None) -> ImportReport:
    """Convert a checkpoint of VideoMAE's own code to a folder that the setting `model` accepts.

    No code in the file is run.

    Args:
        path: The checkpoint, such as checkpoint-799.pth.
        out: The folder to create.
        heads: The number of attention heads; None for that of the published models of this size.
        image_size: Height and width in pixels of the frames that it was trained on; None for that of its arguments, or
            224.

    Returns:
        What was found.

    Raises:
        ModelError: The file cannot be read, contains code or is not a VideoMAE, or the folder cannot be written.
    """
    if out.exists():
        raise ModelError(f"{out.name} exists already. Choose another folder.")
    content, digest = _read(path)
    converted = convert(path.name, content, heads, image_size or _size_of_training(content))
    for name, tensor in converted.weights.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path.name}: weight {name} holds values that are not finite numbers (NaN or infinity).")
    report = _report(path.name, digest, converted)
    try:
        with new_folder(out) as folder:
            _write(folder, converted, report)
    except OSError as error:
        raise ModelError(f"{out.name} cannot be written: {os_reason(error)}.") from None
    return report


def _read(path: Path) -> tuple[object, str]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {os_reason(error)}.") from None
    # The scripts store their arguments with the weights: an object that holds values and no code.
    with torch.serialization.safe_globals([argparse.Namespace]):
        return load_pickle(path.name, path), digest


def _size_of_training(content: object) -> int:
    arguments: Any = content.get("args") if isinstance(content, dict) else None
    size = getattr(arguments, "input_size", None)
    return size if type(size) is int and size > 0 else Architecture().image_size


def _report(source: str, digest: str, converted: Conversion) -> ImportReport:
    # The norm after the encoder is part of pre-training too: fine-tuning normalizes the mean of the tokens instead.
    only_there = (*PRETRAINING_ONLY, "norm.")
    left_out = tuple(key for key in converted.unexpected if key.startswith(only_there))
    return ImportReport(
        source=source,
        sha256=digest,
        sizes=Architecture.from_config(converted.config),
        matched=converted.matched,
        missing=converted.missing,
        left_out=left_out,
        unexpected=tuple(key for key in converted.unexpected if key not in left_out),
    )


def _write(folder: Path, converted: Conversion, report: ImportReport) -> None:
    weights = {name: tensor.float().contiguous().clone() for name, tensor in converted.weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / CONFIG_FILE, converted.config)
    Preprocessor.for_size(report.sizes.image_size).processor.save_pretrained(folder)
    values: dict[str, Any] = {"source": report.source, "sha256": report.sha256, "matched": report.matched}
    write_json(
        folder / IMPORT_FILE,
        values | {name: list(getattr(report, name)) for name in ("missing", "left_out", "unexpected")},
    )
