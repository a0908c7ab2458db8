"""Memory of reading a large set, and the cost of a frame as the set grows. Part of benchmarks/clips.py."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.clips_common import (
    REPOSITORY,
    THREADS,
    empty_workspace,
    preprocessor,
    settings,
    silent,
    small_picture,
    table,
    write_trials,
)
from benchmarks.open_dataset import SOCAL_FRAMES
from socal_core.clips.fill import all_frames, cache_status, fill
from socal_core.clips.loader import ClipReader
from socal_core.clips.plan import ClipId, ClipPlan
from socal_core.clips.store import FrameStore
from socal_core.dataset.opening import open_dataset

SOCAL_TRIALS = 147
LARGE_LINKS = 24
"""Pictures of the large set: what its files hold plays no part in the memory."""
SCALE = (1_000, 10_000, 100_000)
ONE_TRIAL = (1_000, 10_000)
"""Numbers of frames that are also put into a single trial: nearly three hours are more than any."""
SCALE_PICTURE, SCALE_SIZE = (64, 36), 64
SCALE_TRIAL = 200
"""Frames of a trial there; SOCAL's mean is 214."""
CLIPS_READ = 2000

PEAK = """
from pathlib import Path
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) / 1024)
"""
IMPORTS = """
import cv2
import torch
from socal_core.clips.loader import open_clips
from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.opening import open_dataset
"""
OPEN = """
import sys
from pathlib import Path
dataset = open_dataset(Path(sys.argv[1]))
"""
READ = """
from benchmarks.clips_common import preprocessor, settings, silent
from socal_core.clips.plan import ClipId
trial_ids = [str(trial_id) for trial_id in dataset.usable_trials.index]
with open_clips(dataset, settings(batch_size=8), preprocessor(), trial_ids, trial_ids, silent) as reader:
    inputs = torch.empty((8, *reader.shape))
    for epoch in (1, 2):
        clips = [ClipId(trial_id, epoch) for trial_id in trial_ids]
        for pixels in reader.batches([clips[i : i + 8] for i in range(0, len(clips), 8)]):
            if sys.argv[2] == "input":
                reader.preprocessor.model_input(pixels, inputs[: len(pixels)])
"""


def measure_memory(scratch: Path, sources: list[Path]) -> None:
    """The peak memory of processes that read every trial of a set of SOCAL's size twice, and of one that imports."""
    root = write_trials(scratch / "large", SOCAL_FRAMES, SOCAL_TRIALS, sources[:LARGE_LINKS])
    rows = [[f"{SOCAL_TRIALS} trials, {SOCAL_FRAMES:,} frames, batch 8, {THREADS} threads", "peak MB", "asked"]]
    for name, script, kind, asked in (
        ("imports alone", IMPORTS, "", ""),
        ("the data set opened", IMPORTS + OPEN, "", ""),
        ("cold and cached epoch, as bytes", IMPORTS + OPEN + READ, "bytes", "< 700"),
        ("cold and cached epoch, as float32 input", IMPORTS + OPEN + READ, "input", "< 700"),
    ):
        with empty_workspace(scratch / "workspace"):
            rows.append([name, f"{_peak(script, root, kind):,.0f}", asked])
    shutil.rmtree(root)
    table(rows)


def _peak(script: str, root: Path, kind: str) -> float:
    """Peak of the resident memory of a new process that runs a script, in MB."""
    command = [sys.executable, "-c", script + PEAK, str(root), kind]
    done = subprocess.run(command, cwd=REPOSITORY, env=os.environ, check=True, capture_output=True, text=True)
    return float(done.stdout)


def measure_scale(scratch: Path) -> None:
    """Microseconds of each step for 10^3 to 10^5 frames: trials of the usual length, and all in one trial."""
    picture = small_picture(scratch / "picture.jpeg", SCALE_PICTURE)
    copies = [shutil.copy(picture, scratch / f"{index}.jpeg") for index in range(4)]  # ext4 allows 65,000 links to one
    sources = [Path(copy) for copy in copies]
    print(f"JPEGs of {SCALE_PICTURE[0]}x{SCALE_PICTURE[1]}, kept at {SCALE_SIZE} px, {THREADS} threads")
    rows = [["frames, trials", "planning", "filling", "status, all kept", "reading clips", "a clip, ms"]]
    for frames, trials in [*((n, n // SCALE_TRIAL) for n in SCALE), *((n, 1) for n in ONE_TRIAL)]:
        root = write_trials(scratch / "data", frames, trials, sources)
        with empty_workspace(scratch / "workspace"):
            rows.append([f"{frames:,} in {trials}", *_scale_row(root)])
        shutil.rmtree(root)
    print("microseconds a frame; planning is that of a run with drawn clips, which wants every frame")
    table(rows)


def _scale_row(root: Path) -> list[str]:
    dataset, prepare = open_dataset(root), preprocessor(SCALE_SIZE)
    config = settings(sampling="segments")
    trial_ids = [str(trial_id) for trial_id in dataset.usable_trials.index]
    frames = len(dataset.frames)
    store = FrameStore(dataset.root, prepare.recipe, prepare.frame_shape)
    with store.in_use():
        wanted = all_frames(dataset)
        planning = _seconds(lambda: ClipPlan(dataset, config.clip, config.split.seed).wanted(trial_ids, trial_ids))
        filling = _seconds(lambda: fill(dataset, prepare, store, wanted, lambda done, total: silent("", done, total)))
        status = _seconds(lambda: cache_status(dataset, store, wanted))
        reader = ClipReader(dataset, config, prepare, store)
        reader.plan.wanted(trial_ids, trial_ids)  # measured above
        epochs = max(1, CLIPS_READ // len(trial_ids))
        clips = [ClipId(trial_id, epoch) for epoch in range(1, epochs + 1) for trial_id in trial_ids]
        batches = [clips[i : i + 8] for i in range(0, len(clips), 8)]
        reading = _seconds(lambda: [None for _ in reader.batches(batches)])
    read_frames = len(clips) * config.clip.num_frames
    micro = [planning / frames, filling / frames, status / frames, reading / read_frames]
    return [*(f"{seconds * 1e6:,.1f}" for seconds in micro), f"{reading / len(clips) * 1e3:.2f}"]


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
