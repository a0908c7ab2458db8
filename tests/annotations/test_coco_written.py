"""COCO files that were written, and read again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socal_core import annotations as formats
from socal_core.annotations import coco
from socal_core.annotations.rows import BOX_DTYPES, KnownFrames
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from tests.annotations.coco_files import FILE, FRAME, two_trials
from tests.dataset.editing import found
from tests.factories import write_csv, write_dataset

folder = two_trials  # stands for the folder of tests/dataset/conftest.py here


def test_what_is_written_is_coco(folder: Path, tmp_path: Path) -> None:
    write_csv(
        folder / layout.BOXES_FILE,
        [[FRAME, 2, 5, 12, 20, "muscle", 9], [FRAME, 30, 10, 45, 30, "bipolar", ""]],
        (*layout.BOX_COLUMNS, "tracking_id"),
    )
    coco.write(open_dataset(folder), tmp_path)
    value = json.loads((tmp_path / FILE).read_text())
    assert list(value) == ["info", "licenses", "categories", "images", "annotations"]
    assert [(entry["id"], entry["name"]) for entry in value["categories"]] == list(
        enumerate([*layout.LABELS, "bipolar"], 1)
    )
    assert value["images"][0] == {"id": 1, "file_name": FRAME, "width": 64, "height": 48}
    assert [entry["id"] for entry in value["images"]] == list(range(1, 7))
    assert value["annotations"] == [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 5,
            "bbox": [2, 5, 10, 15],
            "area": 150,
            "iscrowd": 0,
            "attributes": {"track_id": 9},
        },
        {"id": 2, "image_id": 1, "category_id": 9, "bbox": [30, 10, 15, 20], "area": 300, "iscrowd": 0},
    ]


@st.composite
def box_rows(draw: st.DrawFn) -> list[list[object]]:
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        x1, y1 = draw(st.integers(0, 62)), draw(st.integers(0, 46))
        frame = f"S10{draw(st.integers(0, 1))}T1_frame_{draw(st.integers(1, 3)):08d}.jpeg"
        label = draw(st.sampled_from([*layout.LABELS, "fräse", "two words"]))
        track = draw(st.none() | st.integers(0, 10**9))
        rows.append([frame, x1, y1, draw(st.integers(x1 + 1, 64)), draw(st.integers(y1 + 1, 48)), label, track])
    return rows


@pytest.fixture(scope="module")
def plain_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return write_dataset(tmp_path_factory.mktemp("round") / "data", surgeons=2, frames=3)


@pytest.mark.slow
@settings(
    max_examples=settings().max_examples // 3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=box_rows())
def test_there_and_back(plain_folder: Path, rows: list[list[object]]) -> None:
    (plain_folder / FILE).unlink(missing_ok=True)
    (plain_folder / "annotations").mkdir(exist_ok=True)
    (plain_folder / "annotations").rmdir()
    write_csv(
        plain_folder / layout.BOXES_FILE, rows or [["S100T1_frame_00000001.jpeg"]], (*layout.BOX_COLUMNS, "tracking_id")
    )
    before = open_dataset(plain_folder)
    (plain_folder / layout.BOXES_FILE).unlink()
    coco.write(before, plain_folder)
    after = open_dataset(plain_folder)
    pd.testing.assert_frame_equal(before.boxes, after.boxes)
    assert {name: str(dtype) for name, dtype in after.boxes.dtypes.items()} == BOX_DTYPES
    assert not found(after, "frame-without-row")


def test_real_boxes_there_and_back(real_trials: Path, tmp_path: Path) -> None:
    before = open_dataset(real_trials)
    coco.write(before, tmp_path)
    data, log = DataFolder(tmp_path), ProblemLog()
    known = KnownFrames(before.frames, before.trials)
    rows = coco.read(data, coco.find(data), known, log)
    assert log.problems() == ()
    pd.testing.assert_frame_equal(formats.validate(rows, FILE, known, log), before.boxes)
    assert len(rows.without_tool) == len(before.frames) - before.boxes["frame"].nunique()
