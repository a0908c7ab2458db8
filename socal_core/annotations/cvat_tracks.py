"""Interpolate tracks, given at some frames of a recording, at the frames of the data set."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.rows import CORNERS, LARGEST_COORDINATE
from socal_core.annotations.shapes import turn
from socal_core.errors import DataError


@dataclass
class Shapes:
    """The shapes of the tracks of a file, in columns with one entry per shape."""

    track: "array[int]" = field(default_factory=lambda: array("q"))
    """The number of its track in the file."""
    frame: "array[int]" = field(default_factory=lambda: array("q"))
    """The index of its frame in the recording, from 0."""
    shown: "array[int]" = field(default_factory=lambda: array("b"))
    """Whether it is a visible box: neither `outside` nor a shape without a box."""
    corners: "array[float]" = field(default_factory=lambda: array("d"))
    """Four per shape, NaN for a shape without a box."""
    line: "array[int]" = field(default_factory=lambda: array("q"))
    degrees: "array[float]" = field(default_factory=lambda: array("d"))
    """The rotation of a box about its centre; NaN for shapes that are not interpolated."""

    def add(
        self, track: int, frame: int, shown: bool, corners: Sequence[float] | None, line: int, degrees: float = 0.0
    ) -> None:
        """Add a shape."""
        self.track.append(track)
        self.frame.append(frame)
        self.shown.append(shown)
        self.corners.extend(corners or [np.nan] * 4)
        self.line.append(line)
        self.degrees.append(degrees)

    def table(self) -> pd.DataFrame:
        """Return track, frame, shown, degrees and the corners, indexed by line and sorted by track and frame."""
        columns = {"track": np.array(self.track, np.int64), "frame": np.array(self.frame, np.int64)}
        columns["shown"], columns["degrees"] = np.array(self.shown, bool), np.array(self.degrees, np.float64)
        corners = np.array(self.corners, np.float64).reshape(-1, 4)
        columns.update(zip(CORNERS, corners.T, strict=True))
        table = pd.DataFrame(columns, index=pd.Index(np.array(self.line, np.int64), name="row"))
        return table.take(np.lexsort((table["frame"], table["track"])))


def boxes_at(shapes: pd.DataFrame, indices: NDArray[np.int64], most: int) -> pd.DataFrame:
    """Interpolate the boxes of tracks at some frames of a recording.

    A box between two given boxes is interpolated linearly and gets the line number of the earlier. A rotated box is
    replaced by the upright box that encloses it.

    Args:
        shapes: The shapes, as Shapes.table returns them.
        indices: The indices of the frames in the recording, in ascending order; (n,).
        most: The largest number of boxes.

    Returns:
        track, frame_row (the position in `indices`) and the corners in pixels, sorted by track and frame.

    Raises:
        DataError: There are more than `most` boxes.
    """
    frame, track = shapes["frame"].to_numpy(), shapes["track"].to_numpy()
    corners, shown = shapes[list(CORNERS)].to_numpy(np.float64), shapes["shown"].to_numpy(bool)
    given = np.flatnonzero(shown & np.isin(frame, indices))
    degrees = shapes["degrees"].to_numpy(np.float64)
    usable = (np.abs(corners) <= LARGEST_COORDINATE).all(axis=1) & np.isfinite(degrees)  # NaN compares as false
    joined = (track[1:] == track[:-1]) & shown[:-1] & usable[:-1] & usable[1:]
    start = np.searchsorted(indices, frame[:-1], side="right")
    count = np.where(joined, np.searchsorted(indices, frame[1:], side="left") - start, 0).clip(0)
    if count.sum() + len(given) > most:
        raise DataError(f"its tracks make more than {most:,} boxes")
    before = np.repeat(np.arange(len(count)), count)
    row = start[before] + np.arange(len(before)) - np.repeat(count.cumsum() - count, count)
    fraction = (indices[row] - frame[before]) / (frame[before + 1] - frame[before])
    between = corners[before] + (corners[before + 1] - corners[before]) * fraction[:, np.newaxis]
    turned = degrees[before] + ((degrees[before + 1] - degrees[before] + 180) % 360 - 180) * fraction
    whole = np.nan_to_num(degrees[given])  # other shapes are given by their enclosing box
    enclosed = turn(np.concatenate([corners[given], between]), np.concatenate([whole, turned]))
    source = np.concatenate([given, before])
    found = pd.DataFrame(
        {
            "track": track[source],
            "frame_row": np.concatenate([np.searchsorted(indices, frame[given]), row]),
            **dict(zip(CORNERS, enclosed.T, strict=True)),
        },
        index=shapes.index.take(source),
    )
    return found.take(np.lexsort((found["frame_row"], found["track"])))
