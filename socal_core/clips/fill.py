"""Fill the store of frames. Missing frames are decoded once, by as many threads as the machine has cores."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from socal_core.clips.clip_cache import make_room
from socal_core.clips.store import KEPT, UNREADABLE, FrameStore, TrialFrames
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import Stamp, stamp_of
from socal_core.dataset.images import quiet_pillow
from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.preflight.machine import usable_cores

if TYPE_CHECKING:
    from socal_core.clips.preprocess import Preprocessor  # loads PyTorch, which the status does not need

CHUNK = 16
"""Number of consecutive frames of a trial that one thread decodes. Videos decode fastest in sequence."""
PROGRESS_SECONDS = 0.25
"""Time between two reports of progress."""

Wanted = Sequence[tuple[TrialFrames, Sequence[int]]]
"""Trials, each with the indices of the requested frames."""


@dataclass(frozen=True)
class CacheStatus:
    """How many of the requested frames are in a store."""

    trials: int
    """Number of trials whose requested frames are all stored or known to be unreadable."""
    of_trials: int
    frames: int
    """Number of frames whose pixels are stored."""
    of_frames: int
    unreadable: int
    """Number of frames that are known to be unreadable."""
    bytes: int
    """Size of the stored frames on the disk."""
    estimated_bytes: int
    """Size of all requested frames."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.trials == self.of_trials

    def __add__(self, other: "CacheStatus") -> "CacheStatus":
        """Add the status of a store that holds the same frames at another size. Only unreadable frames count once."""
        sums = {item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)}
        return CacheStatus(**(sums | {"unreadable": max(self.unreadable, other.unreadable)}))


@dataclass
class Filled:
    """The result of filling a store."""

    unreadable: dict[str, str] = field(default_factory=dict)
    """By name of a frame, why it cannot be read."""
    note: str = ""
    """Why readable frames are missing from the store; "" if none are."""


def all_frames(dataset: Dataset) -> Wanted:
    """Return every frame of a data set."""
    trials = [
        TrialFrames(str(trial_id), tuple(names))
        for trial_id, names in dataset.frames.groupby("trial_id", sort=False)["frame"]
    ]
    return [(trial, range(len(trial.frames))) for trial in trials]


def stamp_of_frame(dataset: Dataset, name: str) -> Stamp | None:
    """Return the stamp of the file that contains a frame; None if the file does not exist."""
    try:
        return stamp_of(dataset.file_of(name).stat())
    except OSError:
        return None


def cache_status(dataset: Dataset, store: FrameStore, wanted: Wanted) -> CacheStatus:
    """Count how many of the requested frames are stored and up to date, from the stamps of their files."""
    kept, unreadable, complete, total = 0, 0, 0, 0
    for trial, indices in wanted:
        states = _states(dataset, store, trial, indices)
        kept += int((states == KEPT).sum())
        unreadable += int((states == UNREADABLE).sum())
        complete += bool(states.all())
        total += len(indices)
    return CacheStatus(
        trials=complete,
        of_trials=len(wanted),
        frames=kept,
        of_frames=total,
        unreadable=unreadable,
        bytes=kept * store.frame_bytes,
        estimated_bytes=total * store.frame_bytes,
    )


def missing_frames(dataset: Dataset, store: FrameStore, wanted: Wanted) -> list[tuple[TrialFrames, list[int]]]:
    """Return the requested frames whose pixels are not stored, or whose files have changed since."""
    missing = []
    for trial, indices in wanted:
        states = _states(dataset, store, trial, indices)
        absent = [index for index, state in zip(indices, states, strict=True) if state != KEPT]
        if absent:
            missing.append((trial, absent))
    return missing


def fill(
    dataset: Dataset,
    preprocessor: "Preprocessor",
    store: FrameStore,
    wanted: Wanted,
    progress: Callable[[int, int], None],
) -> Filled:
    """Decode and store the requested frames that are missing.

    If the disk is full, filling ends early, and the result contains a note. Frames that are already stored are kept.

    Args:
        dataset: The data set that contains the frames.
        preprocessor: Resizes and crops them.
        store: Where they are stored. The caller holds it with `in_use`.
        wanted: The requested frames.
        progress: Called with (done, total), numbers of frames, a few times per second. It may raise to stop.

    Returns:
        The frames that cannot be read, and why others are missing.
    """
    missing = missing_frames(dataset, store, wanted)
    total = sum(len(indices) for _, indices in missing)
    filled = Filled()
    progress(0, total)
    if not total:
        return filled
    reason = make_room(total * store.frame_bytes, store.folder)
    if reason:
        filled.note = f"The clip cache is not filled: {reason}. Frames are decoded again at each use."
        return filled
    chunks = [(trial, indices[i : i + CHUNK]) for trial, indices in missing for i in range(0, len(indices), CHUNK)]
    # Each process has a different order, so processes that fill the same store share the work instead of repeating it.
    random.Random(os.getpid()).shuffle(chunks)  # noqa: S311 - not for security
    with quiet_pillow(), threads(cores()) as pool:
        waiting = {pool.submit(_keep, dataset, preprocessor, store, filled, *chunk) for chunk in chunks}
        for done in _counted(waiting):
            progress(done, total)
    return filled


def _keep(
    dataset: Dataset,
    preprocessor: "Preprocessor",
    store: FrameStore,
    filled: Filled,
    trial: TrialFrames,
    indices: Sequence[int],
) -> int:
    """Decode and store some frames of a trial, unless the disk is full. Return how many were processed."""
    missing = [] if filled.note else _still_missing(dataset, store, trial, indices)
    while missing:
        names = [trial.frames[index] for index in missing]
        stamps = {index: stamp_of_frame(dataset, trial.frames[index]) for index in missing}
        try:
            for pixels in preprocessor.read_all(dataset, names):
                index = missing.pop(0)
                store.write(trial, index, pixels, stamps[index])
        except DataError as error:
            index = missing.pop(0)
            filled.unreadable[trial.frames[index]] = str(error)
            store.write(trial, index, None, stamps[index])
        except OSError as error:
            filled.note = f"The clip cache is not filled: {os_reason(error)}. Frames are decoded again at each use."
            break
    return len(indices)


def cores() -> int:
    """Return the number of cores per process; torchrun may start several processes on a machine. At least 1."""
    return max(1, usable_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


@contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Open a pool of threads that cancels waiting work on exit. Decoding and resizing run in parallel in threads."""
    with ThreadPoolExecutor(count) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _states(dataset: Dataset, store: FrameStore, trial: TrialFrames, indices: Sequence[int]) -> NDArray[np.uint32]:
    return store.states(trial, indices, [stamp_of_frame(dataset, trial.frames[index]) for index in indices])


def _still_missing(dataset: Dataset, store: FrameStore, trial: TrialFrames, indices: Sequence[int]) -> list[int]:
    """Return the frames that no other process has stored in the meantime."""
    found = missing_frames(dataset, store, [(trial, indices)])
    return found[0][1] if found else []


def _counted(waiting: set[Future[int]]) -> Iterator[int]:
    """Yield how many frames are done, a few times per second and at the end. Raise the error of a thread."""
    done = 0
    while waiting:
        ended, waiting = wait(waiting, PROGRESS_SECONDS, FIRST_EXCEPTION)
        done += sum(future.result() for future in ended)
        yield done
