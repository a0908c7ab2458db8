"""Which frames of a trial make its clip, and in which order an epoch goes through the trials: pure functions."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def clip_positions(available: int, num_frames: int) -> NDArray[np.int64]:
    """Positions 0 … available-1 of a clip's frames, evenly spread, first and last included; shape (num_frames,).

    With fewer frames than the clip needs, frames repeat evenly: the same rule, and no chance in it.
    """
    if available < 1 or num_frames < 1:
        raise ValueError(f"available and num_frames must be at least 1, got {available} and {num_frames}")
    return np.linspace(0, available - 1, num_frames).round().astype(np.int64)


def draw_seed(*parts: object) -> int:
    """A seed for one random draw, fixed by what it is for, such as (seed, epoch, trial_id); 0 … 2^63 - 1.

    Chance that depends on nothing else makes a resumed run, and any number of workers, draw the same.
    """
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def epoch_batches(trial_ids: Sequence[str], batch_size: int, seed: int, epoch: int) -> list[list[str]]:
    """The trials of one epoch in a random order fixed by (seed, epoch), cut into batches; the last may be smaller."""
    order = np.random.default_rng(draw_seed(seed, epoch, "order")).permutation(len(trial_ids))
    shuffled = [trial_ids[i] for i in order]
    return [shuffled[i : i + batch_size] for i in range(0, len(shuffled), batch_size)]
