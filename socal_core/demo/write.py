"""Write the demo data set: render all trials, and rename the folder when it is complete."""

import csv
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2

from socal_core.dataset import layout
from socal_core.demo import tables
from socal_core.demo.scene import Box, Scene
from socal_core.demo.simulate import Trial, simulate_trials
from socal_core.demo.tissue import Image
from socal_core.errors import ConfigError, DataError
from socal_core.file_handles import os_reason
from socal_core.storage import new_folder

logger = logging.getLogger(__name__)

FEWEST_SURGEONS = 4
JPEG_SETTINGS = (cv2.IMWRITE_JPEG_QUALITY, 35, cv2.IMWRITE_JPEG_OPTIMIZE, 1)
"""About 6 kB per frame, so forty surgeons take less than 60 MB, even on a disk with blocks of 4 kB."""


@dataclass(frozen=True)
class WrittenTrial:
    """The frames of one trial that have been written."""

    names: list[str]
    """File name of each frame."""
    boxes: list[list[Box]]
    """Boxes of each frame."""


def write_demo(
    out: Path, surgeons: int = 40, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write the synthetic data set. The same seed gives the same bytes in every file.

    The bytes do not depend on the number of cores, but another kind of processor or version of OpenCV may round
    differently.

    Args:
        out: A folder that does not exist or is empty. It appears when all files are written, but not after an error.
        surgeons: Number of surgeons, with two trials each.
        seed: Seed of all random numbers.
        progress: Called in the caller's thread with the number of finished trials and of all trials.

    Returns:
        `out`.

    Raises:
        ConfigError: There are too few surgeons, or the seed is negative.
        DataError: `out` is not empty, or cannot be read or written.
    """
    if surgeons < FEWEST_SURGEONS:
        raise ConfigError("surgeons", f"must be at least {FEWEST_SURGEONS}", surgeons)
    if seed < 0:
        raise ConfigError("seed", "must not be negative", seed)
    _refuse_occupied(out)
    trials = simulate_trials(surgeons, seed)
    try:
        target = out.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(target) as folder:
            _write_folder(folder, trials, seed, progress)
    except OSError as error:
        raise DataError(
            f"The demo cannot be written to {out} ({os_reason(error)}). "
            "Choose a folder that you may write to, on a disk with 100 MB of free space."
        ) from error
    logger.info("Wrote the demo data set: %d trials", len(trials))
    return out


def _refuse_occupied(out: Path) -> None:
    try:
        occupied = out.exists() and (not out.is_dir() or any(out.iterdir()))
    except OSError as error:
        raise DataError(f"The folder {out} cannot be read ({os_reason(error)}). Choose another folder.") from error
    if occupied:
        raise DataError(f"{out} exists and is not an empty folder. Nothing in it was changed; choose another name.")


def _write_folder(folder: Path, trials: list[Trial], seed: int, progress: Callable[[int, int], None] | None) -> None:
    """Write all files of the demo into a new folder."""
    (folder / layout.IMAGES_DIR).mkdir()
    faults = tables.Faults.of(trials)
    written = _render_trials(folder / layout.IMAGES_DIR, trials, faults, progress)
    mapping: list[tables.Row] = []
    boxes: list[tables.Row] = []
    tracks: list[tables.Row] = []
    for trial, result in zip(trials, written, strict=True):
        mapping += [[name, trial.trial_id, number] for number, name in enumerate(result.names, start=1)]
        boxes += tables.box_rows(result.names, result.boxes)
        tracks += tables.track_rows(result.names, result.boxes)
    _write_csv(folder / layout.BOXES_FILE, None, boxes)
    _write_csv(folder / layout.TRACKS_FILE, layout.TRACK_COLUMNS, tracks)
    _write_csv(folder / layout.MAPPING_FILE, layout.MAPPING_COLUMNS, mapping)
    _write_csv(folder / layout.OUTCOMES_FILE, layout.OUTCOME_COLUMNS, tables.outcome_rows(trials, faults))
    _write_csv(folder / layout.DEMOGRAPHICS_FILE, tables.DEMOGRAPHIC_COLUMNS, tables.demographic_rows(trials))
    (folder / tables.README).write_text(tables.readme_text(trials, faults, seed), encoding="utf-8")


def _render_trials(
    folder: Path, trials: list[Trial], faults: tables.Faults, progress: Callable[[int, int], None] | None
) -> list[WrittenTrial]:
    """Render and write all trials, several in parallel.

    Threads are enough, since nearly all the time is spent in OpenCV, which releases the GIL. Processes would import the
    caller's main module again, which under Streamlit is the app.
    """
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        with _single_threaded_opencv():
            futures = [pool.submit(_render_trial, folder, trial, faults) for trial in trials]
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if progress is not None:
                    progress(done, len(trials))
            return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    """Turn off the threads of OpenCV, since each core already renders a trial."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _render_trial(folder: Path, trial: Trial, faults: tables.Faults) -> WrittenTrial:
    """Render and write the frames of one trial."""
    names = tables.frame_names(trial, split=trial.trial_id == faults.split_trial)
    scene = Scene(trial)
    boxes = []
    for second, name in enumerate(names):
        image, found = scene.render(second)
        data = encode_jpeg(image)
        (folder / name).write_bytes(data[: len(data) // 2] if name == faults.broken_frame else data)
        boxes.append(found)
    return WrittenTrial(names, boxes)


def encode_jpeg(image: Image) -> bytes:
    """Encode a frame, BGR uint8 (height, width, 3), as the bytes of its file."""
    return cv2.imencode(".jpg", image, JPEG_SETTINGS)[1].tobytes()


def _write_csv(path: Path, header: tuple[str, ...] | None, rows: list[tables.Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if header is not None:
            writer.writerow(header)
        writer.writerows(rows)
