"""Parts of a trial to paint out, and clips without them.

Occlusion follows Zeiler and Fergus (ECCV 2014): what matters to a model is what changes its output when it is gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.dataset import Dataset

Rectangle = tuple[float, float, float, float]
"""Left, upper, right and lower edge, each as a fraction of the width or the height of the frame."""
WHOLE: Rectangle = (0.0, 0.0, 1.0, 1.0)
SHORTER_EDGE = 480
"""The shorter edge, in pixels, of the masks before the preprocessing of the model shrinks them."""


@dataclass(frozen=True)
class Occlusion:
    """A part of a trial that is painted out."""

    name: str
    rectangles: Mapping[int, tuple[Rectangle, ...]]
    """By index of the frame in the trial, from 0."""

    def mirrored(self, across: bool, down: bool) -> "Occlusion":
        """Return the same rectangles at the mirrored place of each frame.

        Args:
            across: Whether left and right are exchanged.
            down: Whether top and bottom are exchanged.
        """

        def mirror(box: Rectangle) -> Rectangle:
            x1, y1, x2, y2 = box
            left, right = (1 - x2, 1 - x1) if across else (x1, x2)
            top, bottom = (1 - y2, 1 - y1) if down else (y1, y2)
            return left, top, right, bottom

        return Occlusion(self.name, {index: tuple(map(mirror, boxes)) for index, boxes in self.rectangles.items()})


def of_tools(dataset: Dataset, trial_id: str) -> list[Occlusion]:
    """Return an occlusion for each label of a trial, in alphabetical order: all boxes with this label.

    Args:
        dataset: The data set.
        trial_id: The trial. Its boxes in frames of unknown size are left out.
    """
    sizes = sizes_of(dataset, trial_id)
    boxes = dataset.boxes[dataset.boxes["trial_id"] == trial_id]
    found = []
    for label, rows in boxes.groupby("label", sort=True):
        rectangles: dict[int, tuple[Rectangle, ...]] = {}
        for index, x1, y1, x2, y2 in rows[["position", "x1", "y1", "x2", "y2"]].itertuples(index=False):
            if index in sizes:
                width, height = sizes[index]
                box = x1 / width, y1 / height, x2 / width, y2 / height
                rectangles[index] = (*rectangles.get(index, ()), box)
        if rectangles:
            found.append(Occlusion(str(label), rectangles))
    return found


def of_squares(indices: Sequence[int], rows: int, columns: int) -> list[Occlusion]:
    """Return an occlusion for each cell of a grid over the frame, row by row, in all of some frames.

    Args:
        indices: The frames, as indices in the trial.
        rows: Number of rows of the grid.
        columns: Number of its columns.
    """
    cells = [
        (column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
        for row in range(rows)
        for column in range(columns)
    ]
    return [Occlusion(f"cell {number}", dict.fromkeys(indices, (cell,))) for number, cell in enumerate(cells)]


def of_times(indices: Sequence[int], parts: int) -> list[Occlusion]:
    """Return an occlusion for each of several parts of time, of about the same number of frames: all of the frame.

    Args:
        indices: The frames that the model sees, as indices in the trial; at least one.
        parts: Number of parts; fewer if there are fewer frames.
    """
    groups = np.array_split(np.unique(indices), min(parts, len(set(indices))))
    return [Occlusion(f"part {number}", dict.fromkeys(group.tolist(), (WHOLE,))) for number, group in enumerate(groups)]


def sizes_of(dataset: Dataset, trial_id: str) -> dict[int, tuple[int, int]]:
    """Return width and height in pixels of the frames of a trial, by index in the trial, where they are known.

    Raises:
        DataError: The data set has no frame of the trial.
    """
    frames = dataset.frames_of(trial_id)
    if not {"width", "height"} <= set(frames):
        trial = dataset.trials.loc[trial_id]
        frames = frames.assign(width=trial["width"], height=trial["height"])
    known = frames[frames["width"].notna() & frames["height"].notna()]
    rows = known[["position", "width", "height"]].astype("int64").itertuples(index=False)
    return {index: (width, height) for index, width, height in rows}


def paint_out(
    clip: NDArray[np.uint8],
    indices: Sequence[int],
    occlusion: Occlusion,
    sizes: Mapping[int, tuple[int, int]],
    preprocessor: Preprocessor,
) -> NDArray[np.uint8]:
    """Return a copy of a clip in which an occlusion is painted in the mean colour of the rest of the frame.

    A frame that is painted out as a whole gets the mean colour of the clip.

    Args:
        clip: As the model receives it, (frames, 3, height, width).
        indices: The index in the trial of each of its frames.
        occlusion: What is painted out.
        sizes: Width and height in pixels of the frames before preprocessing, by index in the trial. A frame of unknown
            size counts as square.
        preprocessor: The preprocessing that made the clip.
    """
    painted, masks = clip.copy(), _Masks(preprocessor)
    for frame, index in zip(painted, indices, strict=True):
        rectangles = occlusion.rectangles.get(index, ())
        if rectangles:
            mask = masks.of(rectangles, sizes.get(index, (1, 1)))
            colour = clip.mean(axis=(0, 2, 3)) if mask.all() else frame[:, ~mask].mean(axis=1)
            frame[:, mask] = np.rint(colour).astype(np.uint8)[:, None]
    return painted


class _Masks:
    """Which pixels of the model's input rectangles of a frame cover, by the model's own preprocessing."""

    def __init__(self, preprocessor: Preprocessor) -> None:
        self._preprocessor = preprocessor
        self._known: dict[tuple[tuple[Rectangle, ...], tuple[int, int]], NDArray[np.bool_]] = {}

    def of(self, rectangles: tuple[Rectangle, ...], size: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the mask, (height, width)."""
        key = rectangles, size
        if key not in self._known:
            scale = SHORTER_EDGE / min(size)
            width, height = (max(1, round(edge * scale)) for edge in size)
            drawn = np.zeros((height, width, 3), np.uint8)
            for x1, y1, x2, y2 in rectangles:
                drawn[round(y1 * height) : round(y2 * height), round(x1 * width) : round(x2 * width)] = 255
            self._known[key] = self._preprocessor.shrink(drawn)[0] > 127
        return self._known[key]


def seen_area(occlusion: Occlusion, indices: Sequence[int]) -> tuple[int, float]:
    """Return in how many of some frames an occlusion lies, and the mean fraction of these frames that it covers.

    Args:
        occlusion: The occlusion. Areas that several of its rectangles cover count several times, up to the whole frame.
        indices: Frames as indices in the trial.
    """
    areas = pd.Series(
        [
            min(1.0, sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in occlusion.rectangles[index]))
            for index in dict.fromkeys(indices)
            if occlusion.rectangles.get(index)
        ],
        dtype="float64",
    )
    return len(areas), float(areas.mean()) if len(areas) else 0.0
