"""The time at which each frame of a video is shown. Phones, screen recorders and OBS vary the frame rate.

The header of an MP4 shows whether the steps between its frames are equal; in an AVI they always are. Otherwise the
times of all frames are read, which takes as long as reading the file; nothing is decoded.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from socal_core.file_handles import check_handles, handles_explained

_LARGEST_HEADER = 64 * 2**20


def may_vary(path: Path) -> bool:
    """Return whether the steps between the frames of a video may differ, according to its container.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    suffix = path.suffix.lower()
    if suffix == ".avi":
        return False
    if suffix in {".mkv", ".webm"}:
        return True
    try:
        with handles_explained(), path.open("rb") as file:
            steps = _steps_of_mp4(file)
    except (OSError, struct.error):
        return True
    return steps is None or len(np.unique(steps)) > 1


def shown_at(path: Path) -> NDArray[np.float64]:
    """Return the sorted times at which the frames are shown, in s since the first; empty if they are unknown.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])  # packets as they are
    times: list[float] = []
    try:
        if not capture.isOpened():
            check_handles()
        while capture.isOpened() and capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    except cv2.error:
        return np.array([])
    finally:
        capture.release()
    shown: NDArray[np.float64] = np.sort(np.array(times))
    return np.asarray(shown - shown[:1])


def frames_of_seconds(shown: NDArray[np.float64], rate: float) -> NDArray[np.intp] | None:
    """Find the frame that is shown at each second.

    Args:
        shown: The time of each frame, from `shown_at`.
        rate: Frames per second, according to the header.

    Returns:
        The index of the frame for each second; None if the frame rate is constant.
    """
    steps = np.diff(shown)
    if not len(steps) or np.abs(shown - np.arange(len(shown)) / rate).max() < 0.5 / rate:
        return None
    tolerance = float(np.median(steps)) / 2  # at 29.97 per second, the 30th frame is slightly later than the second
    seconds = np.arange(int(shown[-1] + tolerance) + 1)
    return np.maximum(np.searchsorted(shown, seconds + tolerance, side="right") - 1, 0)


def _steps_of_mp4(file: BinaryIO) -> NDArray[np.uint32] | None:
    """Return the durations of the frames of an MP4, except the last; None if its header does not give them."""
    header = _top_box(file, b"moov")
    for track in _boxes(header, b"trak"):
        media = next(_boxes(track, b"mdia"), b"")
        handler = next(_boxes(media, b"hdlr"), b"")
        if handler[8:12] != b"vide":
            continue
        samples = next(_boxes(next(_boxes(media, b"minf"), b""), b"stbl"), b"")
        table = next(_boxes(samples, b"stts"), b"")
        if len(table) < 8:
            return None
        (count,) = struct.unpack_from(">I", table, 4)
        runs = np.frombuffer(table, ">u4", 2 * min(count, (len(table) - 8) // 8), 8).reshape(-1, 2)
        return runs[:-1, 1] if len(runs) > 1 and runs[-1, 0] == 1 else runs[:, 1]
    return None


def _top_box(file: BinaryIO, wanted: bytes) -> bytes:
    """Return the content of a top-level box of an MP4; b"" if there is none."""
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        skipped = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            skipped = 16
        if size == 0:
            size = _LARGEST_HEADER
        if size < skipped:
            return b""
        if kind == wanted:
            return file.read(min(size - skipped, _LARGEST_HEADER))
        file.seek(size - skipped, 1)
    return b""


def _boxes(data: bytes, wanted: bytes) -> Iterator[bytes]:
    """Yield the content of each box of a kind directly inside a box."""
    start = 0
    while start + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8:
            return
        if kind == wanted:
            yield data[start + 8 : start + size]
        start += size
