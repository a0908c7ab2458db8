"""The rows that every box format is read into, the frames that readers match them with, and the type of a format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_lookup import FrameLookup
from socal_core.dataset.frame_names import read_names
from socal_core.dataset.problems import ProblemLog
from socal_core.presets import SOCAL, Preset

if TYPE_CHECKING:
    from socal_core.dataset.video import Video

LARGEST_COORDINATE = 100_000
"""Pixels. No camera has such large frames, so a larger number is an error and not a box past the edge."""
CORNERS = ("x1", "y1", "x2", "y2")
BOX_DTYPES = {
    "frame": "str",
    "trial_id": "str",
    "position": "int64",
    **dict.fromkeys(CORNERS, "int64"),
    "label": "str",
    "track_id": "Int64",
}
"""The columns of Dataset.boxes."""


@dataclass(frozen=True)
class BoxRows:
    """The rows of annotation files before they are checked against the frames; both tables have the index `row`.

    The index is the line in the file, from 1; in a JSON file, the number of the entry in its list, from 1.

    boxes: frame (str, the name in the file or, once the reader has matched it, in the data set), x1, y1, x2, y2 (int64
        or float64, pixels), label (str, "" if missing), track_id (Int64); if a format has several files, `file` (str,
        relative to the data folder).
    without_tool: the frames that the files mark as frames without a tool (columns frame, and file as above).
    """

    boxes: pd.DataFrame
    without_tool: pd.DataFrame


class KnownFrames:
    """The frames of the data folder, as readers of annotations need them."""

    def __init__(
        self,
        frames: pd.DataFrame,
        trials: pd.DataFrame,
        videos: Mapping[str, "Video"] | None = None,
        preset: Preset = SOCAL,
        stated: pd.DataFrame | None = None,
    ) -> None:
        """Index the frames.

        Args:
            frames: The frames of a `Dataset` (frame, trial_id, position). Optional columns width and height take
                precedence over the size of the trial.
            trials: The trials of a `Dataset` (width, height).
            videos: The videos by trial.
            preset: The form of their names, and their labels.
            stated: The width and height that the outcomes file states for each trial.
        """
        self.preset = preset
        self.frames = frames
        self._names = _arrow(frames["frame"])
        self._sizes = trials[["width", "height"]].astype("float64")
        self._own_sizes = frames[["width", "height"]].astype("float64") if "width" in frames else None
        self._videos = videos or {}
        self._stated = None if stated is None else stated[["width", "height"]].astype("float64")
        starts = frames["position"].to_numpy() == 0
        self._starts = dict(zip(frames["trial_id"][starts], np.flatnonzero(starts).tolist(), strict=True))
        self._counts = frames["trial_id"].value_counts()

    @property
    def trial_ids(self) -> list[str]:
        """The trials that have frames."""
        return list(self._starts)

    def rows_of_names(self, names: Sequence[str] | pd.Series | pd.Index) -> NDArray[np.intp]:
        """Return the row in `frames` of each exact name, -1 if there is no such frame; (n,).

        `match_names` finds the frames of names that tools have changed, from the evidence of a whole file.
        """
        # A pandas index would keep an object of each of a million names.
        rows = pc.index_in(_arrow(pd.Series(names, dtype="str")), value_set=self._names)
        return pc.fill_null(rows, -1).to_numpy().astype(np.intp)

    @cached_property
    def lookup(self) -> FrameLookup:
        """The lookup of frames by the names that tools give them."""
        return FrameLookup(self.frames, self.preset)

    def has_video(self, trial_id: str) -> bool:
        """Return whether the frames of a trial are seconds of a video."""
        return trial_id in self._videos

    def rows_of(self, trial_id: str, part: str = "") -> NDArray[np.intp]:
        """Return the rows in `frames` of a trial, or of a part of its recording by its letter, in temporal order."""
        start = self._starts.get(trial_id, 0)
        rows = np.arange(start, start + int(self._counts.get(trial_id, 0)))
        if not part:
            return rows
        names = read_names(self.frames["frame"].take(rows).tolist(), self.preset)
        return rows[(names["video"] == part).to_numpy(bool)]

    def sizes(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return width and height in pixels of the frames in these rows (all >= 0), NaN if unknown; (n, 2)."""
        if self._own_sizes is not None:
            return self._own_sizes.take(rows).to_numpy(np.float64)
        trials = self.frames["trial_id"].take(rows)
        return self._sizes.reindex(trials).to_numpy(np.float64)

    def stated_size(self, trial_id: str) -> NDArray[np.float64]:
        """Return width and height in pixels of a trial according to the outcomes file, NaN if not given; (2,)."""
        if self._stated is None or trial_id not in self._stated.index:
            return np.full(2, np.nan)
        return self._stated.loc[trial_id].to_numpy(np.float64)

    def states_other_size(self, trial_id: str) -> bool:
        """Return whether the outcomes file states another size than that of the frames of a trial."""
        own = self._sizes.loc[trial_id].to_numpy(np.float64)
        return bool((np.abs(self.stated_size(trial_id) - own) > 1).any())  # NaN compares as false

    def frames_of(self, trial_id: str) -> pd.DataFrame:
        """Return the frames of a trial in temporal order; empty if it has none."""
        start = self._starts.get(trial_id, 0)
        return self.frames.iloc[start : start + int(self._counts.get(trial_id, 0))]

    def recording_indices(self, trial_id: str, part: str = "") -> NDArray[np.int64]:
        """Return the index of each frame of a trial, or of a part, in its recording, from 0, ascending; (frames,).

        Tools that annotate video count the frames of the recording. For a trial of images, this is the position.
        """
        video = self._videos.get(trial_id)
        rows = self.rows_of(trial_id, part)
        if video is None:
            return np.arange(len(rows), dtype=np.int64)
        positions = self.frames["position"].to_numpy(np.int64)[rows]
        return np.array([video.index_of(int(position)) for position in positions], np.int64)

    def recording_end(self, trial_id: str, part: str = "") -> int:
        """Return the largest possible frame index of a recording: a video ends up to a second after its last frame."""
        indices = self.recording_indices(trial_id, part)
        step = int(np.diff(indices).max(initial=1))
        return int(indices[-1]) + (step if step > 1 else 0)

    def orders_agree(self, trial_id: str, part: str = "") -> bool:
        """Return whether the names of a trial's frames, sorted as text as in CVAT, are in temporal order."""
        return bool(self.frames["frame"].take(self.rows_of(trial_id, part)).is_monotonic_increasing)


@dataclass(frozen=True)
class Format:
    """One annotation format."""

    key: str
    """The short name, as typed on the command line."""
    title: str
    """The name to display."""
    find: Callable[[DataFolder], list[str]]
    """Find the files (or the folders of files) with boxes in this format, relative to the data folder.

    Problems that concern the format as a whole name the first.
    """
    read: Callable[[DataFolder, list[str], KnownFrames, ProblemLog], BoxRows]
    """Read the files that `find` returns."""
    write: Callable[[Dataset, Path], None] | None = None
    """Write the boxes of a data set into an empty folder, in the form that `find` and `read` expect."""


def empty_rows() -> BoxRows:
    """Return tables without rows."""
    index = pd.Index([], name="row", dtype="int64")
    dtypes = {name: dtype for name, dtype in BOX_DTYPES.items() if name not in ("trial_id", "position")}
    boxes = pd.DataFrame({name: pd.Series(index=index, dtype=dtype) for name, dtype in dtypes.items()})
    return BoxRows(boxes, boxes[["frame"]])


def _arrow(names: pd.Series) -> pa.Array:
    return pa.array(names, pa.large_string(), from_pandas=True)
