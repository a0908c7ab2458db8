"""Names of frames that hold a time, such as `frame0-01-00.00.jpg`, `00_58.png` or `IMG_20240131_235959.jpg`.

The frames of a trial are examined together, since two adjacent numbers may also be a part and a frame.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.presets import Preset

_TIME = re.compile(
    r"(?<![0-9])(?:(?P<hours>[0-9]{1,2})(?P<letter>h[-_.]?|[-_.:]))?(?P<minutes>[0-9]{1,3})(?P<mark>m(?:in)?[-_.]?|[-_.:])"
    r"(?P<seconds>[0-9]{2})(?P<rest>[.,][0-9]{1,6})?s?(?:ec)?$",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?<![0-9])(?P<date>[0-9]{8})[-_T]?(?P<hours>[0-9]{2})(?P<minutes>[0-9]{2})(?P<seconds>[0-9]{2})$")
"""A date and a time, as cameras name files."""


@dataclass(frozen=True)
class _Times:
    """The times in the names of the frames of a trial."""

    minutes: NDArray[np.int64]
    """Minutes, including those of the hours."""
    seconds: NDArray[np.float64]
    """Seconds of the minute."""
    marked: bool
    """Whether a fraction of a second, letters or a date show that the numbers are times."""

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
        log: Receives evidence for each trial whose names hold times, and a problem for each whose names may.

    Returns:
        The same frames, with changed `index` where the names hold times.
    """
    odd = frames[(frames["trial_id"] != "") & frames["frame"].str.contains("/", regex=False)]
    firsts = odd.drop_duplicates("trial_id")
    trials = [trial for trial, name in zip(firsts["trial_id"], firsts["frame"], strict=True) if _match(name, preset)]
    if not trials:
        return frames
    index = frames["index"].copy()
    for trial, names in odd[odd["trial_id"].isin(trials)].groupby("trial_id", sort=False)["frame"]:
        times = _times_of(names.tolist(), preset)
        if times is None or not times.may_be or (len(np.unique(times.minutes)) == 1 and not times.marked):
            continue  # no times, or times of one minute, whose last numbers are the seconds
        example = printable(names.iloc[0])
        if not times.are:
            log.add(frame_kinds.TIME_OR_NUMBER, log.images_dir, trial_id=trial, example=example)
            continue
        index[names.index] = np.floor(times.total + 0.5).astype(np.int64)
        text = f"The names of the frames of {trial} hold times, such as {example}."
        basis = f"All {len(names):,} names do, no time occurs twice, and the seconds stay below 60."
        log.add_evidence(log.images_dir, text, basis)
    return frames.assign(index=index)


def _match(name: str, preset: Preset) -> re.Match[str] | None:
    own = name.rpartition("/")[2]
    if preset.frame_name.fullmatch(own):
        return None
    stem = own.rpartition(".")[0]
    return _CLOCK.search(stem) or _TIME.search(stem)


def _times_of(names: list[str], preset: Preset) -> _Times | None:
    """Parse the times in the names; return None if a name has no time."""
    matches = [match for name in names if (match := _match(name, preset)) is not None]
    if len(matches) < len(names):
        return None
    values = [match.groupdict() for match in matches]
    minutes = [60 * int(value["hours"] or 0) + int(value["minutes"]) for value in values]
    seconds = [float(value["seconds"] + (value.get("rest") or "").replace(",", ".")) for value in values]
    marked = all(_is_marked(value) for value in values)
    return _Times(np.array(minutes, np.int64), np.array(seconds), marked)


def _is_marked(value: dict[str, str | None]) -> bool:
    mark = value.get("mark") or ""
    return bool(value.get("date") or value.get("rest") or mark[:1].lower() == "m" or ":" in mark)
