"""Fill the store of frames: missing frames are decoded once, by as many threads as the machine has cores."""

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
from socal_core.preflight.machine import usable_cores

if TYPE_CHECKING:
    from socal_core.clips.preprocess import Preprocessor  # loads PyTorch, which reading the status does not need

CHUNK = 16
"""Consecutive frames of a trial that one thread decodes; videos decode fastest in sequence."""
PROGRESS_SECONDS = 0.25

Wanted = Sequence[tuple[TrialFrames, Sequence[int]]]
"""Trials, each with the indices of the requested frames."""


@dataclass(frozen=True)
class CacheStatus:
    """How many of the requested frames are in a store."""

    trials: int
    """Trials whose frames are all kept, or known to be unreadable."""
    of_trials: int
    frames: int
    """Frames whose pixels are kept."""
    of_frames: int
    unreadable: int
    """Frames that are known to be unreadable."""
    bytes: int
    """Size of the kept frames on the disk."""
    estimated_bytes: int
    """Size of all requested frames."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left to fill."""
        return self.trials == self.of_trials

    def __add__(self, other: "CacheStatus") -> "CacheStatus":
        """Add the status of a store of the same frames at another size. Trials and readable frames count in both."""
        sums = {item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)}
        return CacheStatus(**(sums | {"unreadable": max(self.unreadable, other.unreadable)}))


@dataclass
class Filled:
    """How a filling ended."""

    unreadable: dict[str, str] = field(default_factory=dict)
    """By frame: why it cannot be read."""
    note: str = ""
    """Why readable frames are missing in the store; "" if none are."""


def all_frames(dataset: Dataset) -> Wanted:
    """Every frame of a data set."""
    trials = [
        TrialFrames(str(trial_id), tuple(names))
        for trial_id, names in dataset.frames.groupby("trial_id", sort=False)["frame"]
    ]
    return [(trial, range(len(trial.frames))) for trial in trials]


def stamp_of_frame(dataset: Dataset, name: str) -> Stamp | None:
    """The stamp of the file that contains a frame, None if it does not exist."""
    try:
        return stamp_of(dataset.file_of(name).stat())
    except OSError:
        return None


def cache_status(dataset: Dataset, store: FrameStore, wanted: Wanted) -> CacheStatus:
    """Count how much of `wanted` is kept; reads the stamp of each frame's file."""
    kept, unreadable, complete, total = 0, 0, 0, 0
    for trial, places in wanted:
        states = _states(dataset, store, trial, places)
        kept += int((states == KEPT).sum())
        unreadable += int((states == UNREADABLE).sum())
        complete += bool(states.all())
        total += len(places)
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
    """The requested frames whose pixels are not kept, or whose files have changed since."""
    missing = []
    for trial, places in wanted:
        states = _states(dataset, store, trial, places)
        lacking = [place for place, state in zip(places, states, strict=True) if state != KEPT]
        if lacking:
            missing.append((trial, lacking))
    return missing


def fill(
    dataset: Dataset,
    preprocessor: "Preprocessor",
    store: FrameStore,
    wanted: Wanted,
    progress: Callable[[int, int], None],
) -> Filled:
    """Decode and keep what is missing of `wanted`; the store must be in use.

    `progress(done, total)` is called with numbers of frames a few times per second; it may raise to stop. Frames kept
    before that remain. If the disk is full, filling ends and the note says so. No data is lost.
    """
    missing = missing_frames(dataset, store, wanted)
    total = sum(len(places) for _, places in missing)
    filled = Filled()
    progress(0, total)
    if not total:
        return filled
    reason = make_room(total * store.frame_bytes, store.folder)
    if reason:
        filled.note = f"The clip cache is not filled: {reason}. Frames are decoded again at each use."
        return filled
    chunks = [(trial, places[i : i + CHUNK]) for trial, places in missing for i in range(0, len(places), CHUNK)]
    # In a different order per process: processes that fill the same store divide the work instead of doing it twice.
    random.Random(os.getpid()).shuffle(chunks)  # noqa: S311 - no secret
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
    places: Sequence[int],
) -> int:
    """Decode and keep some frames of a trial, unless the disk is full; returns how many were processed."""
    missing = [] if filled.note else _still_missing(dataset, store, trial, places)
    while missing:
        names = [trial.frames[place] for place in missing]
        stamps = {place: stamp_of_frame(dataset, trial.frames[place]) for place in missing}
        try:
            for pixels in preprocessor.read_all(dataset, names):
                place = missing.pop(0)
                store.write(trial, place, pixels, stamps[place])
        except DataError as error:
            place = missing.pop(0)
            filled.unreadable[trial.frames[place]] = str(error)
            store.write(trial, place, None, stamps[place])
        except OSError as error:
            filled.note = f"The clip cache is not filled: {error.strerror}. Frames are decoded again at each use."
            break
    return len(places)


def cores() -> int:
    """The cores per process of this machine, where torchrun started several."""
    return max(1, usable_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


@contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads that cancels waiting work on exit; decoding and resizing run in parallel in it."""
    with ThreadPoolExecutor(count) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _states(dataset: Dataset, store: FrameStore, trial: TrialFrames, places: Sequence[int]) -> NDArray[np.uint32]:
    return store.states(trial, places, [stamp_of_frame(dataset, trial.frames[place]) for place in places])


def _still_missing(dataset: Dataset, store: FrameStore, trial: TrialFrames, places: Sequence[int]) -> list[int]:
    """The frames that no other process has kept since."""
    found = missing_frames(dataset, store, [(trial, places)])
    return found[0][1] if found else []


def _counted(waiting: set[Future[int]]) -> Iterator[int]:
    """Yield how much is done, a few times per second and at the end; raises the error of a thread."""
    done = 0
    while waiting:
        ended, waiting = wait(waiting, PROGRESS_SECONDS, FIRST_EXCEPTION)
        done += sum(future.result() for future in ended)
        yield done
