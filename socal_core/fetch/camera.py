"""Record a camera: one frame per second, as files in a folder that a model follows."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.storage import write_bytes

if TYPE_CHECKING:
    import cv2

PREFIX = "camera:"
"""What names a camera among the sources of the command line: `camera:0`, or `camera:` and the address of a stream."""
SECONDS_PER_FRAME = 1.0
_QUALITY = 95
"""JPEG quality of the frames."""
_PATIENCE_SECONDS = 5.0
"""How long a camera that hangs is waited for at the end."""


class Camera:
    """Records until the `with` block is left, in a thread.

    All pictures of the camera are read, so that each frame is what the camera sees now and not what it has buffered.
    """

    def __init__(self, source: str, folder: Path, seconds_per_frame: float = SECONDS_PER_FRAME) -> None:
        """Name the camera and the folder.

        Args:
            source: The number of a camera of this machine, such as 0, or the address of a video stream.
            folder: An existing folder, which receives `00000001.jpeg` and so on.
            seconds_per_frame: Time between two frames.
        """
        self._source, self._folder, self._seconds = source, folder, seconds_per_frame
        self._leave = threading.Event()
        self._problem = ""
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Open the camera and begin to record.

        Raises:
            DataError: The camera cannot be opened.
        """
        # OpenCV takes a while to load.
        import cv2

        number = self._source.isdecimal() and self._source.isascii()
        capture = cv2.VideoCapture(int(self._source)) if number else cv2.VideoCapture(self._source, cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise DataError(
                f"The camera {self._source!r} cannot be opened. Check that it is connected, and that no other program "
                "uses it."
            )
        self._thread = threading.Thread(target=self._record, args=(capture,), name="camera", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the recording, and release the camera."""
        self._leave.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_SECONDS)

    @property
    def ended(self) -> bool:
        """Whether the recording has ended by itself; `check` says why."""
        return bool(self._problem)

    def check(self) -> None:
        """Check that the camera is recording.

        Raises:
            DataError: It has ended, or its frames cannot be written.
        """
        if self._problem:
            raise DataError(self._problem)

    def _record(self, capture: "cv2.VideoCapture") -> None:
        import cv2

        start, written = time.monotonic(), 0
        try:
            while not self._leave.is_set():
                if not capture.grab():
                    self._problem = f"The camera {self._source!r} sends no more pictures."
                    return
                if time.monotonic() < start + written * self._seconds:
                    continue
                there, pixels = capture.retrieve()
                if there:
                    written += 1
                    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
                    write_bytes(self._folder / f"{written:08d}.jpeg", jpeg.tobytes())
        except OSError as error:
            self._problem = f"The frames of the camera cannot be written: {os_reason(error)}. Free some space."
        finally:
            capture.release()
