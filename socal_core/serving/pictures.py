"""Frames as JPEG, at a few widths, with the last ones kept in memory."""

import hashlib
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import Stamp, stamp_of
from socal_core.dataset.images import read_size
from socal_core.errors import DataError
from socal_core.file_handles import os_reason

WIDTHS = (480, 960)
"""The widths, in pixels, at which a frame can be had besides its own."""
KEPT_BYTES = 16_000_000
_QUALITY = {True: 85, False: 95}
"""JPEG quality of a reduced frame, and of one at its own size."""
_AHEAD = 8
"""Frames of a video that are decoded in one pass, since each new pass has to seek."""

Key = tuple[str, str, Stamp, int | None]


@dataclass
class Kept:
    """The pictures that were served last, at most so many bytes of them. Several threads use it."""

    limit: int = KEPT_BYTES
    size: int = 0
    _pictures: OrderedDict[Key, bytes] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Key) -> bytes | None:
        """Return a picture, None if it is not kept."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)

    def put(self, key: Key, picture: bytes) -> None:
        """Keep a picture, and forget those that were not asked for the longest."""
        with self._lock:
            self.size += len(picture) - len(self._pictures.pop(key, b""))
            self._pictures[key] = picture
            while self.size > self.limit:
                _, forgotten = self._pictures.popitem(last=False)
                self.size -= len(forgotten)


class Pictures:
    """Reads frames as JPEG."""

    def __init__(self, kept: Kept | None = None) -> None:
        self._kept = kept or Kept()
        self._one_video_at_a_time = threading.Lock()

    def read(self, dataset: Dataset, frames: list[str], width: int | None) -> bytes:
        """Return a frame as JPEG.

        Args:
            dataset: The data set.
            frames: The name of the frame, and those of the next frames, which may be read with it.
            width: The largest width in pixels, one of WIDTHS; None for the size of the frame.

        Returns:
            The JPEG, turned upright and without the metadata of the file.

        Raises:
            DataError: The frame cannot be read.
        """
        key = _key(dataset, frames[0], width)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        if dataset.is_image(frames[0]):
            return self._encode(key, dataset.read_frame(frames[0], _short_edge(dataset, frames[0], width)), width)
        with self._one_video_at_a_time:
            return self._kept.get(key) or self._read_ahead(dataset, frames[:_AHEAD], width)

    def _read_ahead(self, dataset: Dataset, frames: list[str], width: int | None) -> bytes:
        """Return the first of several frames of a video, and keep the others."""
        pixels = dataset.read_frames(frames)
        first = self._encode(_key(dataset, frames[0], width), next(pixels), width)
        with suppress(DataError):  # whoever asks for a later frame is told
            for frame, later in zip(frames[1:], pixels, strict=False):
                self._encode(_key(dataset, frame, width), later, width)
        return first

    def _encode(self, key: Key, pixels: NDArray[np.uint8], width: int | None) -> bytes:
        # OpenCV takes a while to load.
        import cv2

        if width is not None and pixels.shape[1] > width:
            size = (width, max(1, round(pixels.shape[0] * width / pixels.shape[1])))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY[width is not None]]
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), quality)
        picture = encoded.tobytes()
        self._kept.put(key, picture)
        return picture


def tag_of(dataset: Dataset, frame: str, width: int | None) -> str:
    """Return a text that changes with the file of a frame, and differs between frames and widths.

    Raises:
        DataError: The file is not there.
    """
    return hashlib.sha256(repr(_key(dataset, frame, width)).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _key(dataset: Dataset, frame: str, width: int | None) -> Key:
    try:
        return str(dataset.root), frame, stamp_of(dataset.file_of(frame).stat()), width
    except OSError as error:
        raise DataError(f"Frame {frame} cannot be read: {os_reason(error)}.") from error


def _short_edge(dataset: Dataset, frame: str, width: int | None) -> int | None:
    """Return the `short_edge` with which a JPEG is decoded as small as possible and at least `width` wide."""
    if width is None:
        return None
    try:
        across, down = read_size(dataset.file_of(frame))
    except DataError:
        return None  # decoding reports the error
    return -(-min(across, down) * width // (2 * across))
