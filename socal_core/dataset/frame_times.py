"""Names of frames that hold a time, such as `frame0-01-00.00.jpg`, `00_58.png` or `IMG_20240131_235959.jpg`.

The frames of a trial are examined together, since two adjacent numbers may also be a part and a frame.
"""

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.presets import Preset

_TIME = re.compile(
    r"(?<![0-9])(?:(?P<hours>[0-9]{1,2})(?P<letter>h[-_.]?|[-_.:]))?(?P<minutes>[0-9]{1,3})(?P<mark>m(?:in)?[-_.]?|[-_.:])"
    r"(?P<seconds>[0-9]{2})(?:(?P<rest>[.,][0-9]{1,6})?s?(?:ec)?|s(?P<fraction>[0-9]{1,6}))$",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?:(?<=[0-9]{8})|(?<=[0-9]{8}[-_T]))(?P<hours>[0-9]{2})(?P<minutes>[0-9]{2})(?P<seconds>[0-9]{2})"
    r"(?P<fraction>[0-9]{3})?$"
)
"""A time after a date, as cameras name files."""
_DATE = re.compile(r"(?<![0-9])([0-9]{4})[-_.]?([0-9]{2})[-_.]?([0-9]{2})[-_T ]*$")
"""The date in front of a time."""
_UNIT = re.compile(r"(?<![0-9.,])(?P<value>[0-9]{1,9}(?:[.,][0-9]{1,6})?) ?(?P<unit>ms|msec|s|sec)$", re.IGNORECASE)
"""A number of milliseconds or seconds."""
FLAT_TIME = -2
"""The index of a frame that is not in a folder of its trial and whose name may hold a time."""
_NUMBER = re.compile(r"[0-9]{1,18}")
_SNAPSHOT = "vlcsnap"
"""VLC names a snapshot after the time of the day at which it was taken."""


@dataclass(frozen=True)
class _Times:
    """The times in the names of the frames of a trial."""

    minutes: NDArray[np.int64]
    """Minutes, including those of the hours."""
    seconds: NDArray[np.float64]
    """Seconds of the minute."""
    marked: bool
    """Whether a fraction of a second, letters or a date show that the numbers are times."""
    clock: bool
    """Whether they are the times of the day at which the pictures were saved."""

    @property
    def total(self) -> NDArray[np.float64]:
        """Seconds since the start of the recording or of the day."""
        return 60 * self.minutes + self.seconds

    @property
    def may_be(self) -> bool:
        """Whether the numbers of all frames are possible times."""
        return bool((self.seconds < 60).all()) and len(np.unique(self.total)) == len(self.total)

    @property
    def are(self) -> bool:
        """Whether the numbers are certainly times: by a mark, or by a common step that leads to the next minute."""
        if self.marked:
            return True
        order = np.argsort(self.total)
        steps, across = np.diff(self.total[order]), np.diff(self.minutes[order]) > 0
        values, counts = np.unique(steps, return_counts=True)
        usual = values[counts.argmax()]
        return bool(usual < 60 and (steps[across] == usual).any())


def with_times(frames: pd.DataFrame, preset: Preset, log: ProblemLog) -> pd.DataFrame:
    """Put the second into `index` where the names of a trial's frames hold times.

    Args:
        frames: frame, trial_id and index, as from read_names.
        preset: The usual form of the names.
        log: Receives evidence for each trial whose names hold times, and a problem for each whose names may, or hold
            other numbers that make the second uncertain.

    Returns:
        The same frames, with changed `index` where the names hold times, and `timed` (bool), whether they do.
    """
    timed = pd.Series(False, frames.index)
    flat = frames["index"] == FLAT_TIME
    odd = frames[(frames["trial_id"] != "") & (flat | frames["frame"].str.contains("/", regex=False))]
    firsts = odd.drop_duplicates("trial_id")
    trials = [
        trial
        for trial, name in zip(firsts["trial_id"], firsts["frame"], strict=True)
        if len(_numbers_in(name, preset)) > 1 or holds_time(name.rpartition(".")[0])
    ]
    if not trials:
        return frames.assign(timed=timed)
    index = frames["index"].copy()
    for trial, names in odd[odd["trial_id"].isin(trials)].groupby("trial_id", sort=False)["frame"]:
        seconds = _seconds_of(names, str(trial), preset, log)
        if seconds is not None:
            index[names.index], timed[names.index] = seconds, True
        elif flat[names.index].any():
            index[names.index] = [_numbers_in(name, preset)[-1] for name in names]
    return frames.assign(index=index, timed=timed)


