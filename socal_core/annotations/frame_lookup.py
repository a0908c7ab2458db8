"""Frames by the names that annotation tools give them: with another ending, in other folders, with a tool's additions.

A match here is what a name allows. Whether it is evidence enough is decided for a whole file, in frame_matching.py.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import pandas as pd

from socal_core.dataset import layout

NONE = -1
"""No frame fits."""
UNUSED = -2
"""A frame that must not be used: of a refused file, or between the sampled ones of a recording."""
SEVERAL = -3
"""Several frames fit."""
LABEL_STUDIO = "Label Studio's prefix of eight letters"
ROBOFLOW = "Roboflow's ending .rf and a code"
_PREFIX = re.compile(r"[0-9a-f]{8}(?:-|__)(?=.)")
_CODE = re.compile(r"(?P<stem>.+)[_-](?:jpe?g|png|bmp|tiff?|webp)\.rf\.[0-9A-Za-z_-]{8,40}", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")


class Found(NamedTuple):
    """The frame of a name."""

    place: int
    """Among the frames; NONE, UNUSED or SEVERAL."""
    says_trial: bool
    """Whether the name says the trial, itself or by a folder."""
    habit: str = ""
    """What a tool has added to the name, "" where nothing was taken off to find the frame."""


class FrameLookup:
    """Finds frames by folder and stem, trial and stem, or stem alone, in the same case or else in any."""

    def __init__(self, frames: pd.DataFrame) -> None:
        """Of the table of Dataset (frame, trial_id)."""
        self._names: list[str] = frames["frame"].tolist()
        self._trials: list[str] = frames["trial_id"].tolist()
        self._known = frozenset(self._trials)
        self._of_folders: dict[tuple[str, ...], str] = {}

    @cached_property
    def _exact(self) -> dict[str, int]:
        return _places(self._keys())

    @cached_property
    def _folded(self) -> dict[str, int]:
        return _places((key.casefold(), place) for key, place in self._keys())

    @cached_property
    def trials_with_shared_stems(self) -> frozenset[str]:
        """The trials with a frame whose stem another trial has too, so that the stem does not say which it is."""
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
            name: As a file gives it, with any folders; leading `..` are passed over, for no file is opened by it.
            hint: The trial of the file, for names that say none; "" where it is not known.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        if not parts:
            return Found(NONE, False)
        own, folders = parts[-1], parts[:-1]
        said = self._trial_of_folders(tuple(folders)) if folders else ""
        stem = _stem(own)
        place = self._exact.get(stem, NONE)
        if place >= 0 and not said and stem.startswith(f"{self._trials[place]}_"):
            return Found(place, True)  # the usual case, of many thousand label files
        parent = folders[-1] if folders else ""
        habit = ""
        for spelled, habit in _spellings(own):
            for stem in dict.fromkeys((_stem(spelled), spelled)):
                place, says_trial = self._find_stem(stem, parent, said, hint)
                if place != NONE:
                    return Found(place, says_trial, habit)
        return Found(NONE, bool(said) or self._says_trial(own), habit)

    def _find_stem(self, stem: str, parent: str, said: str, hint: str) -> tuple[int, bool]:
        """The place of a stem, and whether its trial is certain."""
        keys = [f"{parent}/{stem}"] if parent else []
        keys += [f"{said}//{stem}"] if said else [stem]
        exact = ((self._exact, key) for key in keys)
        folded = ((self._folded, key.casefold()) for key in keys)
        for places, key in chain(exact, folded):
            place = places.get(key, NONE)
            if place == NONE:
                continue
            if said or self._says_trial(stem):
                fits = place < 0 or not said or self._trials[place] == said
                return (place, True) if fits else (NONE, True)
            if hint:
                own = self._exact.get(f"{hint}//{stem}", NONE)
                return (self._folded.get(f"{hint}//{stem}".casefold(), NONE) if own == NONE else own), False
            return place, False
        return NONE, False

    def _trial_of_folders(self, folders: tuple[str, ...]) -> str:
        """The trial that the innermost of the folders which names one names, "" when none does."""
        if folders not in self._of_folders:
            named = (trial_of_word(part, self._known)[0] for part in reversed(folders))
            self._of_folders[folders] = next(filter(None, named), "")
        return self._of_folders[folders]

    def _says_trial(self, text: str) -> bool:
        return any(trial_of_word(word, self._known)[0] for word in _WORD.findall(text))

    def _keys(self) -> Iterator[tuple[str, int]]:
        """Stem, trial and stem, folder and stem of each frame; a trial is set off by two strokes."""
        for place, (name, trial) in enumerate(zip(self._names, self._trials, strict=True)):
            parent, _, own = name.rpartition("/")
            stem = _stem(own)
            yield stem, place
            yield f"{trial}//{stem}", place
            if parent:
                yield f"{parent.rpartition('/')[2]}/{stem}", place


def trial_of_word(word: str, known: Iterable[str]) -> tuple[str, str]:
    """The trial that a word names, known or not, and the letter of its part; both "" when it names none."""
    if word in known or layout.TRIAL_ID.fullmatch(word):
        return word, ""
    whole, letter = word[:-1], word[-1:]
    if "a" <= letter <= "z" and layout.TRIAL_ID.fullmatch(whole):
        return whole, letter
    return "", ""


def habit_of(name: str) -> str:
    """What a tool has added to a name; "" for none that is known."""
    own = name.replace("\\", "/").rpartition("/")[2]
    return next((habit for _, habit in _spellings(own) if habit), "")


def _spellings(own: str) -> Iterator[tuple[str, str]]:
    """A name as it is, then without what a tool added, each with the habit that was undone."""
    yield own, ""
    prefix = _PREFIX.match(own)
    if prefix is not None:
        yield own[prefix.end() :], LABEL_STUDIO
    code = _CODE.fullmatch(_stem(own)) or _CODE.fullmatch(own)
    if code is not None:
        yield f"{code['stem']}.", ROBOFLOW


def _stem(own: str) -> str:
    return own.rpartition(".")[0] or own


def _places(keys: Iterable[tuple[str, int]]) -> dict[str, int]:
    places: dict[str, int] = {}
    for key, place in keys:
        if places.setdefault(key, place) != place:
            places[key] = SEVERAL
    return places
