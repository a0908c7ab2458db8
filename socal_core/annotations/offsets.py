"""Ways to place annotated frames in a trial, and which of them the content of the frames supports.

Tools have more structure than what surrounds them, so boxes on the right frames have more of it inside than in a ring
around them. A way is chosen only if it is clearly better than every other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from socal_core.dataset.frame_names import read_names
from socal_core.presets import SOCAL, Preset

FEWEST_FRAMES = 20
"""With fewer annotated frames, nothing is chosen."""
CLEAR = 2.0
"""The least difference to every other candidate, in standard errors of the paired difference."""
_CONTROLS = 3
"""How far shifts go beyond those that the numbers suggest. The outermost are never chosen: they show whether the
structure decreases again, which it does not if the right shift lies outside."""
_LEAST_PLACED = 0.5
"""A candidate that places fewer of the annotated frames in the trial is not considered."""
_WIDTH = 320
_SMALLEST_AREA = 16


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to place annotated frames in a trial."""

    order: str
    """How the frames follow each other, such as *in time*."""
    shift: int
    """What is added to each number."""
    rows: NDArray[np.int64]
    """The position in the trial of each annotated frame; outside the trial, -1."""
    is_control: bool


def candidates(
    annotated: NDArray[np.int64], trial: Sequence[str], extra: int = 0, preset: Preset = SOCAL
) -> list[Candidate]:
    """Return the ways to place annotated frames in a trial, each once.

    Args:
        annotated: The indices of the annotated frames in the file, from 0, ascending; (n,).
        trial: The frames of the trial in order of time.
        extra: The number of frames by which the trial is longer than what the file annotates.
        preset: The form of the names.
    """
    by_name = np.argsort(np.array(trial), kind="stable")
    positions = {int(number): row for row, number in enumerate(read_names(list(trial), preset)["index"])}
    orders: dict[str, Callable[[int], int]] = {
        "in time": lambda index: index,
        "in the order of names": lambda index: int(by_name[index]) if 0 <= index < len(by_name) else -1,
        "by the numbers in the names": lambda index: positions.get(index + 1, -1),
        "by the numbers in the names, counted from 0": lambda index: positions.get(index, -1),
    }
    found: list[Candidate] = []
    for order, row_of in orders.items():
        for shift in sorted(range(-_CONTROLS, extra + _CONTROLS + 1), key=abs):
            rows = np.array([row_of(int(index) + shift) for index in annotated], np.int64)
            rows[(rows < 0) | (rows >= len(trial))] = -1
            if (rows >= 0).mean() >= _LEAST_PLACED:
                candidate = Candidate(order, shift, rows, shift in (-_CONTROLS, extra + _CONTROLS))
                same = next((other for other in found if _agree(rows, other.rows)), None)
                if same is None:
                    found.append(candidate)
                elif (rows >= 0).sum() > (same.rows >= 0).sum():
                    found[found.index(same)] = candidate
    return found


def _agree(rows: NDArray[np.int64], others: NDArray[np.int64]) -> bool:
    """Return whether two candidates place the same frames wherever both place one."""
    return bool(((rows == others) | (rows < 0) | (others < 0)).all())


def clear_best(scores: NDArray[np.float64], controls: Sequence[bool]) -> tuple[int | None, float]:
    """Return the candidate that is clearly better than every other, and by how many standard errors; None if none is.

    Args:
        scores: The structure inside the boxes of each frame under each candidate, NaN if unknown; (frames, candidates).
        controls: Which candidates are never chosen; (candidates,).
    """
    if not scores.size or np.isnan(scores).all(axis=0).any():
        return None, 0.0
    best = int(np.nanmean(scores, axis=0).argmax())
    differences = scores[:, [best]] - np.delete(scores, best, axis=1)
    counts = np.isfinite(differences).sum(axis=0)
    if controls[best] or not counts.size or counts.min() < FEWEST_FRAMES // 2:
        return None, 0.0
    errors = np.nanstd(differences, axis=0, ddof=1) / np.sqrt(counts) + 1e-9
    margin = float((np.nanmean(differences, axis=0) / errors).min())
    return (best if margin >= CLEAR else None), margin


def structure(picture: NDArray[np.uint8], width: float) -> Callable[[NDArray[np.float64]], float]:
    """Return a function of boxes in a picture: how much more structure they have inside than in a ring around them.

    Args:
        picture: The pixels, possibly at a reduced size; (height, width, 3).
        width: The width of the frame in pixels, which the boxes refer to.
    """
    import cv2  # takes a while to load, and opening a folder does not need it

    scale = _WIDTH / picture.shape[1]
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    sums = cv2.integral(np.hypot(across, down))
    floor = 0.1 * sums[-1, -1] / grey.size  # keeps dark, smooth surroundings from dominating

    def total(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        edges = np.rint(corners * (_WIDTH / width)).astype(np.int64)
        x1, x2 = edges[:, [0, 2]].T.clip(0, grey.shape[1])
        y1, y2 = edges[:, [1, 3]].T.clip(0, grey.shape[0])
        return sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1], (x2 - x1) * (y2 - y1).astype(np.float64)

    def score(corners: NDArray[np.float64]) -> float:
        margin = (corners[:, 2:] - corners[:, :2]) / 4
        (inside, area), (all_of_it, whole) = total(corners), total(corners + np.hstack([-margin, margin]))
        ring = (all_of_it - inside + 1) / (whole - area + 1)
        usable = area > _SMALLEST_AREA
        ratio = np.log((inside / np.maximum(area, 1) + floor) / (ring + floor))[usable]
        return float(ratio.mean()) if usable.any() else np.nan

    return score