def holds_time(stem: str) -> bool:
    """Return whether a name without its ending holds what may be a time."""
    return _match(stem) is not None


def _seconds_of(names: pd.Series, trial: str, preset: Preset, log: ProblemLog) -> NDArray[np.int64] | None:
    """Return the second of each frame of a trial by the times in the names; None if they are no times."""
    example = printable(names.iloc[0])
    times = _times_of(names.tolist())
    one_minute = times is not None and len(np.unique(times.minutes)) == 1 and not times.marked
    if times is None or not times.may_be or one_minute:  # the last numbers of one minute are the seconds
        if not one_minute and not _are_ordered_by_last(names.tolist(), preset):
            log.add(frame_kinds.SEVERAL_NUMBERS, log.images_dir, trial_id=trial, example=example)
        return None
    if not times.are:
        log.add(frame_kinds.TIME_OR_NUMBER, log.images_dir, trial_id=trial, example=example)
        return None
    if times.clock:
        log.add(frame_kinds.SNAPSHOT_TIMES, log.images_dir, trial_id=trial, example=example)
    text = f"The names of the frames of {trial} hold times, such as {example}."
    basis = f"All {len(names):,} names do, no time occurs twice, and the seconds stay below 60."
    log.add_evidence(log.images_dir, text, basis)
    return np.floor(times.total + 0.5).astype(np.int64)


def _are_ordered_by_last(names: list[str], preset: Preset) -> bool:
    """Return whether the last number orders the names as all their numbers do, and no frame has that of another."""
    numbers = [_numbers_in(name, preset) for name in names]
    ordered = sorted(numbers)
    lasts = [own[-1] for own in ordered if own]
    return all(before < after for before, after in pairwise(lasts))


def _numbers_in(name: str, preset: Preset) -> list[int]:
    """Return the numbers in the own name of a frame, unless it has the form of the data set."""
    own = name.rpartition("/")[2]
    if preset.frame_name.fullmatch(own):
        return []
    return [int(text) for text in _NUMBER.findall(own.rpartition(".")[0])]


def _match(stem: str) -> re.Match[str] | None:
    return _CLOCK.search(stem) or _TIME.search(stem) or _UNIT.search(stem)


def _times_of(names: list[str]) -> _Times | None:
    """Parse the times in the names; return None if a name has no time."""
    parsed = [_parse(name.rpartition("/")[2].rpartition(".")[0]) for name in names]
    found = [own for own in parsed if own is not None]
    if len(found) < len(names):
        return None
    minutes, seconds, marked = zip(*found, strict=True)
    clock = any(name.rpartition("/")[2].lower().startswith(_SNAPSHOT) for name in names)
    return _Times(np.array(minutes, np.int64), np.array(seconds), all(marked), clock)


def _parse(stem: str) -> tuple[int, float, bool] | None:
    """Return minutes, seconds of the minute and whether they are marked as a time; None if there is no time."""
    match = _match(stem)
    if match is None:
        return None
    value = match.groupdict()
    if "unit" in value:
        total = float(value["value"].replace(",", ".")) / (1000 if value["unit"][0] in "mM" else 1)
        return int(total // 60), total % 60, True
    days = _days(stem[: match.start()])
    seconds = float(value["seconds"] + (value.get("rest") or f".{value['fraction'] or 0}").replace(",", "."))
    minutes = 60 * int(value["hours"] or 0) + int(value["minutes"])
    mark = value.get("mark") or ""
    marked = bool(days or value.get("rest") or mark[:1].lower() == "m" or ":" in mark)
    return 24 * 60 * days + minutes, seconds, marked


def _days(before: str) -> int:
    """Return the day of the date at the end of a text, counted from the year 1; 0 if there is none."""
    match = _DATE.search(before)
    try:
        return date(*map(int, match.groups())).toordinal() if match else 0
    except ValueError:
        return 0
