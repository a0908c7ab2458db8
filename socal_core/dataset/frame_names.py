"""Parse the names of frames, and find a frame by the name that another file gives it."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset import layout
from socal_core.presets import SOCAL, Preset

UNKNOWN_INDEX = -1

_RENAMED = re.compile(r"^(.+)_(jpe?g|png|bmp|tiff?|webp)\.rf\.[0-9A-Za-z_-]{16,64}\.[A-Za-z]+$", re.IGNORECASE)
"""`S102T1_frame_00000078_jpeg.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg`, as Roboflow exports it."""


def read_names(names: list[str], preset: Preset = SOCAL) -> pd.DataFrame:
    """Parse the names of frames.

    A folder that is named like a trial gives the trial; the last number in the name is then the index.

    Args:
        names: The names, relative to the folder of frames.
        preset: The form of the names.

    Returns:
        One row per name: frame, trial_id ("" if unknown), video (a letter or ""), index (int, UNKNOWN_INDEX if there
        is none).
    """
    trials, letters, indices = [], [], []
    for name in names:
        trial, letter, index = preset.parse_frame(name) or _read_odd(name, preset)
        trials.append(trial)
        letters.append(letter)
        indices.append(index)
    return pd.DataFrame(
        {
            "frame": pd.Series(names, dtype="str"),
            "trial_id": pd.Series(trials, dtype="str"),
            "video": pd.Series(letters, dtype="str"),
            "index": np.array(indices, "int64"),
        }
    )


def _read_odd(name: str, preset: Preset) -> tuple[str, str, int]:
    """Parse a name in a folder, or one of another form, into trial, letter and index."""
    path, _, own = name.rpartition("/")
    own = original_name(own)
    parsed = preset.parse_frame(own)
    parent = next((part for part in reversed(path.split("/")) if preset.is_trial(part)), "")
    if not parent:
        return parsed or ("", "", UNKNOWN_INDEX)
    if parsed is not None:
        return parent, *parsed[1:]
    number = layout.LAST_NUMBER.search(own.rpartition(".")[0])
    return (parent, "", int(number[1])) if number else ("", "", UNKNOWN_INDEX)


def trial_of_name(name: str, preset: Preset) -> str:
    """Return the trial that the name of a frame or its folder gives, "" if neither does."""
    return _read_odd(name, preset)[0]


def original_name(name: str) -> str:
    """Return the name that an image had before Roboflow renamed it; other names are returned unchanged."""
    return _RENAMED.sub(r"\1.\2", name)


class FrameIndex:
    """Finds frames by the names that other files give them: exactly, else by folder and stem, else by stem alone.

    Tools change the ending, add a folder, or omit both. A stem that two frames have finds neither of them.
    """

    def __init__(self, frames: pd.Series, preset: Preset = SOCAL) -> None:
        self._preset = preset
        self._names = pd.Index(frames)
        self._stems: dict[str, int] | None = None

    def positions(self, given: Sequence[str] | pd.Series | pd.Index) -> NDArray[np.intp]:
        """Return the position of each name among the frames, -1 if none or several match; (n,)."""
        names: pd.Series = pd.Series(given, dtype="str")
        positions: NDArray[np.intp] = self._names.get_indexer(pd.Index(names))
        lost = np.flatnonzero(positions < 0)
        positions[lost] = [self._loosely(name) for name in names.take(lost)]
        return positions

    def _loosely(self, name: str) -> int:
        if self._stems is None:
            self._stems = _positions_by_stem(self._names)
        parts = name.replace("\\", "/").split("/")
        if ".." in parts:
            return -1  # it leads out of the folder
        own = parts[-1]
        stem = own.rpartition(".")[0] or own
        candidates = (f"{parts[-2]}/{stem}", f"{parts[-2]}/{own}") if len(parts) > 1 else ()
        position = next((self._stems[key] for key in (*candidates, stem, own) if key in self._stems), -1)
        named = [part for part in parts[:-1] if self._preset.is_trial(part)]
        if position >= 0 and named and trial_of_name(self._names[position], self._preset) != named[-1]:
            return -1  # a frame of another trial with that number
        return position


def _positions_by_stem(names: Iterable[str]) -> dict[str, int]:
    """Map the stem of each frame, and its folder and stem, to its position; -1 if several frames have the stem."""
    stems: dict[str, int] = {}
    for position, name in enumerate(names):
        path = name.rpartition(".")[0]
        for key in {path, path.rpartition("/")[2]}:
            stems[key] = -1 if key in stems else position
    return stems
