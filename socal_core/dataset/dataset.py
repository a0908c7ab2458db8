"""The value types of a data set, which all other packages exchange."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset import layout
from socal_core.dataset.images import read_frame
from socal_core.dataset.schema import check_columns, check_rows
from socal_core.dataset.targets import SUCCESS_TARGET, Target, strata, target_values
from socal_core.errors import DataError
from socal_core.presets import SOCAL, Preset

if TYPE_CHECKING:
    from socal_core.dataset.video import Video


class Severity(StrEnum):
    """How severe a problem is."""

    ERROR = "error"
    """Something in the data folder cannot be used, such as a frame, a row or a trial."""
    WARNING = "warning"
    """Data are used after a repair, or may be misleading."""
    INFO = "info"
    """Worth knowing; all data are used."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a data folder, and what was done about it."""

    code: str
    """Stable name in kebab case, such as `box-outside-frame`."""
    severity: Severity
    path: str
    """File, relative to the data folder, with forward slashes."""
    row: int | None
    """Line in the file as an editor counts it (first line = 1); None if the problem concerns the whole file."""
    message: str
    """What is wrong, what was done about it, and what to do, in one to three sentences."""
    count: int = 1
    """How many rows or files this entry stands for."""
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What was found, by name: JSON-ready values, most of which the message holds (docs/problems.md)."""

    def as_dict(self) -> dict[str, Any]:
        """Return the problem as JSON-ready values."""
        return {**asdict(self), "severity": self.severity.value}


@dataclass(frozen=True)
class Evidence:
    """How a file was interpreted, and why."""

    path: str
    """File or folder, relative to the data folder, with forward slashes."""
    interpretation: str
    """The meaning given to the file, in one sentence, such as *Row n is frame n of S102T1, counted from 1.*"""
    basis: str
    """The evidence for it, in one sentence, such as *The file has 300 rows and S102T1 has 300 frames.*"""

    def as_dict(self) -> dict[str, str]:
        """Return the evidence as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A validated data folder. The tables are read-only by convention: copy before you change one.

    `schema.py` declares the columns of trials, frames and boxes, and docs/tables.md lists them.

    Raises:
        DataError: A table is not as declared.
    """

    root: Path
    trials: pd.DataFrame
    frames: pd.DataFrame
    boxes: pd.DataFrame
    outcome_rows: int
    problems: tuple[Problem, ...]
    preset: Preset = SOCAL
    """The published data set as which the folder was read."""
    evidence: tuple[Evidence, ...] = ()
    """How files were interpreted, and why, in the order of reading."""
    images_dir: str = layout.IMAGES_DIR
    """The folder of frames, relative to the root; "" if they are in the root itself."""
    videos: Mapping[str, "Video"] = field(default_factory=dict)
    """The video of each trial (by trial_id) that has no frames as images."""
    box_format: str = ""
    """The key of the format that the boxes were read from, "" if there are none."""
    box_formats: tuple[str, ...] = ()
    """The keys of all formats in which the folder holds boxes."""
    fingerprint: str = ""
    """SHA-256 over the names of all frames and the content of all tables and annotations that were read. The same
    data have the same fingerprint on every machine; the pixels of the frames are not covered."""
    target: Target = SUCCESS_TARGET
    """What is predicted about a trial. It decides which trials are usable."""
    checked: InitVar[bool] = False
    """Whether the rows were checked before, like those of cached tables. Then only the columns are checked."""

    def __post_init__(self, checked: bool) -> None:
        check_columns(self.trials, self.frames, self.boxes)
        if not checked:
            check_rows(self.trials, self.frames, self.boxes)

    @property
    def usable_trials(self) -> pd.DataFrame:
        """The rows of `trials` that have at least one frame and a known value of the target."""
        return self.trials[self.trials["usable"]]

    @property
    def target_values(self) -> pd.Series:
        """The target of each usable trial, by trial_id: the index of its class (int64), or a number (float64)."""
        values = target_values(self.usable_trials, self.target)
        return values.astype("float64" if self.target.is_number else "int64")

    @property
    def strata(self) -> pd.Series:
        """The stratum of each usable trial (int64), by trial_id, which a split distributes evenly over the subsets."""
        return strata(self.target_values, self.target)

    def frames_of(self, trial_id: str) -> pd.DataFrame:
        """Return the frames of one trial in time order.

        Raises:
            DataError: The data set has no frame of the trial.
        """
        rows = self.frames[self.frames["trial_id"] == trial_id]
        if rows.empty:
            raise DataError(f"Trial {trial_id} has no frame. Choose a trial that has.")
        return rows

    def file_of(self, frame: str) -> Path:
        """Return the file on disk that holds a frame: an image, or the video of its trial."""
        video = self._video_of(frame)
        return self.root / (layout.path_of_frame(self.images_dir, frame) if video is None else video.path)

    def is_image(self, frame: str) -> bool:
        """Return whether a frame is an image file, not a second of a video."""
        return self._video_of(frame) is None

    def read_frame(self, frame: str, short_edge: int | None = None) -> NDArray[np.uint8]:
        """Decode a frame to RGB.

        Args:
            frame: The name of the frame.
            short_edge: Pixels of the shorter edge that are needed. A JPEG may then be decoded at a reduced size, as
                in `images.read_frame`; a frame of a video is always decoded at its full size.

        Returns:
            The pixels, (height, width, 3).

        Raises:
            DataError: The frame cannot be read; the message names it and the reason.
        """
        return next(self.read_frames([frame], short_edge))

    def read_frames(self, frames: Sequence[str], short_edge: int | None = None) -> Iterator[NDArray[np.uint8]]:
        """Decode frames of one trial, each as in `read_frame`.

        Args:
            frames: The names of frames of one trial.
            short_edge: As in `read_frame`.

        Yields:
            The pixels of each frame, (height, width, 3).

        Raises:
            DataError: A frame cannot be read; the message names the first such frame.
        """
        video = self._video_of(frames[0])
        if video is None:
            for frame in frames:
                yield read_frame(self.root / layout.path_of_frame(self.images_dir, frame), short_edge)
            return
        # OpenCV takes a while to load, and most data sets have no video.
        from socal_core.dataset.video import read_seconds

        seconds = [layout.index_of_second(frame) - 1 for frame in frames]
        done = 0
        try:
            for picture in read_seconds(self.root, video, seconds):
                yield picture
                done += 1
        except DataError as error:
            raise DataError(f"Frame {frames[done]} of {video.path} cannot be read: {error}.") from None

    def _video_of(self, frame: str) -> "Video | None":
        return self.videos.get(frame.partition("_frame_")[0]) if self.videos else None
