"""What every box format is read into, and what its reader may ask about the frames."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.frame_lookup import FrameLookup
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_names import read_names
from socal_core.dataset.problems import ProblemLog

if TYPE_CHECKING:
    from socal_core.dataset.video import Video

LARGEST_COORDINATE = 100_000
"""Pixels; no camera has frames so large, so a number beyond it is garbage and not a box past the edge."""
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
    """The rows of annotation files before they are held against the frames; both tables have the index `row`.

    The index is the line in the file (first line = 1); in a JSON file the number of the entry in its list, from 1.

    boxes: frame (str, the name that the file gives or, from the reader, the data set's own), x1, y1, x2, y2 (int64 or
        float64, pixels), label (str, "" when missing), track_id (Int64); `file` (str, the file of the row, relative to
        the data folder) where a format has several.
    without_tool: the frames (column frame, and file as above) that the files say hold no tool.
    """

    boxes: pd.DataFrame
    without_tool: pd.DataFrame


class KnownFrames:
    """What a reader may ask about the frames of the data folder."""

    def __init__(self, frames: pd.DataFrame, trials: pd.DataFrame, videos: Mapping[str, "Video"] | None = None) -> None:
        """Of the tables of Dataset (frames: frame, trial_id, position; trials: width, height) and its videos.

        A size of the frame's own in `frames` (width, height) counts for more than that of its trial.
        """
        self.frames = frames
        self._index = pd.Index(frames["frame"])
        self._sizes = trials[["width", "height"]].astype("float64")
        self._own_sizes = frames[["width", "height"]].astype("float64") if "width" in frames else None
        self._videos = videos or {}
        starts = frames["position"].to_numpy() == 0
        self._starts = dict(zip(frames["trial_id"][starts], np.flatnonzero(starts).tolist(), strict=True))
        self._counts = frames["trial_id"].value_counts()

    @property
    def trial_ids(self) -> list[str]:
        """The trials that have frames."""
        return list(self._starts)

    def places(self, names: Sequence[str] | pd.Series | pd.Index) -> NDArray[np.intp]:
        """The row in `frames` of each exact name, -1 where there is no such frame; (n,).

        Names as tools write them become exact ones in `match_names`, which weighs the evidence of a whole file.
        """
        places: NDArray[np.intp] = self._index.get_indexer(pd.Index(pd.Series(names, dtype="str")))
        return places

    @cached_property
    def lookup(self) -> FrameLookup:
        """Finds frames by the names that tools give them."""
        return FrameLookup(self.frames)

    def has_video(self, trial_id: str) -> bool:
        """Whether the frames of a trial are seconds of a video."""
        return trial_id in self._videos

    def rows_of(self, trial_id: str, part: str = "") -> NDArray[np.intp]:
        """The rows in `frames` of a trial, or of the part of its recording with a letter; in time order."""
        start = self._starts.get(trial_id, 0)
        rows = np.arange(start, start + int(self._counts.get(trial_id, 0)))
        if not part:
            return rows
        said = read_names(self.frames["frame"].take(rows).tolist())
        return rows[(said["video"] == part).to_numpy(bool)]

    def sizes(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """Width and height in pixels of the frames at these places (all >= 0), NaN where nobody knows; (n, 2)."""
        if self._own_sizes is not None:
            return self._own_sizes.take(places).to_numpy(np.float64)
        trials = self.frames["trial_id"].take(places)
        return self._sizes.reindex(trials).to_numpy(np.float64)

    def frames_of(self, trial_id: str) -> pd.DataFrame:
        """The frames of a trial in time order; empty when it has none."""
        start = self._starts.get(trial_id, 0)
        return self.frames.iloc[start : start + int(self._counts.get(trial_id, 0))]

    def recording_indices(self, trial_id: str, part: str = "") -> NDArray[np.int64]:
        """Where each frame of a trial, or of a part, stands in its recording, from 0, rising; (frames,).

        Tools that annotate video count the recording's frames. For a trial of images that is the position.
        """
        video = self._videos.get(trial_id)
        rows = self.rows_of(trial_id, part)
        if video is None:
            return np.arange(len(rows), dtype=np.int64)
        positions = self.frames["position"].to_numpy(np.int64)[rows]
        return np.array([video.index_of(int(position)) for position in positions], np.int64)

    def recording_end(self, trial_id: str, part: str = "") -> int:
        """The last place from 0 that a recording may have: a video ends up to a second after its last frame."""
        indices = self.recording_indices(trial_id, part)
        step = int(np.diff(indices).max(initial=1))
        return int(indices[-1]) + (step if step > 1 else 0)

    def orders_agree(self, trial_id: str, part: str = "") -> bool:
        """Whether the names of a trial's frames, sorted by their letters as CVAT does, are in the order of time."""
        return bool(self.frames["frame"].take(self.rows_of(trial_id, part)).is_monotonic_increasing)


@dataclass(frozen=True)
class Format:
    """One annotation format."""

    key: str
    """Short name, as typed on the command line."""
    title: str
    """Name for people."""
    find: Callable[[DataFolder], list[str]]
    """The files (or the one folder of files) that hold boxes in this format, relative; empty when there are none.

    The first is the one that problems name where they are about the format as a whole.
    """
    read: Callable[[DataFolder, list[str], KnownFrames, ProblemLog], BoxRows]
    """Read what `find` found."""
    write: Callable[[Dataset, Path], None] | None = None
    """Write a data set's boxes into an empty folder so that `find` finds and `read` reads them again."""


def empty_rows() -> BoxRows:
    """No boxes at all."""
    index = pd.Index([], name="row", dtype="int64")
    dtypes = {name: dtype for name, dtype in BOX_DTYPES.items() if name not in ("trial_id", "position")}
    boxes = pd.DataFrame({name: pd.Series(index=index, dtype=dtype) for name, dtype in dtypes.items()})
    return BoxRows(boxes, boxes[["frame"]])
