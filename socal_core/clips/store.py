"""Keep a data set's frames on the local disk, resized and cropped for a model, so that each is decoded only once.

There is one folder per data folder and way of resizing (the recipe), one file per trial and one slot per frame. A slot
holds raw bytes, which are exact and fast to read. Measurements (`python -m benchmarks.clips --storage`): lossless
compression saves a fifth (zlib) to three fifths (WebP) of the space and makes reading over ten times slower; JPEG needs
a seventh of the space, but is slow as well and not exact. The 31,443 frames of SOCAL take 4.7 GB at 224 px.

The file of a trial has a header that identifies it, a table with one record per frame, and the slots. Pixels are
written before their record, and a slot is valid only if the checksum in its record matches. What a killed process, a
full disk or another program left behind is therefore not used, and is written again. Two processes that fill the same
slot write the same bytes.
"""

import fcntl
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from socal_core.dataset.folder import Stamp
from socal_core.storage import share_lock, write_json
from socal_core.workspace import cache_folder

FORMAT = 1
"""Increased when the format of the files or the pixels of a recipe change."""
ABOUT_FILE = "store.json"
LOCK_FILE = "in-use"

_MAGIC = b"SOCALCLP"
_HEADER = struct.Struct("<8sIIIII16s")  # magic, format, frames, channels, height, width, trial's digest
_PAGE = 4096
_RECORD = np.dtype([("state", "<u4"), ("checksum", "<u4"), ("size", "<i8"), ("mtime_ns", "<i8")])
KEPT = 1
"""State of a frame whose pixels are in its slot."""
UNREADABLE = 2
"""State of a frame that could not be decoded when its file had the stamp of the record."""


@dataclass(frozen=True)
class TrialFrames:
    """A trial, as the store identifies it."""

    trial_id: str
    frames: tuple[str, ...]
    """Names of all its frames in temporal order. Slot i holds frame i."""

    @cached_property
    def digest(self) -> bytes:
        """Identifier of this trial with these frames, 16 bytes."""
        text = json.dumps([self.trial_id, self.frames])
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:16]


