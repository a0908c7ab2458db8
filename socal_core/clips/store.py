"""A data set's frames on local disk, resized and cropped for a model: decoded once, then only read.

There is one folder per data folder and way of resizing (the recipe), one file per trial and one slot per frame. A slot
holds raw bytes: they are exactly what was computed, and reading them costs a copy. Measured
(`python -m benchmarks.clips --storage`): lossless compression saves a fifth (zlib) to three fifths (WebP) of the space
and makes reading over ten times slower; JPEG takes a seventh, is slow as well and not exact. All of SOCAL, 31,443
frames of 224 px, is 4.7 GB raw.

A trial's file has a header that identifies it, an index with one record per frame, and the slots. The pixels are
written before their record, and a slot counts only if the checksum in its record is that of its bytes. So no slot is
partly written: what a kill, a full disk or another program left does not count and is written again. Two processes that
fill the same slot write the same bytes.
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
"""Increased when the files, or the pixels of a recipe, change."""
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
    """A trial as the store knows it."""

    trial_id: str
    frames: tuple[str, ...]
    """The names of all its frames, in time order: slot i is frame i."""

    @cached_property
    def digest(self) -> bytes:
        """Identifies this trial with these frames; 16 bytes."""
        text = json.dumps([self.trial_id, self.frames])
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:16]


class StoreFolder:
    """A folder of cached values: found by a description of its content, and locked while it is in use."""

    def __init__(self, about: Mapping[str, Any]) -> None:
        """`about`: everything that identifies this store, JSON-ready, with `data` and `shape` (clips/clip_cache.py)."""
        self._about = dict(about)
        key = hashlib.sha256(json.dumps(self._about, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()
        self.folder = stores_folder() / key[:32]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Create the store if it is missing, and prevent its removal."""
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
                continue  # the store was removed in between
            if os.fstat(lock).st_nlink:
                return lock
            os.close(lock)  # it was removed here too


