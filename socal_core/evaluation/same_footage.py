"""Find trials that show the same footage under different names, also if it was encoded, resized or cut again.

Each frame is reduced to EDGE x EDGE grey levels, less their mean and divided by their length, so brightness and
contrast do not count. The distance of two frames is one minus the correlation of these. Of frames that were encoded or
resized again it is at most 0.003; of real frames of different trials at least 0.004, and near that only where one trial
continues another one (`python -m benchmarks.same_footage`). A single frame proves nothing, since a still scene may
recur, so two trials have to agree in several.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.frame_reports import FOOTAGE, write_report
from socal_core.dataset.images import quiet_pillow
from socal_core.errors import DataError, SocalError
from socal_core.file_handles import os_reason

EDGE = 32
"""Height and width of a reduced frame in pixels."""
LIMIT = 0.01
"""Distance below which two frames are taken for the same."""
FEWEST = 3
"""How many frames of each of two trials must be in the other one; fewer in trials that have fewer."""
FLAT = 3.0
"""Standard deviation of the grey levels, of 255, below which a frame shows nothing, such as a black one."""
_CHUNK = 16
"""Number of consecutive frames that one thread decodes."""
_BLOCK = 1024
"""Number of frames that are compared with all others at a time."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SameFootage:
    """Two trials that show the same footage."""

    trial_id: str
    other: str
    frames: int
    """Number of frames of the first trial that are in the other one."""
    second: float
    """The second of the first trial at which the two agree best."""
    other_second: float
    """The same moment in the other trial."""
    distance: float
    """The distance of these two frames, 0 to LIMIT."""


@dataclass(frozen=True)
class FramePrints:
    """The reduced frames of a data set, without those that cannot be read or show nothing."""

    values: NDArray[np.float32]
    """One unit vector per frame, (frames, EDGE * EDGE)."""
    frames: pd.DataFrame
    """The columns trial_id and second of these frames."""
    unreadable: int
    """Number of frames that cannot be read."""


def look_for_same_footage(dataset: Dataset, progress: Progress) -> dict[str, Any]:
    """Find the pairs of trials that show the same footage, and keep the report in the workspace.

    Args:
        dataset: The data set.
        progress: Called with the number of frames that were read and of all frames; may raise.

    Returns:
        The report: `pairs`, as from `SameFootage`, `frames` compared, and those `unreadable`.

    Raises:
        SocalError: The report cannot be kept.
    """
    prints = frame_prints(dataset, progress)
    pairs = [asdict(pair) for pair in same_footage(prints)]
    values = {"pairs": pairs, "frames": len(prints.frames), "unreadable": prints.unreadable}
    try:
        return write_report(dataset.fingerprint, FOOTAGE, values)
    except OSError as error:
        raise SocalError(f"The report on same footage cannot be kept: {os_reason(error)}.") from error


def footage_of(report: dict[str, Any]) -> list[SameFootage]:
    """Return the pairs of trials of a report."""
    return [SameFootage(**pair) for pair in report["pairs"]]


def frame_prints(dataset: Dataset, progress: Progress) -> FramePrints:
    """Read and reduce every frame of a data set.

    Args:
        dataset: The data set.
        progress: Called with the number of frames that were read and of all frames; may raise.
    """
    chunks = [
        list(names.iloc[start : start + _CHUNK])
        for _, names in dataset.frames.groupby("trial_id", sort=False)["frame"]
        for start in range(0, len(names), _CHUNK)
    ]
    found: dict[str, NDArray[np.float32] | None] = {}
    with quiet_pillow(), ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for chunk, prints in zip(chunks, pool.map(lambda names: _prints(dataset, names), chunks), strict=True):
                found.update(zip(chunk, prints, strict=True))
                progress(len(found), len(dataset.frames))
        finally:
            pool.shutdown(cancel_futures=True)
    kept = [name for name, value in found.items() if value is not None and len(value)]
    table = dataset.frames.set_index("frame").loc[kept, ["trial_id", "second"]].reset_index(drop=True)
    values = np.array([found[name] for name in kept], np.float32).reshape(len(kept), EDGE * EDGE)
    return FramePrints(values, table, sum(value is None for value in found.values()))


def reduced(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Reduce a frame to a unit vector, (EDGE * EDGE,); empty for a frame that shows nothing.

    Args:
        frame: RGB, (height, width, 3), of any size.
    """
    # OpenCV takes a while to load, and pages import this module for its reports.
    import cv2

    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (EDGE, EDGE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    if small.std() < FLAT:
        return np.empty(0, np.float32)
    small -= small.mean()
    unit: NDArray[np.float32] = small / np.linalg.norm(small)
    return unit


def same_footage(prints: FramePrints) -> list[SameFootage]:
    """Find the pairs of trials with at least FEWEST frames in common, those with the most first."""
    codes, trials = pd.factorize(prints.frames["trial_id"])
    seconds = prints.frames["second"].to_numpy(float)
    close = pd.DataFrame(_close_frames(prints.values, codes), columns=["frame", "other", "distance"])
    close = close.astype({"frame": "int64", "other": "int64"})
    close["of"], close["in"] = codes[close["frame"].to_numpy()], codes[close["other"].to_numpy()]
    sizes = np.bincount(codes, minlength=len(trials))
    pairs = []
    for _, rows in close.groupby(["of", "in"]):
        first, second = int(rows["of"].iloc[0]), int(rows["in"].iloc[0])
        common = min(rows["frame"].nunique(), rows["other"].nunique())
        if common < min(FEWEST, sizes[first], sizes[second]):
            continue
        best = rows.sort_values("distance", kind="stable").iloc[0]
        pairs.append(
            SameFootage(
                trial_id=str(trials[first]),
                other=str(trials[second]),
                frames=int(rows["frame"].nunique()),
                second=float(seconds[int(best["frame"])]),
                other_second=float(seconds[int(best["other"])]),
                distance=round(float(best["distance"]), 5),
            )
        )
    return sorted(pairs, key=lambda pair: (-pair.frames, pair.distance))


def _close_frames(values: NDArray[np.float32], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each two frames of different trials with a distance below LIMIT, (pairs, 3): numbers and distance.

    The frames of a trial are consecutive, so the first frame of a pair always belongs to the earlier trial.
    """
    return np.concatenate([np.empty((0, 3)), *_blocks(values, codes)])


def _blocks(values: NDArray[np.float32], codes: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    for start in range(0, len(values), _BLOCK):
        distance = 1 - values[start : start + _BLOCK] @ values[start:].T
        later = codes[start:][None, :] > codes[start : start + _BLOCK][:, None]
        rows, columns = np.nonzero((distance < LIMIT) & later)
        yield np.column_stack([rows + start, columns + start, distance[rows, columns].clip(0)])


def _prints(dataset: Dataset, names: Sequence[str]) -> list[NDArray[np.float32] | None]:
    """Reduce consecutive frames of a trial; None for one that cannot be read."""
    prints: list[NDArray[np.float32] | None] = []
    while len(prints) < len(names):
        try:
            for frame in dataset.read_frames(names[len(prints) :], short_edge=2 * EDGE):
                prints.append(reduced(frame))
        except DataError:
            prints.append(None)
    return prints
