"""Trials recorded as video: how long they are, and their pictures at one a second.

OpenCV decodes; a file is handed to it only when its first bytes are those of the container that its name says, for
FFmpeg would also follow a play list that calls itself a video.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from socal_core.dataset import layout
from socal_core.dataset.images import MAX_PIXELS
from socal_core.errors import DataError

MAX_SECONDS = 36_000
"""A header that promises more than ten hours is not believed."""
_MAX_RATE = 1000.0
_AHEAD_SECONDS = 2
"""A frame that lies farther ahead is sought, not reached by decoding what lies between."""

_BOXES_OF_MP4 = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"})


@dataclass(frozen=True)
class Video:
    """What the header of a video says."""

    path: str
    """Relative to the data folder."""
    seconds: int
    """Pictures at one a second, at least 1."""
    frame_rate: float
    """Frames a second in the file."""
    width: int
    height: int

    def index_of(self, second: int) -> int:
        """The place in the file, from 0, of the frame that stands for a second."""
        return round(second * self.frame_rate / layout.FRAMES_PER_SECOND)


def probe(root: Path, path: str) -> Video:
    """Read the header of a video; DataError with the bare reason when it is none that can be used."""
    with _opened(root / path) as capture:
        count, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if not (math.isfinite(count) and math.isfinite(rate) and count >= 1 and 0 < rate <= _MAX_RATE):
        raise DataError("its header gives no number of frames or no frame rate")
    if not 0 < width * height <= MAX_PIXELS:
        raise DataError(f"it has {width}x{height} pixels, more than the {MAX_PIXELS:,} allowed")
    seconds = math.floor((count - 1) / rate * layout.FRAMES_PER_SECOND) + 1
    if seconds > MAX_SECONDS:
        raise DataError(f"its header promises {seconds:,} s, more than the {MAX_SECONDS:,} s allowed")
    return Video(path, seconds, rate, width, height)


def read_seconds(root: Path, video: Video, seconds: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """Decode the frames of some seconds to RGB, each (height, width, 3); DataError when the file does not give one.

    Seconds that follow each other are decoded in one go: to seek each would decode what lies before it again.
    """
    with _opened(root / video.path) as capture:
        position: int | None = None
        for second in seconds:
            wanted = video.index_of(second)
            if position is None or not 0 <= wanted - position <= _AHEAD_SECONDS * video.frame_rate:
                capture.set(cv2.CAP_PROP_POS_FRAMES, wanted)
                position = wanted
            try:
                while position < wanted and capture.grab():
                    position += 1
                found, picture = capture.read()
            except cv2.error as error:
                raise DataError(f"OpenCV cannot decode it ({error.func or 'unknown reason'})") from error
            if not found or picture is None or position != wanted:
                raise DataError("the video ends or is damaged before it")
            position += 1
            yield np.ascontiguousarray(picture[:, :, ::-1])


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise DataError(error.strerror or type(error).__name__) from error
    if not _is_container(head, path.suffix.lower()):
        raise DataError(f"it is no {path.suffix.lower().lstrip('.')} video")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise DataError("it is cut off or damaged")
        yield capture
    finally:
        capture.release()


def _is_container(head: bytes, suffix: str) -> bool:
    if suffix == ".avi":
        return head[:4] == b"RIFF" and head[8:12] == b"AVI "
    if suffix in {".mkv", ".webm"}:
        return head[:4] == b"\x1a\x45\xdf\xa3"
    return head[4:8] in _BOXES_OF_MP4
