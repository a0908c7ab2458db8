"""Write drawn trials as a SOCAL folder in which file sizes are all the same."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.trial import Box, Trial
from socal_core.dataset import layout

Image = NDArray[np.uint8]
Frames = Iterator[tuple[Image, list[Box]]]

COMMENT = b"\xff\xfe"
LONGEST_COMMENT = 65533


def write_folder(out: Path, trials: list[Trial], draw: Callable[[Trial], Frames], file_bytes: int) -> None:
    """Write all frames and tables.

    Args:
        out: A folder that does not exist yet.
        trials: The trials in the order of the tables.
        draw: Yields the frames of a trial (BGR) and the boxes in each.
        file_bytes: Size of every JPEG, so that it carries no information.

    Raises:
        FileExistsError: `out` exists.
    """
    cv2.setNumThreads(1)
    images = out / layout.IMAGES_DIR
    out.mkdir(parents=True)
    images.mkdir()
    boxes: list[list[object]] = []
    mapping: list[list[object]] = []
    for trial in trials:
        for number, (image, found) in enumerate(draw(trial), start=1):
            name = f"{trial.trial_id}_frame_{number:08d}.jpeg"
            (images / name).write_bytes(encode(image, trial.quality, file_bytes))
            mapping.append([name, trial.trial_id, number])
            boxes += [[name, b.x1, b.y1, b.x2, b.y2, b.label] for b in found] or [[name, "", "", "", "", ""]]
    _write_table(out / layout.BOXES_FILE, None, boxes)
    _write_table(out / layout.MAPPING_FILE, layout.MAPPING_COLUMNS, mapping)
    _write_table(out / layout.OUTCOMES_FILE, layout.OUTCOME_COLUMNS, [_outcome(trial) for trial in trials])
    surgeons = [[101 + trial.surgeon, "NA", "NA", "NA"] for trial in trials if trial.number == 1]
    _write_table(out / layout.DEMOGRAPHICS_FILE, ("participant_id", *DEMOGRAPHICS), surgeons)


DEMOGRAPHICS = ("cohort", "specialty", "training_status")


def encode(image: Image, quality: int, file_bytes: int) -> bytes:
    """Encode a JPEG and pad it with a comment to exactly `file_bytes`; a lower quality where it would be larger."""
    while True:
        data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
        missing = file_bytes - len(data)
        if 4 <= missing <= LONGEST_COMMENT:
            # The comment goes right behind the two bytes that start every JPEG; its length counts its own two bytes.
            return data[:2] + COMMENT + (missing - 2).to_bytes(2, "big") + bytes(missing - 4) + data[2:]
        if quality <= 10:
            raise ValueError(f"a frame does not fit into {file_bytes} bytes")
        quality -= 5


def _outcome(trial: Trial) -> list[object]:
    """One row in the order of layout.OUTCOME_COLUMNS; times and blood loss follow from the outcome and chance alone."""
    rng = trial.rng(99)
    tth = int(rng.integers(120, 290)) if trial.success else 300
    loss = round(float(rng.lognormal(5.8 if trial.success else 6.6, 0.4)))
    participant = 101 + trial.surgeon
    cells: dict[str, object] = {"trial_id": trial.trial_id, "participant_id": participant, "tth": tth}
    cells |= {"success": int(trial.success), "blood_loss": loss}
    cells |= {"trial_video_width": trial.width, "trial_video_height": trial.height}
    return [cells.get(column, "NA") for column in layout.OUTCOME_COLUMNS]


def _write_table(path: Path, header: tuple[str, ...] | None, rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if header is not None:
            writer.writerow(header)
        writer.writerows(rows)
