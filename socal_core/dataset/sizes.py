"""The size of every frame, from its own header and not from the outcomes file.

In a large data set, a sample of the headers of each trial shows whether its frames differ; only then are all headers
of the trial read. Checking every frame reads all of them.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.folder import DataFolder
from socal_core.dataset.images import MAX_PIXELS, quiet_pillow, read_size
from socal_core.dataset.layout import path_of_frame
from socal_core.dataset.media import Media
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError
from socal_core.file_handles import os_reason

DIMENSIONS = ("width", "height")

_HEADERS = 1_000
"""Headers that are read in total, spread over the trials, but at least _FEWEST per trial."""
_FEWEST = 3
_THREADS = 8

Size = tuple[int, int]


def with_sizes(
    folder: DataFolder, media: Media, trials: pd.DataFrame, frames: pd.DataFrame, log: ProblemLog
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give trials and frames their sizes in pixels.

    Args:
        folder: The data folder.
        media: Its frames and videos.
        trials: The trials; `width` and `height` are those in the outcomes file.
        frames: All frames, in the order of the trials.
        log: Receives contradictions as problems.

    Returns:
        The trials with the size that most of their frames have, and the frames with `width` and `height` (Int64).
    """
    counts = frames["trial_id"].value_counts(sort=False)  # in the order of the frames
    starts = dict(zip(counts.index, np.cumsum(counts.to_numpy()) - counts.to_numpy(), strict=True))
    headers = _Headers(folder, media, frames["frame"], log)
    samples = [
        start + _spread(int(counts[trial]), max(_FEWEST, _HEADERS // len(counts)))
        for trial, start in starts.items()
        if trial not in media.videos
    ]
    with quiet_pillow():
        headers.read(np.concatenate(samples) if samples else np.array([], np.intp))
        found: dict[str, list[Size | None]] = {
            trial: [(video.width, video.height)] * int(counts[trial])
            if (video := media.videos.get(trial)) is not None
            else headers.of_trial(int(start), int(counts[trial]))
            for trial, start in starts.items()
        }
    unsized = trials.index[trials[list(DIMENSIONS)].isna().any(axis=1)]
    for trial in unsized.intersection(pd.Index(list(starts))).difference(pd.Index(list(media.videos))):
        headers.count_first(int(starts[trial]))
    headers.note()
    return _filled(trials, frames, found, folder.preset.outcomes_file, log)


class _Headers:
    """The sizes in the headers of frames, by the index of the frame; None if a header cannot be read."""

    def __init__(self, folder: DataFolder, media: Media, names: pd.Series, log: ProblemLog) -> None:
        self.faults: dict[int, str] = {}
        self._folder, self._media, self._names, self._log = folder, media, names, log
        self._sizes: dict[int, Size | None] = {}

    def read(self, indices: NDArray[np.intp]) -> None:
        new = [int(index) for index in indices if int(index) not in self._sizes]
        with ThreadPoolExecutor(_THREADS) as pool:
            self._sizes.update(zip(new, pool.map(self._size, new), strict=True))

    def of_trial(self, start: int, count: int) -> list[Size | None]:
        """Return the size of each frame of a trial: one for all if the headers read so far agree, else its own."""
        known = [self._sizes[index] for index in range(start, start + count) if index in self._sizes]
        sizes = {size for size in known if size is not None}
        if len(sizes) < 2:
            return [next(iter(sizes), None)] * count
        self.read(np.arange(start, start + count))
        return [self._sizes[index] for index in range(start, start + count)]

    def count_first(self, index: int) -> None:
        """Add the first frame of a trial to the fingerprint if only headers give its size; report it if unreadable."""
        if index in self.faults:
            frame, reason = self._names.iloc[index], self.faults[index]
            self._log.add(frame_kinds.UNREADABLE_FRAME, self.path(index), frame=frame, reason=reason)
        if self.path(index) in self._folder.stamps:
            self._folder.touch(self.path(index))

    def path(self, index: int) -> str:
        return path_of_frame(self._media.images_dir, self._names.iloc[index])

    def note(self) -> None:
        """Record as evidence where the sizes come from."""
        read = sum(size is not None for size in self._sizes.values())
        if read:
            text = "The size of a frame is taken from its own header, with its orientation applied."
            basis = f"The headers of {read:,} of {len(self._names):,} frames were read."
            self._log.add_evidence(self._log.images_dir, text, basis)

    def _size(self, index: int) -> Size | None:
        name = self.path(index)
        try:
            self._folder.watch(name)
            width, height = read_size(self._folder.root / name)
            if width * height > MAX_PIXELS:
                raise DataError(f"it has {width}x{height} pixels, more than the {MAX_PIXELS:,} allowed")
            return width, height
        except (DataError, OSError) as error:
            self.faults[index] = os_reason(error)
            return None


def _spread(count: int, most: int) -> NDArray[np.intp]:
    """Return at most `most` of the numbers below `count`, evenly spread, including the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))


def _filled(
    trials: pd.DataFrame,
    frames: pd.DataFrame,
    found: dict[str, list[Size | None]],
    outcomes_file: str,
    log: ProblemLog,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add the sizes to both tables; report trials whose frames differ or contradict the outcomes file."""
    given = trials[list(DIMENSIONS)].astype("float64")
    declared: dict[str, tuple[float, float]] = {trial: (w, h) for trial, w, h in given.itertuples(name=None)}
    usual: dict[str, Size] = {}
    flat: list[tuple[float, float]] = []
    for trial, own in found.items():
        times = Counter(size for size in own if size is not None)
        if times:
            _report_sizes(trial, times, declared[trial], outcomes_file, log)
            usual[trial] = times.most_common(1)[0][0]
        flat += [size or declared[trial] for size in own]
    table = np.array(flat, np.float64).reshape(-1, 2)
    known = pd.DataFrame.from_dict(usual, orient="index", columns=list(DIMENSIONS), dtype="Int64").reindex(trials.index)
    trials = trials.assign(**{name: known[name].fillna(trials[name]) for name in DIMENSIONS})
    return trials, frames.assign(**{name: pd.array(table[:, i]).astype("Int64") for i, name in enumerate(DIMENSIONS)})


def _report_sizes(
    trial: str, times: "Counter[Size]", declared: tuple[float, float], outcomes_file: str, log: ProblemLog
) -> None:
    if len(times) > 1:
        text = ", ".join(f"{width}x{height} ({count:,})" for (width, height), count in times.most_common(4))
        log.add(frame_kinds.SEVERAL_FRAME_SIZES, log.images_dir, trial_id=trial, sizes=text, kinds=len(times))
    elif not np.isnan(declared).any() and declared not in times:
        width, height = next(iter(times))
        log.add(
            frame_kinds.OTHER_SIZE_IN_OUTCOMES,
            outcomes_file,
            trial_id=trial,
            width=width,
            height=height,
            said_width=int(declared[0]),
            said_height=int(declared[1]),
        )
