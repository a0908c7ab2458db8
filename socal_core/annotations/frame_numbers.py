"""Match frames that a file gives only by number, as MOT does: find the numbering, and whether it is unambiguous."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from socal_core.annotations.rows import KnownFrames
from socal_core.dataset.frame_lookup import UNUSED
from socal_core.dataset.frame_names import read_names


@dataclass(frozen=True)
class Numbering:
    """The interpretation of the frame numbers of a file."""

    rows: NDArray[np.intp]
    """The row in the table of frames of each number; UNUSED between the sampled seconds of a video."""
    interpretation: str = ""
    basis: str = ""
    doubt: str = ""
    """Why no numbering is certain, "" if one is; without a numbering, `rows` is empty."""


def read_numbers(
    numbers: NDArray[np.int64], trial: str, part: str, length: int | None, known: KnownFrames
) -> Numbering:
    """Find the frames of a trial from their numbers.

    Args:
        numbers: The numbers in the file, at least one; (n,).
        trial: A trial that has frames.
        part: The letter of the part of the recording, "" for all of it.
        length: The number of frames of the recording that the file declares, None if it does not.
        known: The frames.
    """
    return (_of_video if known.has_video(trial) else _of_images)(numbers, trial, part, length, known)


def _of_images(numbers: NDArray[np.int64], trial: str, part: str, length: int | None, known: KnownFrames) -> Numbering:
    rows = known.rows_of(trial, part)
    if length is not None and length != len(rows):
        return _doubtful(f"its recording has {length:,} frames by its own account, and the trial {len(rows):,}")
    named = read_names(known.frames["frame"].take(rows).tolist(), known.preset)["index"].to_numpy()
    by_name = np.argsort(known.frames["frame"].take(rows).to_numpy().astype(str), kind="stable")
    found: dict[str, NDArray[np.intp]] = {}
    for first in (1, 0) if (numbers == 0).any() else (1,):
        if numbers.min() >= first and numbers.max() < len(rows) + first:
            found[f"counted from {first} in time"] = rows[numbers - first]
            found[f"counted from {first} in the order of names"] = rows[by_name][numbers - first]
    order = np.argsort(named, kind="stable")
    nearest = np.searchsorted(named[order], numbers).clip(max=len(rows) - 1)
    if len(np.unique(named)) == len(named) and (named[order][nearest] == numbers).all():
        found["taken from the names"] = rows[order][nearest]
    frames = f"the trial has {len(rows):,} frames, whose names count from {named.min():,} to {named.max():,}"
    if not found:
        recording = f"as in a recording of {numbers.max():,} frames or more"
        return _doubtful(f"its numbers run from {numbers.min():,} to {numbers.max():,}, {recording}, and {frames}")
    how, first_rows = next(iter(found.items()))
    other = next((name for name, others in found.items() if (others != first_rows).any()), "")
    if other:
        return _doubtful(f"its numbers fit {how} as well as {other}")
    basis = f"Its numbers run from {numbers.min():,} to {numbers.max():,}, and {frames}."
    return Numbering(first_rows, f"Frames of {trial} are {how}.", basis)


def _of_video(numbers: NDArray[np.int64], trial: str, part: str, length: int | None, known: KnownFrames) -> Numbering:
    indices, rows, end = known.recording_indices(trial), known.rows_of(trial), known.recording_end(trial)
    first = 0 if (numbers == 0).any() else 1
    if part:
        return _doubtful(f"it is of part {part}, and the video of the whole trial")
    if length is not None and not indices[-1] < length <= end + 1:
        return _doubtful(f"its recording has {length:,} frames by its own account, and the video about {end:,}")
    if numbers.min() < first or numbers.max() - first > end:
        return _doubtful(f"its numbers go to {numbers.max():,}, and the video has about {end:,} frames")
    if length is None and 1 < numbers.max() <= len(indices) <= indices[-1]:
        return _doubtful("its numbers may be frames of the video, or its seconds")
    nearest = np.searchsorted(indices, numbers - first).clip(max=len(indices) - 1)
    matched = np.where(indices[nearest] == numbers - first, rows[nearest], UNUSED)
    basis = f"Its numbers run from {numbers.min():,} to {numbers.max():,}, all of which the video has."
    return Numbering(matched, f"Frames of the video of {trial} are counted from {first}.", basis)


def _doubtful(reason: str) -> Numbering:
    return Numbering(np.empty(0, np.intp), doubt=reason)