class StoreFolder:
    """A folder of cached values. A description of its content determines its name, and it is locked while in use."""

    def __init__(self, about: Mapping[str, Any]) -> None:
        """Locate the store; `in_use` creates it.

        Args:
            about: Everything that identifies the store, JSON-ready. It has the fields that `StoreInfo` needs.
        """
        self._about = dict(about)
        key = hashlib.sha256(json.dumps(self._about, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()
        self.folder = stores_folder() / key[:32]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Create the store if it is missing, and prevent its removal.

        Raises:
            OSError: The disk cannot be written to.
        """
        lock = self._lock()
        try:
            if not (self.folder / ABOUT_FILE).exists():
                write_json(self.folder / ABOUT_FILE, self._about)
            os.utime(self.folder / ABOUT_FILE)  # the last use
            yield
        finally:
            os.close(lock)

    def _lock(self) -> int:
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock = share_lock(self.folder / LOCK_FILE)
            except FileNotFoundError:
                continue  # the store has just been removed
            if os.fstat(lock).st_nlink:
                return lock
            os.close(lock)  # the store was removed before it was locked


class FrameStore(StoreFolder):
    """The stored frames of one data folder at one size."""

    def __init__(self, root: Path, recipe: Mapping[str, Any], shape: tuple[int, int, int]) -> None:
        """Locate the store; `in_use` creates it.

        Args:
            root: The data folder.
            recipe: Everything that determines the bytes of a frame.
            shape: Shape of a frame, (3, height, width).
        """
        super().__init__(
            {"format": FORMAT, "data": os.path.realpath(root), "recipe": dict(recipe), "shape": list(shape)}
        )
        self.shape = shape
        self.frame_bytes = int(np.prod(shape))

    def states(self, trial: TrialFrames, indices: Sequence[int], stamps: Sequence[Stamp | None]) -> NDArray[np.uint32]:
        """Return the states of frames without reading their pixels. `read` detects damaged slots.

        Args:
            trial: The trial.
            indices: Indices of the frames in the trial.
            stamps: Stamps of the files that contain the frames now.

        Returns:
            KEPT, UNREADABLE or 0 for each frame, (indices,). 0 means missing, or from another version of the file.
        """
        first = min(indices, default=0)
        records = self._records(trial, range(first, max(indices, default=0) + 1))
        if records is None:
            return np.zeros(len(indices), np.uint32)
        records = records[[index - first for index in indices]]
        wanted = np.array([_stamp_values(stamp) for stamp in stamps], np.int64).reshape(-1, 2)
        same = (records["size"] == wanted[:, 0]) & (records["mtime_ns"] == wanted[:, 1])
        return np.where(same, records["state"], 0).astype(np.uint32)

    def count(self, trial: TrialFrames) -> int:
        """Count the frames of a trial whose pixels are stored, even if their files have changed since."""
        records = self._records(trial, range(len(trial.frames)))
        return 0 if records is None else int((records["state"] == KEPT).sum())

    def read(self, trial: TrialFrames, indices: Sequence[int], out: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Copy stored frames into an array.

        Args:
            trial: The trial.
            indices: Indices of the frames in the trial, at least one.
            out: Receives the pixels, (indices, 3, height, width). Pixels of frames that are not found are undefined.

        Returns:
            Whether each frame was found undamaged, (indices,).
        """
        found = np.zeros(len(indices), np.bool_)
        try:
            handle = os.open(self._file(trial), os.O_RDONLY)
        except OSError:
            return found
        try:
            first = min(indices)
            records = self._read_records(handle, trial, range(first, max(indices) + 1))
            if records is None:
                return found
            for i, index in enumerate(indices):
                record = records[index - first]
                if record["state"] == KEPT:
                    pixels = memoryview(out[i]).cast("B")
                    read = os.preadv(handle, [pixels], self._offset(trial, index))
                    found[i] = read == self.frame_bytes and self._sum(index, pixels) == record["checksum"]
        except OSError:
            pass  # frames read before the disk failed are valid
        finally:
            os.close(handle)
        return found

    def write(self, trial: TrialFrames, index: int, pixels: NDArray[np.uint8] | None, stamp: Stamp | None) -> None:
        """Store a frame, or the fact that it cannot be read.

        Args:
            trial: The trial.
            index: Index of the frame in the trial.
            pixels: Shape (3, height, width); None if the frame cannot be read.
            stamp: Stamp of the file that contains the frame, from before it was read.

        Raises:
            OSError: The disk cannot be written to.
        """
        handle = os.open(self._file(trial), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._prepare(handle, trial)
            checksum = 0
            if pixels is not None:
                content = memoryview(pixels.tobytes())
                checksum = self._sum(index, content)
                _write_all(handle, content, self._offset(trial, index))
            state = UNREADABLE if pixels is None else KEPT
            record = np.array([(state, checksum, *_stamp_values(stamp))], _RECORD)
            _write_all(handle, memoryview(record.tobytes()), _HEADER.size + index * _RECORD.itemsize)
        finally:
            os.close(handle)

    def _file(self, trial: TrialFrames) -> Path:
        return self.folder / f"{trial.digest.hex()}.frames"

    def _offset(self, trial: TrialFrames, index: int) -> int:
        head = _HEADER.size + len(trial.frames) * _RECORD.itemsize
        return -(-head // _PAGE) * _PAGE + index * self.frame_bytes

    def _sum(self, index: int, pixels: memoryview) -> int:
        # The index is the starting value, so a slot at a wrong position does not match.
        return zlib.crc32(pixels, index + 1)

    def _header(self, trial: TrialFrames) -> bytes:
        return _HEADER.pack(_MAGIC, FORMAT, len(trial.frames), *self.shape, trial.digest)

    def _records(self, trial: TrialFrames, indices: range) -> NDArray[np.void] | None:
        try:
            handle = os.open(self._file(trial), os.O_RDONLY)
        except OSError:
            return None
        try:
            return self._read_records(handle, trial, indices)
        except OSError:
            return None
        finally:
            os.close(handle)

    def _read_records(self, handle: int, trial: TrialFrames, indices: range) -> NDArray[np.void] | None:
        """Return the records of consecutive frames in a trial's file; None if it is incomplete or of another format."""
        if os.pread(handle, _HEADER.size, 0) != self._header(trial):
            return None
        length = len(indices) * _RECORD.itemsize
        records = os.pread(handle, length, _HEADER.size + indices.start * _RECORD.itemsize)
        return np.frombuffer(records, _RECORD) if len(records) == length else None

    def _prepare(self, handle: int, trial: TrialFrames) -> None:
        """Initialize a file that is new, incomplete or of another format."""
        last = range(len(trial.frames) - 1, len(trial.frames))
        if self._read_records(handle, trial, last) is not None:
            return
        fcntl.flock(handle, fcntl.LOCK_EX)  # released when the file is closed
        if self._read_records(handle, trial, last) is None:
            os.ftruncate(handle, 0)
            os.ftruncate(handle, self._offset(trial, len(trial.frames)))
            _write_all(handle, memoryview(self._header(trial)), 0)


def stores_folder() -> Path:
    """Return the folder that contains all stores of this workspace."""
    return cache_folder() / "clips"


def _stamp_values(stamp: Stamp | None) -> tuple[int, int]:
    return (-1, -1) if stamp is None else (stamp.size, stamp.mtime_ns)


def _write_all(handle: int, content: memoryview, offset: int) -> None:
    while len(content):
        written = os.pwrite(handle, content, offset)
        content, offset = content[written:], offset + written
