"""Parse the names of frames."""

import re

import numpy as np
import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.frame_lookup import trial_of_word
from socal_core.dataset.frame_times import FLAT_TIME, holds_time
from socal_core.presets import SOCAL, Preset

UNKNOWN_INDEX = -1

_RENAMED = re.compile(r"^(.+)_(jpe?g|png|bmp|tiff?|webp)\.rf\.[0-9A-Za-z_-]{16,64}\.[A-Za-z]+$", re.IGNORECASE)
"""`S102T1_frame_00000078_jpeg.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg`, as Roboflow exports it."""

_SEPARATORS = re.compile(r"[-_. ]+")
_COPY = re.compile(r"(?: ?\([0-9]{1,3}\)| - (?:copy|kopie|copie)(?: ?\([0-9]+\))?| copy(?: [0-9]+)?)$", re.IGNORECASE)


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
        return parsed or _read_flat(own, preset)
    if parsed is not None:
        return parent, *parsed[1:]
    number = layout.LAST_NUMBER.search(own.rpartition(".")[0])
    return (parent, "", int(number[1])) if number else ("", "", UNKNOWN_INDEX)


def _read_flat(own: str, preset: Preset) -> tuple[str, str, int]:
    """Parse a name that starts with a trial and holds a time, as `S102T1_00-01-18.jpg` does."""
    stem = own.rpartition(".")[0]
    for separators in _SEPARATORS.finditer(stem):
        trial, letter = trial_of_word(stem[: separators.start()], (), preset)
        if trial and (preset.has_parts or not letter) and holds_time(stem[separators.end() :]):
            return trial, letter, FLAT_TIME
    return "", "", UNKNOWN_INDEX


def trial_of_name(name: str, preset: Preset) -> str:
    """Return the trial that the name of a frame or its folder gives, "" if neither does."""
    return _read_odd(name, preset)[0]


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
