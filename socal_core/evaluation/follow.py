"""Predict a trial while its frames are being recorded, by a camera or into a folder that grows by one per second."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from socal_core.dataset.folder import Stamp, stamp_of
from socal_core.dataset.images import check_image, quiet_pillow
from socal_core.dataset.material import frames_dataset, picture_names
from socal_core.errors import DataError
from socal_core.evaluation.predict_sources import Forecaster
from socal_core.fetch.camera import SECONDS_PER_FRAME, Camera
from socal_core.file_handles import os_reason

IDLE_SECONDS = 60.0
"""Without a new frame for this long, the recording counts as ended."""
_WAIT_SECONDS = 0.5
"""Time between two looks at the folder."""


@dataclass
class GrowingFolder:
    """The frames of a folder that are complete: those that can be decoded to their end."""

    path: Path
    _known: dict[str, tuple[Stamp, bool]] = field(default_factory=dict)

    def complete(self) -> list[str]:
        """Return the names of the complete frames; each version of a file is decoded once.

        Raises:
            DataError: The folder cannot be read.
        """
        try:
            names = picture_names([entry.name for entry in self.path.iterdir() if not entry.name.startswith(".")])
        except OSError as error:
            raise DataError(f"{self.path.name} cannot be read as a folder: {os_reason(error)}.") from error
        with quiet_pillow():
            return [name for name in names if self._is_complete(name)]

    def _is_complete(self, name: str) -> bool:
        path = self.path / name
        try:
            if path.is_symlink():
                return False
            stamp = stamp_of(path.stat())
        except OSError:
            return False  # renamed in the meantime
        if self._known.get(name, (None, False))[0] != stamp:
            try:
                check_image(path)
                self._known[name] = stamp, True
            except DataError:
                self._known[name] = stamp, False
        return self._known[name][1]


def _pause() -> None:
    time.sleep(_WAIT_SECONDS)


def follow(
    forecaster: Forecaster,
    folder: Path,
    idle: float = IDLE_SECONDS,
    wait: Callable[[], None] = _pause,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[dict[str, Any]]:
    """Predict a trial again whenever frames have been added to its folder.

    Each prediction is from all complete frames so far, with clips sampled from the part of the window that is over.

    Args:
        forecaster: The model.
        folder: The folder of the frames; the newest one may be incomplete.
        idle: End after this many seconds without a new frame.
        wait: Called before the next look at the folder; may raise.
        clock: The time in seconds.

    Yields:
        Predictions, as from `Forecaster.predict_material`, with frames (the number of complete frames), second (of the
        last of them) and complete (whether the window of the run is over). The last one is that of the whole window.

    Raises:
        DataError: The folder cannot be read.
    """
    growing, seen, since = GrowingFolder(folder), 0, clock()
    window = forecaster.model.config.clip.observation
    while clock() - since <= idle:
        names = growing.complete()
        if len(names) > seen:
            seen, since = len(names), clock()
            dataset = frames_dataset(folder, names, folder.name)
            second = int(dataset.frames["second"].iloc[-1])
            over = window.stop is not None and 0 < window.stop <= second + 1
            if not window.select(dataset.frames).empty:
                rows, _ = forecaster.predict_material(dataset, folder.name)
                yield {**rows[0], "frames": seen, "second": second, "complete": over}
                if over:
                    return
        wait()


def follow_camera(
    forecaster: Forecaster,
    source: str,
    folder: Path,
    wait: Callable[[], None] = _pause,
    seconds_per_frame: float = SECONDS_PER_FRAME,
) -> Iterator[dict[str, Any]]:
    """Record a camera, and predict the trial again with each new frame.

    Args:
        forecaster: The model.
        source: The number of a camera of this machine, or the address of a video stream.
        folder: An empty folder, which receives the frames.
        wait: Called before the next look at the folder; may raise.
        seconds_per_frame: Time between two frames.

    Yields:
        Predictions, as from `follow`.

    Raises:
        DataError: The camera cannot be opened, or ends before the window of the run is over.
    """
    with Camera(source, folder, seconds_per_frame) as camera:
        ended = False

        def look() -> None:
            nonlocal ended
            if ended:  # and the frames before its end have been predicted
                camera.check()
            ended = camera.ended
            wait()

        yield from follow(forecaster, folder, wait=look)
