"""Trials recorded as video: their length, and their frames at one per second.

OpenCV decodes them. It receives a file only if the first bytes are those of the container that its name indicates,
since FFmpeg would also follow a play list that is named like a video.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from socal_core.dataset import layout
from socal_core.dataset.images import MAX_PIXELS
from socal_core.dataset.video_times import frames_of_seconds, may_vary, shown_at
from socal_core.errors import DataError
from socal_core.file_handles import check_handles, handles_explained, os_reason

MAX_SECONDS = 36_000
"""Ten hours; a header that gives more is treated as damaged."""
_MAX_RATE = 1000.0
_AHEAD_SECONDS = 2
"""For a frame further ahead, the player seeks instead of decoding the frames in between."""
_SAME_TIME = 0.0005
"""The largest difference, in s, between two readings of the time of a frame."""

_BOXES_OF_MP4 = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"})


@dataclass(frozen=True)
class Video:
    """The properties of a video, from its header."""

    path: str
    """Relative to the data folder."""
    seconds: int
    """The number of frames at one per second, at least 1."""
    frame_rate: float
    """Frames per second in the file."""
    width: int
    height: int
    indices: tuple[int, ...] = ()
    """If the frame rate varies, the index in the file, from 0, of the frame that is shown at each second."""
    times: tuple[float, ...] = ()
    """The time at which each of these frames is shown, in s since the first."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Video":
        """Read the values from `dataclasses.asdict`, even if they were stored as JSON."""
        return cls(**{**values, "indices": tuple(values["indices"]), "times": tuple(values["times"])})

    def index_of(self, second: int) -> int:
        """Return the index in the file, from 0, of the frame that represents a second."""
        if self.indices:
            return self.indices[second]
        return round(second * self.frame_rate / layout.FRAMES_PER_SECOND)

    def time_of(self, second: int) -> float:
        """Return the time at which the frame that represents a second is shown, in s since the first."""
        return self.times[second] if self.times else self.index_of(second) / self.frame_rate


def probe(root: Path, path: str) -> Video:
    """Read the header of a video.

    Args:
        root: The data folder.
        path: The video, relative to it.

    Raises:
        DataError: The video cannot be used; the message is only the reason.
    """
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
    shown = shown_at(root / path) if may_vary(root / path) else np.array([])
    if len(shown) and not shown[-1] < MAX_SECONDS:
        raise DataError(f"its last frame is shown after {shown[-1]:,.0f} s, more than the {MAX_SECONDS:,} s allowed")
    indices = frames_of_seconds(shown, rate)
    if indices is None:
        return Video(path, seconds, rate, width, height)
    table = tuple(indices.tolist()), tuple(shown[indices].tolist())
    return Video(path, len(indices), rate, width, height, *table)


def read_seconds(root: Path, video: Video, seconds: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """Decode the frames of some seconds to RGB.

    Consecutive seconds are decoded in one pass, since each seek decodes earlier frames again.

    Args:
        root: The data folder.
        video: The video.
        seconds: The seconds, from 0.

    Yields:
        The pixels of each frame, (height, width, 3).

    Raises:
        DataError: A frame cannot be decoded; the message is only the reason.
    """
    with _opened(root / video.path) as capture:
        player: _Player | None = None
        for second in seconds:
            try:
                player = player or _Player(capture, video)
                picture = player.picture_at(video.time_of(second))
            except cv2.error as error:
                raise DataError(f"OpenCV cannot decode it ({error.func or 'unknown reason'})") from error
            yield picture


class _Player:
    """Finds the frame that is shown at a time. OpenCV seeks by counting frames, so each frame's time is checked."""

    def __init__(self, capture: cv2.VideoCapture, video: Video) -> None:
        self._capture = capture
        # Times at a constant rate may be rounded to the resolution of the container.
        self._tolerance = _SAME_TIME if video.indices else 0.5 / video.frame_rate
        self._start = 0.0
        self._start = self._grab() or 0.0
        self._now: float | None = 0.0
        """The time of the last grabbed frame, in s since the first; None at the end of the file."""

    def picture_at(self, time: float) -> NDArray[np.uint8]:
        if self._now is None or not -self._tolerance <= time - self._now <= _AHEAD_SECONDS:
            self._seek(time)
        while self._now is not None and self._now < time - self._tolerance:
            self._now = self._grab()
        found, picture = self._capture.retrieve() if self._now is not None else (False, None)
        # If the frame is missing, the next one replaces it, unless that belongs to another second.
        if not found or picture is None or self._now is None or self._now > time + 0.5:
            raise DataError("the video ends or is damaged before it")
        return np.ascontiguousarray(picture[:, :, ::-1])

    def _seek(self, time: float) -> None:
        """Go to the frame at a time, or to an earlier one."""
        back = 0.0
        while back < time:
            self._capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * (self._start + time - back))
            self._now = self._grab()
            if self._now is not None and self._now <= time + self._tolerance:
                return
            back = 2 * back + 1
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
        self._now = self._grab()

    def _grab(self) -> float | None:
        grabbed = self._capture.grab()
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 - self._start if grabbed else None


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    try:
        with handles_explained(), path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise DataError(os_reason(error)) from error
    if not _is_container(head, path.suffix.lower()):
        raise DataError(f"it is no {path.suffix.lower().lstrip('.')} video")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            check_handles()
            raise DataError("it is cut off or damaged")
        yield capture
    finally:
        capture.release()


def container_of(head: bytes) -> str:
    """Return the usual extension of videos whose first 12 bytes are these, "" if they are of none that is read."""
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return ".avi"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return ".mkv"
    return ".mp4" if head[4:8] in _BOXES_OF_MP4 else ""


def _is_container(head: bytes, suffix: str) -> bool:
    return container_of(head) == {".avi": ".avi", ".mkv": ".mkv", ".webm": ".mkv"}.get(suffix, ".mp4")
