"""How fast frames become the clips that a model is given, and where the limit lies.

    python -m benchmarks.clips [--repeats N] [--scale | --storage | --gpu]

The data: 24 trials of 20 frames of 1920x1080 in a temporary folder, all of it in the file system's cache. A clip has 16
frames spread evenly over its trial, 224x224. Reference: the notebook's way, written here: each frame opened by Pillow,
each clip through the model's image processor, a DataLoader with two worker processes. Its epoch is counted from asking
for the first batch, the workers having started and delivered before; ours from opening the clips with nothing kept, to
the last batch as float32 model input: the store is filled, each clip tried once, the epoch read. Ours has two reading
threads beside the main one. Every round measures all of them, one after the other, on the same files.

Beside it: memory of reading a set of SOCAL's size, and where the time goes. Instead of that: --scale, time a frame for
10^3 to 10^5 frames; --storage, ways to keep frames on disk; --gpu, how long a training step of VideoMAE base waits.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.clips_common import (
    CLIP_FRAMES,
    THREADS,
    empty_workspace,
    pictures,
    preprocessor,
    settings,
    silent,
    spread,
    table,
    write_trials,
)
from benchmarks.clips_gpu import measure_gpu
from benchmarks.clips_limits import measure_limits
from benchmarks.clips_size import measure_memory, measure_scale
from benchmarks.clips_storage import measure_storage
from socal_core.clips.loader import ClipReader, open_clips
from socal_core.clips.plan import ClipId
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset

TRIALS, FRAMES = 24, 20
PICTURES = 96
BATCH = 8
CACHED_EPOCHS = 20


def main() -> None:
    """Write the data, measure, print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--scale", action="store_true", help="time a frame for 10^3, 10^4 and 10^5 frames")
    only.add_argument("--storage", action="store_true", help="ways to keep frames on disk")
    only.add_argument("--gpu", action="store_true", help="the share of a training step that waits for clips")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clips-") as folder:
        scratch = Path(folder)
        if arguments.scale:
            measure_scale(scratch)
        elif arguments.gpu:
            measure_gpu(scratch, PICTURES)
        elif arguments.storage:
            measure_storage(scratch, pictures(scratch / "pictures", PICTURES))
        else:
            sources = pictures(scratch / "pictures", PICTURES)
            root = write_trials(scratch / "data", TRIALS * FRAMES, TRIALS, sources)
            speed = measure_speed(root, scratch / "workspace", arguments.repeats)
            print_speed(speed)
            print_errors(root)
            measure_memory(scratch, sources)
            measure_limits(root, scratch / "limits", statistics.median(speed.cold[False]))


@dataclass
class Speed:
    """Clips a second, one number a round."""

    reference: list[float] = field(default_factory=list)
    cold: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    """By whether JPEGs are decoded scaled."""
    cached: dict[int, list[float]] = field(default_factory=dict)
    """Model input on the CPU, by PyTorch's number of threads."""
    cached_bytes: list[float] = field(default_factory=list)


class NotebookClips(torch.utils.data.Dataset[torch.Tensor]):
    """The reference: every frame decoded anew, one clip after the other."""

    def __init__(self, dataset: Dataset) -> None:
        self._folder = dataset.root / dataset.images_dir
        self._trials = [list(names) for _, names in dataset.frames.groupby("trial_id", sort=False)["frame"]]
        self._processor = preprocessor().processor

    def __len__(self) -> int:
        return len(self._trials)

    def __getitem__(self, index: int) -> torch.Tensor:
        names = self._trials[index]
        chosen = np.linspace(0, len(names) - 1, CLIP_FRAMES).round().astype(int)
        frames = [Image.open(self._folder / names[i]).convert("RGB") for i in chosen]
        clip: torch.Tensor = self._processor(frames, return_tensors="pt")["pixel_values"][0]
        return clip


