"""Find frames by the names in annotation files: with another ending, in other folders, with additions of a tool.

A match here is only possible. frame_matching.py decides for a whole file whether the evidence is sufficient.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from typing import NamedTuple
from urllib.parse import unquote

import pandas as pd

from socal_core.presets import SOCAL, Preset

NONE = -1
"""No frame matches."""
UNUSED = -2
"""A frame that must not be used: of a rejected file, or between the sampled frames of a recording."""
SEVERAL = -3
"""Several frames match."""
LABEL_STUDIO = "Label Studio's prefix of eight letters"
ROBOFLOW = "Roboflow's ending .rf and a code"
PERCENT = "characters written as %20"
_PREFIX = re.compile(r"[0-9a-f]{8}(?:-|__)(?=.)")
_CODE = re.compile(r"(?P<stem>.+)[_-](?:jpe?g|png|bmp|tiff?|webp)\.rf\.[0-9A-Za-z_-]{8,40}", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")


class Found(NamedTuple):
    """The frame that a name stands for."""

    row: int
    """The row in the table of frames; NONE, UNUSED or SEVERAL."""
    names_trial: bool
    """Whether the name contains the trial, itself or in a folder."""
    addition: str = ""
    """What a tool has added to the name; "" if nothing was removed to find the frame."""


class FrameLookup:
    """Find frames by folder and stem, trial and stem, or stem alone, first in the same case, then in any."""

    def __init__(self, frames: pd.DataFrame, preset: Preset = SOCAL) -> None:
        """Prepare the lookup.

        Args:
            frames: The table of frames of a `Dataset` (frame, trial_id).
            preset: The form of trial ids.
        """
        self._preset = preset
        self._names: list[str] = frames["frame"].tolist()
        self._trials: list[str] = frames["trial_id"].tolist()
        self._known = frozenset(self._trials)
        self._of_folders: dict[tuple[str, ...], str] = {}

    @cached_property
    def _exact(self) -> dict[str, int]:
        return _rows_by_key(self._keys())

    @cached_property
    def _folded(self) -> dict[str, int]:
        return _rows_by_key((_folded(key), row) for key, row in self._keys())

    @cached_property
    def trials_with_shared_stems(self) -> frozenset[str]:
        """The trials with a frame whose stem also occurs in another trial, so that the stem alone is ambiguous."""
        owners: dict[str, str] = {}
        shared: set[str] = set()
        for name, trial in zip(self._names, self._trials, strict=True):
            other = owners.setdefault(_stem(name.rpartition("/")[2]), trial)
            if other != trial:
                shared |= {other, trial}
        return frozenset(shared)

    def find(self, name: str, hint: str = "") -> Found:
        """Find the frame of a name.

        Args:
            name: The name in the file, with any folders. `..` is ignored, as the name is not used to open a file.
            hint: The trial of the file, for names without one; "" if it is not known.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        if not parts:
            return Found(NONE, False)
        own, folders = parts[-1], parts[:-1]
        trial = self._trial_of_folders(tuple(folders)) if folders else ""
        stem = _stem(own)
        row = self._exact.get(stem, NONE)
        if row >= 0 and not trial and stem.startswith(f"{self._trials[row]}_"):
            return Found(row, True)  # the usual case, of many thousand label files
        parent = folders[-1] if folders else ""
        addition = ""
        for spelled, addition in _spellings(own):
            for stem in dict.fromkeys((_stem(spelled), spelled)):
                row, names_trial = self._find_stem(stem, parent, trial, hint)
                if row != NONE:
                    return Found(row, names_trial, addition)
        return Found(NONE, bool(trial) or self.names_trial(own), addition)

    def _find_stem(self, stem: str, parent: str, trial: str, hint: str) -> tuple[int, bool]:
        """Return the row of a stem, and whether its trial is certain."""
        keys = [f"{parent}/{stem}"] if parent else []
        keys += [f"{trial}//{stem}"] if trial else [stem]
        exact = ((self._exact, key) for key in keys)
        folded = ((self._folded, _folded(key)) for key in keys)
        for rows, key in chain(exact, folded):
            row = rows.get(key, NONE)
            if row == NONE:
                continue
            if trial or self.names_trial(stem):
                fits = row < 0 or not trial or self._trials[row] == trial
                return (row, True) if fits else (NONE, True)
            if hint:
                own = self._exact.get(f"{hint}//{stem}", NONE)
                return (self._folded.get(_folded(f"{hint}//{stem}"), NONE) if own == NONE else own), False
            return row, False
        return NONE, False

    def _trial_of_folders(self, folders: tuple[str, ...]) -> str:
        """Return the trial in the name of the innermost folder that contains one, "" if there is none."""
        if folders not in self._of_folders:
            named = (self.trial_in(part) for part in reversed(folders))
            self._of_folders[folders] = next(filter(None, named), "")
        return self._of_folders[folders]

    def trial_in(self, part: str) -> str:
        """Return the trial that the name of a folder contains, as in `S102T1_export`; "" if none or several."""
        whole = trial_of_word(part, self._known, self._preset)[0]
        words = (trial_of_word(word, self._known, self._preset)[0] for word in _WORD.findall(part))
        named = set(filter(None, words))
        return whole or (named.pop() if len(named) == 1 else "")

    def names_trial(self, text: str) -> bool:
        """Return whether a name contains a trial."""
        return any(trial_of_word(word, self._known, self._preset)[0] for word in _WORD.findall(text))

    def _keys(self) -> Iterator[tuple[str, int]]:
        """Yield the stem, trial and stem, and folder and stem of each frame; two slashes separate a trial."""
        for row, (name, trial) in enumerate(zip(self._names, self._trials, strict=True)):
            parent, _, own = name.rpartition("/")
            stem = _stem(own)
            yield stem, row
            yield f"{trial}//{stem}", row
            if parent:
                yield f"{parent.rpartition('/')[2]}/{stem}", row


def trial_of_word(word: str, known: Iterable[str], preset: Preset) -> tuple[str, str]:
    """Return the trial that a word names, known or not, and the letter of its part; both "" if it names none."""
    if word in known or preset.is_trial(word):
        return word, ""
    whole, letter = word[:-1], word[-1:]
    if "a" <= letter <= "z" and preset.is_trial(whole):
        return whole, letter
    return "", ""


def addition_of(name: str) -> str:
    """Return what a tool has added to a name; "" if no known addition is found."""
    own = name.replace("\\", "/").rpartition("/")[2]
    return next((addition for _, addition in _spellings(own) if addition), "")


def _spellings(own: str) -> Iterator[tuple[str, str]]:
    """Yield a name unchanged, then without what tools add, each with the removed addition."""
    yield own, ""
    if "%" in own and unquote(own) != own:
        yield unquote(own), PERCENT
    prefix = _PREFIX.match(own)
    if prefix is not None:
        yield own[prefix.end() :], LABEL_STUDIO
    code = _CODE.fullmatch(_stem(own)) or _CODE.fullmatch(own)
    if code is not None:
        yield f"{code['stem']}.", ROBOFLOW


def _folded(key: str) -> str:
    """Return a key for comparison in any case; macOS writes an accented letter as two characters."""
    return (key if key.isascii() else unicodedata.normalize("NFC", key)).casefold()


def _stem(own: str) -> str:
    return own.rpartition(".")[0] or own


def _rows_by_key(keys: Iterable[tuple[str, int]]) -> dict[str, int]:
    rows: dict[str, int] = {}
    for key, row in keys:
        if rows.setdefault(key, row) != row:
            rows[key] = SEVERAL
    return rows
