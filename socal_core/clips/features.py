"""Keep features of clips on the local disk. This module does not load PyTorch.

There is one folder for each combination of data folder, encoder and preprocessing, beside the stores of frames, with
one file per clip. A file is written under a temporary name and then renamed. It is valid only if it was computed from
the requested versions of the frames and its checksum matches. Anything that a killed process, a full disk or another
program left behind is therefore computed again.
"""

import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from socal_core.clips.clip_cache import make_room
from socal_core.clips.fill import stamp_of_frame
from socal_core.clips.plan import ClipId, ClipPlan
from socal_core.clips.store import StoreFolder
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import Stamp
from socal_core.storage import replacing

FORMAT = 1
"""Increased when the format of the files or the values of an encoder change."""
_MAGIC = b"SOCALFTR"
_HEADER = struct.Struct("<8sIII32s32s")  # magic, format, steps, dims, source, checksum


@dataclass(frozen=True)
class EncodedBy:
    """Everything that determines the features of given frames."""

    encoder: str
    """Name of the encoder."""
    digest: str
    """SHA-256 hash of its weights."""
    recipe: Mapping[str, Any]
    """How its frames are resized, cropped and normalised; JSON-ready."""
    shape: tuple[int, int, int]
    """Shape of a frame, (3, height, width)."""
    device: str
    """Type of the device, such as `cuda`. Results of different types differ by rounding."""


@dataclass(frozen=True)
class ClipFrames:
    """The frames of a clip, as a store of features identifies them."""

    trial_id: str
    frames: tuple[str, ...]
    """Names of the frames, in the order in which the encoder receives them."""
    stamps: tuple[Stamp | None, ...]
    """Stamps of their files; None for a file that does not exist."""

    @property
    def file_name(self) -> str:
        """Name for the features of these frames, the same for all versions of the files."""
        return _digest([self.trial_id, self.frames]).hex()[:32]

    @property
    def source(self) -> bytes:
        """Identifier of these versions of the files, 32 bytes."""
        stamps = [None if stamp is None else (stamp.size, stamp.mtime_ns) for stamp in self.stamps]
        return _digest([self.trial_id, self.frames, stamps])


class FeatureStore(StoreFolder):
    """The features that one encoder computed for one data folder."""

    def __init__(self, root: Path, made: EncodedBy) -> None:
        """Locate the store; `in_use` creates it.

        Args:
            root: The data folder.
            made: The encoder and its preprocessing.
        """
        super().__init__(
            {
                "format": FORMAT,
                "data": os.path.realpath(root),
                "encoder": made.encoder,
                "digest": made.digest,
                "recipe": dict(made.recipe),
                "shape": list(made.shape),
                "device": made.device,
            }
        )

    def read(self, clip: ClipFrames) -> NDArray[np.float32] | None:
        """Read the features of a clip, as `read_features` does."""
        return read_features(self.folder, clip)

    def write(self, clip: ClipFrames, features: NDArray[np.float32]) -> None:
        """Store the features of a clip atomically.

        Args:
            clip: The frames of the clip.
            features: Shape (steps, dims).

        Raises:
            OSError: The disk cannot be written to.
        """
        steps, dims = features.shape
        values = np.ascontiguousarray(features, "<f4").tobytes()
        checksum = hashlib.sha256(_described(steps, dims, clip.source) + values).digest()
        with replacing(_file(self.folder, clip)) as draft:
            draft.write_bytes(_HEADER.pack(_MAGIC, FORMAT, steps, dims, clip.source, checksum) + values)

    def room_for(self, needed: int) -> str:
        """Make room for this many more bytes. Return "", or why there is none."""
        return make_room(needed, self.folder)


def frames_of_clip(dataset: Dataset, plan: ClipPlan, clip: ClipId) -> ClipFrames:
    """Return the frames of a clip with the stamps of their files.

    Raises:
        DataError: The trial does not exist, or has no frame in the window.
    """
    trial = plan.visible(clip.trial_id).trial
    names = tuple(trial.frames[index] for index in plan.indices_of(clip))
    return ClipFrames(clip.trial_id, names, tuple(stamp_of_frame(dataset, name) for name in names))


def read_features(folder: Path, clip: ClipFrames) -> NDArray[np.float32] | None:
    """Read the features of a clip from the folder of a store.

    Returns:
        Shape (steps, dims); None if they are missing, damaged or of other versions of the files.
    """
    try:
        content = _file(folder, clip).read_bytes()
    except OSError:
        return None
    if len(content) < _HEADER.size:
        return None
    magic, version, steps, dims, source, checksum = _HEADER.unpack_from(content)
    values = content[_HEADER.size :]
    if (magic, version, source) != (_MAGIC, FORMAT, clip.source) or len(values) != 4 * steps * dims:
        return None
    if hashlib.sha256(_described(steps, dims, source) + values).digest() != checksum:
        return None
    return np.frombuffer(values, "<f4").reshape(steps, dims).astype(np.float32)


def _file(folder: Path, clip: ClipFrames) -> Path:
    return folder / f"{clip.file_name}.features"


def _described(steps: int, dims: int, source: bytes) -> bytes:
    return struct.pack("<II", steps, dims) + source


def _digest(value: Sequence[Any]) -> bytes:
    return hashlib.sha256(json.dumps(value).encode("utf-8", "surrogateescape")).digest()
