"""All clips of a run, read once into memory as bytes.

A clip's frames are fixed by the window, so each is decoded once for the whole run: SOCAL's 143 trials at 16 frames of
224 px are 344 MB.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.sampling import clip_positions
from socal_core.dataset.images import quiet_pillow
from socal_core.dataset.types import Dataset
from socal_core.dataset.windows import Window
from socal_core.errors import DataError

MAX_STAND_IN_SHARE = 0.2
"""A trial is left out when more than this share of its clip's frames cannot be read."""


@dataclass(frozen=True)
class Clip:
    """One trial's clip and what had to be mended in it."""

    pixels: NDArray[np.uint8]
    """RGB bytes, (frames, 3, size, size)."""
    stand_ins: tuple[str, ...] = ()
    """For each frame that could not be read: its name and why, and which frame stands in."""


@dataclass
class ClipStore:
    """The clips of many trials, and the trials that have none."""

    clips: dict[str, torch.Tensor] = field(default_factory=dict)
    """By trial_id: uint8, (frames, 3, size, size)."""
    stand_ins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By trial_id: the frames for which a neighbour stands in."""
    left_out: dict[str, str] = field(default_factory=dict)
    """By trial_id: why there is no clip."""

    def batch(self, trial_ids: Sequence[str]) -> torch.Tensor:
        """The clips of some trials on a 0-1 scale: float32, (trials, frames, 3, size, size)."""
        return torch.stack([self.clips[trial_id] for trial_id in trial_ids]).float() / 255


def read_clips(
    dataset: Dataset,
    trial_ids: Sequence[str],
    window: Window,
    num_frames: int,
    preprocessor: Preprocessor,
    progress: Callable[[int, int], None],
) -> ClipStore:
    """Read the clips of these trials in parallel; `progress(done, total)` after each, and it may raise to stop."""
    store = ClipStore()
    read = partial(read_clip, dataset=dataset, window=window, num_frames=num_frames, preprocessor=preprocessor)
    # Pillow decodes and resizes without the interpreter's lock: threads use every core and share the memory.
    with quiet_pillow(), ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        futures = {trial_id: pool.submit(read, trial_id) for trial_id in trial_ids}
        try:
            for done, (trial_id, future) in enumerate(futures.items(), start=1):
                try:
                    clip = future.result()
                except DataError as error:
                    store.left_out[trial_id] = str(error)
                else:
                    store.clips[trial_id] = torch.from_numpy(clip.pixels)
                    if clip.stand_ins:
                        store.stand_ins[trial_id] = clip.stand_ins
                progress(done, len(futures))
        finally:
            # Somebody who stopped the run does not wait for the clips that are still in the queue.
            pool.shutdown(cancel_futures=True)
    return store


def read_clip(trial_id: str, dataset: Dataset, window: Window, num_frames: int, preprocessor: Preprocessor) -> Clip:
    """Read one trial's clip; DataError when the window holds no frame or too many frames cannot be read.

    The nearest readable frame of the window stands in for one that cannot be read.
    """
    names = window.select(dataset.frames_of(trial_id))["frame"].tolist()
    if not names:
        raise DataError(f"{trial_id}: no frame in the window ({window.describe()}).")
    positions = clip_positions(len(names), num_frames)
    readable: dict[int, NDArray[np.uint8]] = {}
    unreadable: dict[int, str] = {}

    def try_read(position: int) -> bool:
        if position not in readable and position not in unreadable:
            try:
                readable[position] = preprocessor.shrink([dataset.read_frame(names[position])])[0]
            except DataError as error:
                unreadable[position] = str(error)
        return position in readable

    broken = [int(p) for p in positions if not try_read(int(p))]
    if len(broken) > MAX_STAND_IN_SHARE * num_frames:
        raise DataError(
            f"{trial_id}: {len(broken)} of the clip's {num_frames} frames cannot be read, more than "
            f"{MAX_STAND_IN_SHARE:.0%}; the first: {unreadable[broken[0]]}"
        )
    stand_in: dict[int, int] = {}
    for position in dict.fromkeys(broken):
        neighbours = sorted(range(len(names)), key=lambda other: abs(other - position))
        stand_in[position] = next(other for other in neighbours if try_read(other))
    return Clip(
        pixels=np.stack([readable[stand_in.get(int(p), int(p))] for p in positions]),
        stand_ins=tuple(f"{unreadable[p]} {names[other]} stands in." for p, other in stand_in.items()),
    )
