"""Functions that the measurements of clips have in common: data folders of large frames, settings, lines of tables."""

import io
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from benchmarks.open_dataset import settle, write_folder
from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset import layout
from socal_core.demo.scene import Scene
from socal_core.demo.simulate import simulate_trials
from socal_core.settings import TINY, TrainConfig, default_config

REPOSITORY = Path(__file__).resolve().parents[1]
REAL_FRAMES = REPOSITORY.parent / "shared/data/real-trials" / layout.IMAGES_DIR
LARGE = (1920, 1080)
QUALITY = 90
NOISE = 4.0
"""Standard deviation of the added sensor noise in grey levels, since enlarged pictures are smoother than real ones."""
SIZE = 224
CLIP_FRAMES = 16
THREADS = 2


def pictures(folder: Path, count: int) -> list[Path]:
    """Write `count` different JPEGs of 1920x1080, from real frames if they are present, otherwise from the demo."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).normal(0, NOISE, (LARGE[1], LARGE[0], 3)).astype(np.float32)
    chance = np.random.default_rng(1)
    rolls = chance.integers(1, LARGE[1], count)

    def write(index: int, picture: Image.Image) -> Path:
        clean = np.asarray(picture.resize(LARGE, Image.Resampling.BICUBIC), np.float32)
        noisy = np.clip(clean + np.roll(noise, rolls[index], axis=0), 0, 255).astype(np.uint8)
        path = folder / f"{index:04d}.jpeg"
        Image.fromarray(noisy).save(path, quality=QUALITY)
        return path

    with ThreadPoolExecutor(THREADS) as pool:
        written = list(pool.map(write, range(count), _sources(count)))
    size = statistics.mean(path.stat().st_size for path in written)
    kind = "real frames, enlarged" if REAL_FRAMES.is_dir() else "rendered frames"
    print(
        f"{count} pictures of {LARGE[0]}x{LARGE[1]}: {kind}, noise added; {size / 1e3:.0f} kB each (quality {QUALITY})"
    )
    return written


def _sources(count: int) -> Iterator[Image.Image]:
    """Yield RGB pictures."""
    if REAL_FRAMES.is_dir():
        files = sorted(REAL_FRAMES.iterdir())
        for index in range(count):
            with Image.open(files[index * len(files) // count]) as picture:
                yield picture.convert("RGB")
        return
    trial = replace(simulate_trials(1, 0)[0], width=LARGE[0], height=LARGE[1])
    scene = Scene(trial)
    for index in range(count):
        yield Image.fromarray(cv2.cvtColor(scene.render(index % trial.frames)[0], cv2.COLOR_BGR2RGB))


def write_trials(root: Path, frames: int, trial_count: int, sources: Sequence[Path]) -> Path:
    """Write a data folder without boxes, whose frames are hard links to the pictures in turn."""
    write_folder(root, frames, 0, trial_count)
    for index, path in enumerate(sorted((root / layout.IMAGES_DIR).iterdir())):
        path.unlink()
        path.hardlink_to(sources[index % len(sources)])
    settle(root)
    return root


def small_picture(path: Path, size: tuple[int, int]) -> Path:
    """Write one small JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (size[1] // 4, size[0] // 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(path, quality=QUALITY)
    return path


def settings(**changes: Any) -> TrainConfig:
    """Create the settings of a run: 16 frames from the whole trial, two reading threads."""
    chosen = {"window": "whole", "num_frames": CLIP_FRAMES, "num_workers": THREADS, **changes}
    return default_config(TINY).replace(recipe="finetune", **chosen)


def preprocessor(size: int = SIZE, scaled: bool = False) -> Preprocessor:
    """Return the preprocessing of the published VideoMAE models."""
    return replace(Preprocessor.for_size(size), scaled=scaled)


@contextmanager
def empty_workspace(folder: Path) -> Iterator[Path]:
    """Use an empty workspace within a `with` block, and remove it at the end."""
    before = os.environ.get("SOCAL_WORKSPACE")
    shutil.rmtree(folder, ignore_errors=True)
    os.environ["SOCAL_WORKSPACE"] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop("SOCAL_WORKSPACE")
        if before is not None:
            os.environ["SOCAL_WORKSPACE"] = before
        shutil.rmtree(folder, ignore_errors=True)


def silent(what: str, done: int, total: int) -> None:
    """Ignore progress."""


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Format the median and range of values."""
    middle = f"{statistics.median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the header first, with the first column left-aligned and the others right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    print(flush=True)


def milliseconds(act: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Measure the median time of a call in milliseconds."""
    taken = []
    for item in items:
        started = time.perf_counter()
        act(item)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e3


def encoded(picture: Image.Image, **options: Any) -> bytes:
    """Encode a picture as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, **options)
    return file.getvalue()
