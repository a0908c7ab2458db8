"""COCO files for the tests of their reader, and the folder that they are put into."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from socal_core.annotations import coco
from socal_core.annotations.rows import BoxRows, KnownFrames
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import ProblemLog
from tests.factories import write_dataset

FILE = "annotations/instances.json"
FRAME = "S100T1_frame_00000001.jpeg"


@pytest.fixture
def two_trials(tmp_path: Path) -> Path:
    """Two trials of three frames."""
    return write_dataset(tmp_path / "data", surgeons=1, frames=3)


def content(**changes: Any) -> dict[str, Any]:
    """Two images, the second without a tool, one box and one class."""
    return {
        "categories": [{"id": 1, "name": "Grasper"}],
        "images": [
            {"id": 7, "file_name": FRAME, "width": 64, "height": 48},
            {"id": 8, "file_name": "S100T1_frame_00000002.jpeg"},
        ],
        "annotations": [annotation()],
    } | changes


def annotation(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 5, 20, 15], "iscrowd": 0} | changes


def place(folder: Path, value: object, name: str = FILE) -> None:
    """Put a COCO file in place of the folder's CSV."""
    (folder / layout.BOXES_FILE).unlink(missing_ok=True)
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())


def read_rows(folder: Path, frames: list[str]) -> tuple[BoxRows, ProblemLog, list[str]]:
    """What the reader itself gives for a folder whose frames are these."""
    table = pd.DataFrame({"frame": frames, "trial_id": "S1T1", "position": range(len(frames))})
    trials = pd.DataFrame({"width": [pd.NA], "height": [pd.NA]}, index=["S1T1"], dtype="Int64")
    data, log = DataFolder(folder), ProblemLog()
    files = coco.find(data)
    return coco.read(data, files, KnownFrames(table, trials), log), log, files
