"""Write the demo data set: draw every trial, and move the folder into place when it is complete."""

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
from socal_core.storage import new_folder

logger = logging.getLogger(__name__)

FEWEST_SURGEONS = 4
JPEG_SETTINGS = (cv2.IMWRITE_JPEG_QUALITY, 35, cv2.IMWRITE_JPEG_OPTIMIZE, 1)
"""About 6 kB a frame: forty surgeons take under 60 MB, also when a file is rounded up to whole blocks of 4 kB."""


@dataclass(frozen=True)
class Drawn:
    """The frames of one trial that lie on disk."""

    names: list[str]
    boxes: list[list[Box]]


def write_demo(
    out: Path, surgeons: int = 40, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write the synthetic data set to `out` and return it; the same seed gives the same bytes in every file.

    The bytes do not depend on the number of cores; another kind of processor or version of OpenCV may round otherwise.
    out: a folder that is absent or empty; it appears when all is written, and not at all after a failure.
    progress: called in the caller's thread with (trials done, trials in all).
    Raises ConfigError for a refused setting and DataError when the folder cannot be written.
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
            f"The demo cannot be written to {out} ({error.strerror or error}). "
            "Choose a folder that you may write to, on a disk with 100 MB to spare."
        ) from error
    logger.info("Wrote the demo data set: %d trials", len(trials))
    return out


def _refuse_occupied(out: Path) -> None:
    try:
        occupied = out.exists() and (not out.is_dir() or any(out.iterdir()))
    except OSError as error:
        raise DataError(f"The folder {out} cannot be read ({error.strerror}). Choose another.") from error
    if occupied:
        raise DataError(f"{out} exists and is not an empty folder. Choose a new name; nothing there was changed.")


def _write_folder(folder: Path, trials: list[Trial], seed: int, progress: Callable[[int, int], None] | None) -> None:
    """All files of the demo, in a new folder."""
    (folder / layout.IMAGES_DIR).mkdir()
    faults = tables.Faults.of(trials)
    drawn = _draw_trials(folder / layout.IMAGES_DIR, trials, faults, progress)
    mapping: list[tables.Row] = []
    boxes: list[tables.Row] = []
    tracks: list[tables.Row] = []
    for trial, result in zip(trials, drawn, strict=True):
        mapping += [[name, trial.trial_id, number] for number, name in enumerate(result.names, start=1)]
        boxes += tables.box_rows(result.names, result.boxes)
        tracks += tables.track_rows(result.names, result.boxes)
    _write_csv(folder / layout.BOXES_FILE, None, boxes)
    _write_csv(folder / layout.TRACKS_FILE, layout.TRACK_COLUMNS, tracks)
    _write_csv(folder / layout.MAPPING_FILE, layout.MAPPING_COLUMNS, mapping)
    _write_csv(folder / layout.OUTCOMES_FILE, layout.OUTCOME_COLUMNS, tables.outcome_rows(trials, faults))
    _write_csv(folder / layout.DEMOGRAPHICS_FILE, tables.DEMOGRAPHIC_COLUMNS, tables.demographic_rows(trials))
    (folder / "README.txt").write_text(tables.readme_text(trials, faults, seed), encoding="utf-8")


def _draw_trials(
    folder: Path, trials: list[Trial], faults: tables.Faults, progress: Callable[[int, int], None] | None
) -> list[Drawn]:
    """Draw all trials, several at once.

    Threads and not processes: nearly all the time goes into OpenCV, which lets other threads run, and a process would
    import the caller's main module again, which under Streamlit is the app.
    """
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        with _one_thread_each():
            futures = [pool.submit(_draw_trial, folder, trial, faults) for trial in trials]
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if progress is not None:
                    progress(done, len(trials))
            return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """OpenCV without threads of its own, as all cores draw a trial each."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _draw_trial(folder: Path, trial: Trial, faults: tables.Faults) -> Drawn:
    """Write the frames of one trial."""
    names = tables.frame_names(trial, split=trial.trial_id == faults.split_trial)
    scene = Scene(trial)
    boxes = []
    for second, name in enumerate(names):
        image, found = scene.draw(second)
        data = encode_jpeg(image)
        (folder / name).write_bytes(data[: len(data) // 2] if name == faults.broken_frame else data)
        boxes.append(found)
    return Drawn(names, boxes)


def encode_jpeg(image: Image) -> bytes:
    """A frame (BGR) as the bytes of its file."""
    return cv2.imencode(".jpg", image, JPEG_SETTINGS)[1].tobytes()


def _write_csv(path: Path, header: tuple[str, ...] | None, rows: list[tables.Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if header is not None:
            writer.writerow(header)
        writer.writerows(rows)
