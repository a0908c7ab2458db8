"""Tracks given at some frames of a recording become boxes at the frames that the data set has."""

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
    """What a file gives of its tracks: one entry a shape, in columns."""

    track: "array[int]" = field(default_factory=lambda: array("q"))
    """Number of its track in the file."""
    frame: "array[int]" = field(default_factory=lambda: array("q"))
    """Index in the recording, from 0."""
    shown: "array[int]" = field(default_factory=lambda: array("b"))
    """Whether it is a box that can be seen: neither `outside` nor of another kind."""
    corners: "array[float]" = field(default_factory=lambda: array("d"))
    """Four each, NaN where it is no box."""
    line: "array[int]" = field(default_factory=lambda: array("q"))
    degrees: "array[float]" = field(default_factory=lambda: array("d"))
    """By which a box is turned about its centre; NaN for what does not move on straight lines."""

    def add(
        self, track: int, frame: int, shown: bool, corners: Sequence[float] | None, line: int, degrees: float = 0.0
    ) -> None:
        """One more shape."""
        self.track.append(track)
        self.frame.append(frame)
        self.shown.append(shown)
        self.corners.extend(corners or [np.nan] * 4)
        self.line.append(line)
        self.degrees.append(degrees)

    def table(self) -> pd.DataFrame:
        """track, frame, shown, degrees and the corners, by line, ordered by track and frame."""
        columns = {"track": np.array(self.track, np.int64), "frame": np.array(self.frame, np.int64)}
        columns["shown"], columns["degrees"] = np.array(self.shown, bool), np.array(self.degrees, np.float64)
        corners = np.array(self.corners, np.float64).reshape(-1, 4)
        columns.update(zip(CORNERS, corners.T, strict=True))
        table = pd.DataFrame(columns, index=pd.Index(np.array(self.line, np.int64), name="row"))
        return table.take(np.lexsort((table["frame"], table["track"])))


def boxes_at(shapes: pd.DataFrame, indices: NDArray[np.int64], most: int) -> pd.DataFrame:
    """The boxes of Shapes.table at the frames with these indices in the recording (rising): track, place, corners.

    `place` is the place in `indices`. A box between two given ones lies on the line between them and has the line
    number of the earlier; what is turned is enclosed. DataError with the bare reason when there would be more
    than `most`.
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
    place = start[before] + np.arange(len(before)) - np.repeat(count.cumsum() - count, count)
    share = (indices[place] - frame[before]) / (frame[before + 1] - frame[before])
    between = corners[before] + (corners[before + 1] - corners[before]) * share[:, np.newaxis]
    turned = degrees[before] + ((degrees[before + 1] - degrees[before] + 180) % 360 - 180) * share
    whole = np.nan_to_num(degrees[given])  # what is no box is enclosed already
    enclosed = turn(np.concatenate([corners[given], between]), np.concatenate([whole, turned]))
    source = np.concatenate([given, before])
    found = pd.DataFrame(
        {
            "track": track[source],
            "place": np.concatenate([np.searchsorted(indices, frame[given]), place]),
            **dict(zip(CORNERS, enclosed.T, strict=True)),
        },
        index=shapes.index.take(source),
    )
    return found.take(np.lexsort((found["place"], found["track"])))