def measure_speed(root: Path, workspace: Path, repeats: int) -> Speed:
    """All ways of reading, round after round."""
    dataset = open_dataset(root)
    trial_ids = [str(trial_id) for trial_id in dataset.usable_trials.index]
    default = torch.get_num_threads()
    speed = Speed(cached={threads: [] for threads in sorted({1, default})})
    with empty_workspace(workspace), opened(dataset, trial_ids[:1]) as reader:
        read_epochs(reader, trial_ids[:1], 1, as_input=True)  # what is imported and set up at the first use
    for _ in range(repeats):
        speed.reference.append(reference_epoch(dataset))
        for scaled in (False, True):
            with empty_workspace(workspace):
                started = time.perf_counter()
                with opened(dataset, trial_ids, scaled_decoding=scaled) as reader:
                    read_epochs(reader, trial_ids, 1, as_input=True)
                    speed.cold[scaled].append(len(trial_ids) / (time.perf_counter() - started))
                    if scaled:
                        continue
                    for threads, found in speed.cached.items():
                        torch.set_num_threads(threads)
                        found.append(read_epochs(reader, trial_ids, CACHED_EPOCHS, as_input=True))
                    torch.set_num_threads(default)
                    speed.cached_bytes.append(read_epochs(reader, trial_ids, CACHED_EPOCHS, as_input=False))
    return speed


def reference_epoch(dataset: Dataset) -> float:
    """Clips a second of the notebook's way, over one epoch."""
    clips = NotebookClips(dataset)
    order: list[int] = list(range(THREADS))
    loader = torch.utils.data.DataLoader(
        clips, batch_size=BATCH, sampler=order, num_workers=THREADS, persistent_workers=True
    )
    for _ in loader:
        pass  # the workers have started
    order[:] = range(len(clips))
    started = time.perf_counter()
    count = sum(len(batch) for batch in loader)
    return count / (time.perf_counter() - started)


@contextmanager
def opened(dataset: Dataset, trial_ids: list[str], **changes: Any) -> Iterator[ClipReader]:
    """A reader of these trials as the training opens it."""
    with open_clips(dataset, settings(**changes), preprocessor(), trial_ids, trial_ids, silent) as reader:
        yield reader


def read_epochs(reader: ClipReader, trial_ids: list[str], epochs: int, as_input: bool) -> float:
    """Clips a second of some epochs, as float32 model input or as the bytes that a GPU is sent."""
    clips = [ClipId(trial_id, epoch) for epoch in range(1, epochs + 1) for trial_id in trial_ids]
    batches = [clips[i : i + BATCH] for i in range(0, len(clips), BATCH)]
    started = time.perf_counter()
    inputs = torch.empty((BATCH, *reader.shape))
    for pixels in reader.batches(batches):
        if as_input:
            reader.preprocessor.model_input(pixels, inputs[: len(pixels)])
    return len(clips) / (time.perf_counter() - started)


def print_speed(speed: Speed) -> None:
    """The table of clips a second, each round's ratio to the reference of the same round."""

    def row(name: str, found: list[float], asked: str) -> list[str]:
        ratios = [ours / theirs for ours, theirs in zip(found, speed.reference, strict=True)]
        return [name, spread(found), spread(ratios, 2), asked]

    rows = [
        [f"{TRIALS} clips of {CLIP_FRAMES} frames, batch {BATCH}", "clips/s (range)", "x reference (range)", "asked"],
        row(f"reference: Pillow, processor, {THREADS} workers", speed.reference, ""),
        row("first epoch, exact", speed.cold[False], ">= 1.8 x"),
        row("first epoch, scaled decoding", speed.cold[True], ">= 2.5 x"),
    ]
    for threads, found in speed.cached.items():
        rows.append(row(f"later epochs, float32 input, torch threads: {threads}", found, ">= 80 x, >= 300/s"))
    rows.append(row("later epochs, as bytes for a GPU", speed.cached_bytes, ""))
    table(rows)


def print_errors(root: Path) -> None:
    """How far the frames are from those of the model's own processor."""
    dataset = open_dataset(root)
    names = list(dataset.frames["frame"])[:PICTURES]
    exact, scaled = preprocessor(), preprocessor(scaled=True)
    processor = exact.processor
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (processor.image_mean, processor.image_std))
    rows = [[f"{len(names)} frames against the processor, grey levels", "max", "mean", "asked"]]
    errors: dict[str, list[np.ndarray[Any, Any]]] = {"exact": [], "scaled decoding": []}
    for name in names:
        with Image.open(root / dataset.images_dir / name) as picture:
            output = processor([picture.convert("RGB")], return_tensors="np")["pixel_values"][0, 0]
        wanted = (output * std + mean) * 255
        for kind, ours in zip(errors, (exact, scaled), strict=True):
            errors[kind].append(np.abs(ours.read(dataset, name) - wanted))
    for kind, found in errors.items():
        largest, average = max(error.max() for error in found), np.mean([error.mean() for error in found])
        rows.append([kind, f"{largest:.2f}", f"{average:.4f}", "max <= 1" if kind == "exact" else "stated"])
    table(rows)


if __name__ == "__main__":
    main()