class FrameStore(StoreFolder):
    """The kept frames of one data folder at one size. OSError if the disk cannot be written to."""

    def __init__(self, root: Path, recipe: Mapping[str, Any], shape: tuple[int, int, int]) -> None:
        """`root`: the data folder; `recipe`: all that determines the bytes of a frame; `shape`: (3, height, width)."""
        super().__init__(
            {"format": FORMAT, "data": os.path.realpath(root), "recipe": dict(recipe), "shape": list(shape)}
        )
        self.shape = shape
        self.frame_bytes = int(np.prod(shape))

    def states(self, trial: TrialFrames, places: Sequence[int], stamps: Sequence[Stamp | None]) -> NDArray[np.uint32]:
        """Return the states of some frames (KEPT, UNREADABLE, 0), (places,); 0 if the file has another stamp.

        Only the index is read: a damaged slot is detected when it is read.
        """
        first = min(places, default=0)
        records = self._records(trial, range(first, max(places, default=0) + 1))
        if records is None:
            return np.zeros(len(places), np.uint32)
        records = records[[place - first for place in places]]
        wanted = np.array([_stamp_values(stamp) for stamp in stamps], np.int64).reshape(-1, 2)
        same = (records["size"] == wanted[:, 0]) & (records["mtime_ns"] == wanted[:, 1])
        return np.where(same, records["state"], 0).astype(np.uint32)

    def count(self, trial: TrialFrames) -> int:
        """Frames whose pixels are kept, whether or not their files have changed since."""
        records = self._records(trial, range(len(trial.frames)))
        return 0 if records is None else int((records["state"] == KEPT).sum())

    def read(self, trial: TrialFrames, places: Sequence[int], out: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Copy some frames into `out` (places, 3, height, width); returns which of them were there.

        The content of `out` for the others is undefined.
        """
        found = np.zeros(len(places), np.bool_)
        try:
            handle = os.open(self._file(trial), os.O_RDONLY)
        except OSError:
            return found
        try:
            first = min(places)
            records = self._read_index(handle, trial, range(first, max(places) + 1))
            if records is None:
                return found
            for i, place in enumerate(places):
                record = records[place - first]
                if record["state"] == KEPT:
                    pixels = memoryview(out[i]).cast("B")
                    read = os.preadv(handle, [pixels], self._offset(trial, place))
                    found[i] = read == self.frame_bytes and self._sum(place, pixels) == record["checksum"]
        except OSError:
            pass  # what was read before the disk failed is valid
        finally:
            os.close(handle)
        return found

    def write(self, trial: TrialFrames, place: int, pixels: NDArray[np.uint8] | None, stamp: Stamp | None) -> None:
        """Keep a frame's pixels (3, height, width), or with None that its file, of this stamp, cannot be read."""
        handle = os.open(self._file(trial), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._prepare(handle, trial)
            checksum = 0
            if pixels is not None:
                content = memoryview(pixels.tobytes())
                checksum = self._sum(place, content)
                _write_all(handle, content, self._offset(trial, place))
            state = UNREADABLE if pixels is None else KEPT
            record = np.array([(state, checksum, *_stamp_values(stamp))], _RECORD)
            _write_all(handle, memoryview(record.tobytes()), _HEADER.size + place * _RECORD.itemsize)
        finally:
            os.close(handle)

    def _file(self, trial: TrialFrames) -> Path:
        return self.folder / f"{trial.digest.hex()}.frames"

    def _offset(self, trial: TrialFrames, place: int) -> int:
        head = _HEADER.size + len(trial.frames) * _RECORD.itemsize
        return -(-head // _PAGE) * _PAGE + place * self.frame_bytes

    def _sum(self, place: int, pixels: memoryview) -> int:
        # Starts from the index of the frame, so that a slot at a wrong position does not pass.
        return zlib.crc32(pixels, place + 1)

    def _header(self, trial: TrialFrames) -> bytes:
        return _HEADER.pack(_MAGIC, FORMAT, len(trial.frames), *self.shape, trial.digest)

    def _records(self, trial: TrialFrames, places: range) -> NDArray[np.void] | None:
        try:
            handle = os.open(self._file(trial), os.O_RDONLY)
        except OSError:
            return None
        try:
            return self._read_index(handle, trial, places)
        except OSError:
            return None
        finally:
            os.close(handle)

    def _read_index(self, handle: int, trial: TrialFrames, places: range) -> NDArray[np.void] | None:
        """The records of consecutive frames in a trial's file; None if it is incomplete or of another kind."""
        if os.pread(handle, _HEADER.size, 0) != self._header(trial):
            return None
        length = len(places) * _RECORD.itemsize
        records = os.pread(handle, length, _HEADER.size + places.start * _RECORD.itemsize)
        return np.frombuffer(records, _RECORD) if len(records) == length else None

    def _prepare(self, handle: int, trial: TrialFrames) -> None:
        """Initialize a file that is new, incomplete or of another kind."""
        last = range(len(trial.frames) - 1, len(trial.frames))
        if self._read_index(handle, trial, last) is not None:
            return
        fcntl.flock(handle, fcntl.LOCK_EX)  # given back when the file is closed
        if self._read_index(handle, trial, last) is None:
            os.ftruncate(handle, 0)
            os.ftruncate(handle, self._offset(trial, len(trial.frames)))
            _write_all(handle, memoryview(self._header(trial)), 0)


def stores_folder() -> Path:
    """The folder of all stores of this workspace."""
    return cache_folder() / "clips"


def _stamp_values(stamp: Stamp | None) -> tuple[int, int]:
    return (-1, -1) if stamp is None else (stamp.size, stamp.mtime_ns)


def _write_all(handle: int, content: memoryview, offset: int) -> None:
    while len(content):
        written = os.pwrite(handle, content, offset)
        content, offset = content[written:], offset + written
