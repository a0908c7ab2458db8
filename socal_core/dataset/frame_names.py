"""Parse the names of frames."""

import re

import numpy as np
import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.frame_times import FLAT_TIME, holds_time

UNKNOWN_INDEX = -1

_RENAMED = re.compile(r"^(.+)_(jpe?g|png|bmp|tiff?|webp)\.rf\.[0-9A-Za-z_-]{16,64}\.[A-Za-z]+$", re.IGNORECASE)
"""`S102T1_frame_00000078_jpeg.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg`, as Roboflow exports it."""

_FLAT = re.compile(r"(?P<trial>S[0-9A-Z]+T[0-9]{1,9})(?P<video>[a-z]?)[-_. ]+(?=[^/]*[0-9])")
"""The trial at the start of a name, as in `S102T1_00-01-18.jpg`."""
_COPY = re.compile(r"(?: ?\([0-9]{1,3}\)| - (?:copy|kopie|copie)(?: ?\([0-9]+\))?| copy(?: [0-9]+)?)$", re.IGNORECASE)


def read_names(names: list[str]) -> pd.DataFrame:
    """Parse the names of frames.

    A folder that is named like a trial gives the trial; the last number in the name is then the index.

    Args:
        names: The names, relative to the folder of frames.

    Returns:
        One row per name: frame, trial_id ("" if unknown), video (a letter or ""), index (int, UNKNOWN_INDEX if there
        is none).
    """
    trials, letters, indices = [], [], []
    for name in names:
        match = layout.FRAME_NAME.fullmatch(name)
        if match is not None:
            trial, letter, index = match["trial"], match["video"], int(match["index"])
        else:
            trial, letter, index = _read_odd(name)
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


def _read_odd(name: str) -> tuple[str, str, int]:
    """Parse a name in a folder, or one of another form, into trial, letter and index."""
    path, _, own = name.rpartition("/")
    own = original_name(own)
    match = layout.FRAME_NAME.fullmatch(own)
    parent = next((part for part in reversed(path.split("/")) if layout.TRIAL_ID.fullmatch(part)), "")
    if not parent and match is None:
        flat = _FLAT.match(own)
        fits = flat is not None and holds_time(own[flat.end() :].rpartition(".")[0])
        return (flat["trial"], flat["video"], FLAT_TIME) if flat and fits else ("", "", UNKNOWN_INDEX)
    if not parent and match is not None:
        return match["trial"], match["video"], int(match["index"])
    if match is not None:
        return parent, match["video"], int(match["index"])
    number = layout.LAST_NUMBER.search(own.rpartition(".")[0])
    return (parent, "", int(number[1])) if number else ("", "", UNKNOWN_INDEX)


def trial_of_name(name: str) -> str:
    """Return the trial that the name of a frame or its folder gives, "" if neither does."""
    return _read_odd(name)[0]


def original_name(name: str) -> str:
    """Return the name that an image had before Roboflow renamed it; other names are returned unchanged."""
    return _RENAMED.sub(r"\1.\2", name)


def copies_of_frames(names: list[str]) -> list[str]:
    """Return the names that systems give to a copy of another of the names, such as `frame_2 (1).jpg`."""
    known: set[str] | None = None
    found = []
    for name in names:
        if ")." not in name and "op" not in name:  # quick for a million names
            continue
        stem, _, suffix = name.rpartition(".")
        copied = _COPY.search(stem)
        if copied is not None:
            known = set(names) if known is None else known
            if f"{stem[: copied.start()]}.{suffix}" in known:
                found.append(name)
    return found
