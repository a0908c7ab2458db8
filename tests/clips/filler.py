"""Processes that fill a store, for the tests of what a kill and a full disk leave: `python -m tests.clips.filler …`.

kill DATA ROUNDS SEED    in each round a child fills the store and is killed at a random moment, then every frame
                         of the store is compared with what decoding gives; prints what was found as JSON
fill DATA                fill the store once, print what came of it as JSON
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from socal_core.clips.clip_cache import remove_store
from socal_core.clips.fill import Wanted, all_frames, cache_status, fill
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.store import FrameStore
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset

PREPROCESSOR = Preprocessor.for_size(64)


def fill_once(dataset: Dataset, store: FrameStore, wanted: Wanted) -> str:
    with store.in_use():
        return fill(dataset, PREPROCESSOR, store, wanted, lambda done, total: None).note


def wrong_frames(store: FrameStore, wanted: Wanted, truth: dict[str, np.ndarray]) -> tuple[int, int]:
    """Return how many frames the store contains, and how many of them are wrong."""
    given = wrong = 0
    for trial, indices in wanted:
        out = np.zeros((len(indices), *store.shape), np.uint8)
        found = store.read(trial, indices, out)
        given += int(found.sum())
        wrong += sum(not np.array_equal(out[i], truth[trial.frames[indices[i]]]) for i in np.flatnonzero(found))
    return given, wrong


def kill(data: Path, rounds: int, seed: int) -> dict[str, object]:
    dataset = open_dataset(data)
    wanted = all_frames(dataset)
    truth = {name: PREPROCESSOR.read(dataset, name) for trial, _ in wanted for name in trial.frames}
    store = FrameStore(dataset.root, PREPROCESSOR.recipe, PREPROCESSOR.frame_shape)
    started = time.perf_counter()
    fill_once(dataset, store, wanted)
    whole_fill = time.perf_counter() - started
    remove_store(store.folder)
    chance = random.Random(seed)
    frames, wrong, killed = [], 0, 0
    for _ in range(rounds):
        child = os.fork()
        if child == 0:
            fill_once(dataset, store, wanted)
            os._exit(0)
        time.sleep(chance.random() * 0.8 * whole_fill)
        os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        given, bad = wrong_frames(store, wanted, truth)
        frames.append(given)
        wrong += bad
        if given == len(truth):
            remove_store(store.folder)
    note = fill_once(dataset, store, wanted)
    given, bad = wrong_frames(store, wanted, truth)
    return {"killed": killed, "frames": frames, "wrong": wrong + bad, "of": len(truth), "end": given, "note": note}


def main(arguments: list[str]) -> dict[str, object]:
    # Children are forked: they must not inherit the locks of threads that are not there.
    torch.set_num_threads(1)
    if arguments[0] == "kill":
        return kill(Path(arguments[1]), int(arguments[2]), int(arguments[3]))
    dataset = open_dataset(arguments[1])
    wanted = all_frames(dataset)
    store = FrameStore(dataset.root, PREPROCESSOR.recipe, PREPROCESSOR.frame_shape)
    note = fill_once(dataset, store, wanted)
    truth = {name: PREPROCESSOR.read(dataset, name) for trial, _ in wanted for name in trial.frames}
    given, wrong = wrong_frames(store, wanted, truth)
    complete = cache_status(dataset, store, wanted).complete
    return {"note": note, "frames": given, "wrong": wrong, "of": len(truth), "complete": complete}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])) + "\n")
