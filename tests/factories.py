"""Small synthetic data folders in the published layout, for tests that need something on disk."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from socal_core.dataset import layout


def write_dataset(
    root: Path,
    surgeons: int = 10,
    frames: int = 12,
    size: tuple[int, int] = (64, 48),
    seed: int = 0,
) -> Path:
    """Write two trials a surgeon, S100T1, S100T2, S101T1, …; successes are greenish, failures reddish.

    The trials of two surgeons in three end alike, so that both outcomes are common. Every frame has one suction box
    that moves to the right, every second frame also a grasper box. Nothing is wrong with the folder.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    images = root / layout.IMAGES_DIR
    images.mkdir(parents=True)
    boxes: list[list[object]] = []
    mapping: list[list[object]] = []
    outcomes: list[list[object]] = []
    for index in range(surgeons * 2):
        surgeon, number = 100 + index // 2, index % 2 + 1
        trial = f"S{surgeon}T{number}"
        success = int((surgeon + (number if surgeon % 3 == 0 else 0)) % 2 == 0)
        colour = np.array([60, 150, 60] if success else [150, 60, 60])
        outcomes.append([trial, surgeon, 20, 1, 30, success, 100, success, 250, width, height])
        for frame in range(frames):
            name = f"{trial}_frame_{frame + 1:08d}.jpeg"
            noise = rng.integers(-40, 40, (height, width, 3))
            Image.fromarray((colour + noise).astype(np.uint8)).save(images / name, quality=90)
            mapping.append([name, trial, frame + 1])
            boxes.append([name, 2 + frame, 5, 12 + frame, 20, "suction"])
            if frame % 2 == 0:
                boxes.append([name, 30, 10, 45, 30, "grasper"])
    write_csv(root / layout.BOXES_FILE, boxes)
    write_csv(root / layout.MAPPING_FILE, mapping, layout.MAPPING_COLUMNS)
    write_csv(root / layout.OUTCOMES_FILE, outcomes, layout.OUTCOME_COLUMNS)
    write_csv(
        root / layout.DEMOGRAPHICS_FILE,
        [[100 + s, "USC", "Neurosurgery", "Attending" if s % 2 else "Trainee"] for s in range(surgeons)],
        ("participant_id", "cohort", "specialty", "training_status"),
    )
    return root


def write_csv(path: Path, rows: list[list[object]], header: tuple[str, ...] | None = None) -> None:
    """Write rows as CSV, below a header where one is given."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if header is not None:
            writer.writerow(header)
        writer.writerows(rows)


def write_outcomes(folder: Path, **columns: list[object]) -> Path:
    """Write columns of the outcomes, new ones or in place of those of `write_dataset`, one value per trial."""
    outcomes = pd.read_csv(folder / layout.OUTCOMES_FILE, dtype=str).assign(**columns)
    outcomes.to_csv(folder / layout.OUTCOMES_FILE, index=False)
    return folder


def paint_trials(folder: Path, colours: Sequence[Sequence[float]]) -> None:
    """Give the frames of each trial a colour, (red, green, blue), with a little noise."""
    trials = pd.read_csv(folder / layout.OUTCOMES_FILE, dtype=str)["trial_id"]
    rng = np.random.default_rng(0)
    for trial, colour in zip(trials, colours, strict=True):
        for frame in sorted((folder / layout.IMAGES_DIR).glob(f"{trial}_frame_*")):
            noise = rng.integers(-20, 20, (48, 64, 3))
            Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(frame, quality=90)


def enlarge_frames(folder: Path) -> None:
    """Make every frame of a data folder so large that decoding all of them takes seconds."""
    large = folder.parent / "large.jpeg"
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    Image.fromarray(noise).save(large)
    for frame in (folder / layout.IMAGES_DIR).iterdir():
        frame.unlink()
        frame.hardlink_to(large)
    outcomes = pd.read_csv(folder / layout.OUTCOMES_FILE, dtype=str)
    outcomes["trial_video_width"], outcomes["trial_video_height"] = "2000", "1500"
    outcomes.to_csv(folder / layout.OUTCOMES_FILE, index=False)
