"""Where the time of a clip goes, and what the machine could do at best. Part of benchmarks/clips.py."""

import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.clips_common import (
    CLIP_FRAMES,
    SIZE,
    THREADS,
    empty_workspace,
    milliseconds,
    preprocessor,
    settings,
    silent,
    table,
)
from socal_core.clips.fill import fill
from socal_core.clips.plan import ClipId, ClipPlan
from socal_core.clips.store import FrameStore, TrialFrames
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset

SAMPLE = 64
BATCH = 8
SECONDS = 1.0
FLOAT_BYTES = 4
BLOCK = 64 * 2**20
"""What one plain copy moves: more than a processor's cache holds."""


def measure_limits(root: Path, workspace: Path, cold: float) -> None:
    """Print the parts of a cold frame and of a cached clip; `cold`: clips a second measured for the first epoch."""
    dataset = open_dataset(root)
    with empty_workspace(workspace):
        print_cold(dataset, cold)
    with empty_workspace(workspace):
        print_cached(dataset)


def print_cold(dataset: Dataset, cold: float) -> None:
    """Milliseconds of each part of a frame that is decoded, one thread doing one thing at a time."""
    prepare = preprocessor()
    names = list(dataset.frames["frame"])[:SAMPLE]
    paths = [dataset.root / dataset.images_dir / name for name in names]
    contents = [np.frombuffer(path.read_bytes(), np.uint8) for path in paths]
    pictures = [dataset.read_frame(name) for name in names[:8]]
    shrunk = prepare.shrink(pictures[0])
    store = FrameStore(dataset.root, prepare.recipe, prepare.frame_shape)
    trial = TrialFrames("S100T1", tuple(names))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with store.in_use():
        parts = {
            "reading the file": milliseconds(Path.read_bytes, paths),
            "JPEG decoded at 1/8: entropy decoding, nearly": milliseconds(
                _decode(cv2.IMREAD_REDUCED_COLOR_8), contents
            ),
            "JPEG decoded in full": milliseconds(_decode(cv2.IMREAD_COLOR), contents),
            "a frame read, with all checks": milliseconds(dataset.read_frame, names),
            "resized and cropped": milliseconds(prepare.shrink, pictures * (SAMPLE // 8)),
            "written to the store": milliseconds(lambda i: store.write(trial, i, shrunk, None), range(len(names))),
        }
    torch.set_num_threads(before)
    total = sum(list(parts.values())[3:])
    rows = [["first epoch, one thread", "ms a frame", f"clips/s, {THREADS} threads"]]
    rows += [[name, f"{ms:.2f}", f"{_clips(ms):,.1f}"] for name, ms in parts.items()]
    rows.append(["the last three together", f"{total:.2f}", f"{_clips(total):,.1f}"])
    rows.append(["reached by the first epoch", f"{1000 * THREADS / cold / CLIP_FRAMES:.2f}", f"{cold:,.1f}"])
    table(rows)


def print_cached(dataset: Dataset) -> None:
    """Bytes a second of the store and of a plain copy; milliseconds of each part of a clip that is kept."""
    prepare = preprocessor()
    config = settings()
    plan = ClipPlan(dataset, config.clip, config.split.seed)
    trial_ids = [str(trial_id) for trial_id in dataset.usable_trials.index]
    store = FrameStore(dataset.root, prepare.recipe, prepare.frame_shape)
    clips = [(plan.visible(trial_id).trial, plan.indices_of(ClipId(trial_id))) for trial_id in trial_ids]
    shape = (CLIP_FRAMES, 3, SIZE, SIZE)
    size = int(np.prod(shape))
    with store.in_use():
        fill(dataset, prepare, store, plan.wanted(trial_ids, ()), lambda done, total: silent("", done, total))
        old = [np.ones(shape, np.uint8) for _ in range(THREADS)]

        def into_old(thread: int, number: int) -> None:
            store.read(*clips[number % len(clips)], old[thread])

        def into_new(thread: int, number: int) -> None:
            store.read(*clips[number % len(clips)], np.empty(shape, np.uint8))

        rows = [["later epochs, GB a second", "1 thread", f"{THREADS} threads"]]
        rows.append(["plain copy (np.copyto)", *_bandwidths(_plain_copy(), BLOCK)])
        rows.append(["plain copy into new memory", *_bandwidths(_fresh_copy(), BLOCK)])
        rows.append(["the store, into memory in use", *_bandwidths(into_old, size)])
        rows.append(["the store, into new memory", *_bandwidths(into_new, size)])
        table(rows)
        print_parts(store, clips[:BATCH])


def print_parts(store: FrameStore, clips: Sequence[tuple[TrialFrames, Sequence[int]]], repeats: int = 6) -> None:
    """Milliseconds of the parts of a batch of kept clips, for each clip of it; one thread, PyTorch with one too."""
    pixels = np.empty((len(clips), CLIP_FRAMES, *store.shape), np.uint8)
    tensor, prepare = torch.from_numpy(pixels), preprocessor()
    scaled = tensor.float() / 255

    def read(_: int) -> None:
        for clip, out in zip(clips, pixels, strict=True):
            store.read(*clip, out)

    again = range(repeats)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    parts = {
        "read from the store, checksum and all": milliseconds(read, again),
        "of it the checksum": milliseconds(lambda _: [zlib.crc32(f) for clip in pixels for f in clip], again),
        "bytes to model input, in memory in use": milliseconds(lambda _: prepare.model_input(tensor, scaled), again),
        "the same in two steps, in new memory": milliseconds(lambda _: prepare.normalise(tensor.float() / 255), again),
        "zeros written as floats into new memory": milliseconds(lambda _: torch.empty(scaled.shape).zero_(), again),
        "zeros written as floats into memory in use": milliseconds(lambda _: scaled.zero_(), again),
    }
    torch.set_num_threads(before)
    rows = [[f"later epochs, one thread, batch {len(clips)}", "ms a clip", "GB/s of float32"]]
    for name, ms in parts.items():
        rows.append([name, f"{ms / len(clips):.2f}", f"{pixels.size * FLOAT_BYTES / ms / 1e6:.1f}"])
    table(rows)


def _decode(flags: int) -> Callable[[NDArray[np.uint8]], object]:
    return lambda content: cv2.imdecode(content, flags)


def _clips(ms: float) -> float:
    return 1000 * THREADS / ms / CLIP_FRAMES


def _plain_copy() -> Callable[[int, int], None]:
    sources = [np.ones(BLOCK, np.uint8) for _ in range(THREADS)]
    targets = [np.zeros(BLOCK, np.uint8) for _ in range(THREADS)]
    return lambda thread, _: np.copyto(targets[thread], sources[thread])


def _fresh_copy() -> Callable[[int, int], None]:
    sources = [np.ones(BLOCK, np.uint8) for _ in range(THREADS)]
    return lambda thread, _: np.copyto(np.empty(BLOCK, np.uint8), sources[thread])


def _bandwidths(act: Callable[[int, int], None], size: int) -> list[str]:
    """GB a second of `act(thread, number)`, which moves `size` bytes, on one thread and on two."""

    def work(thread: int) -> int:
        count = 0
        while time.perf_counter() < deadline:
            act(thread, count)
            count += 1
        return count

    found = []
    for threads in (1, THREADS):
        with ThreadPoolExecutor(threads) as pool:
            started = time.perf_counter()
            deadline = started + SECONDS
            count = sum(pool.map(work, range(threads)))
            found.append(f"{count * size / (time.perf_counter() - started) / 1e9:.1f}")
    return found
