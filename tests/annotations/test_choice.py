"""Which of several formats is read."""

from pathlib import Path

import pytest

from socal_core.annotations import coco, yolo
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset, Severity
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import found

HEADER = ",".join(layout.BOX_COLUMNS)
FRAME = "S100T1_frame_00000001.jpeg"
PIPES = f"{HEADER}\n{FRAME},2,5,12,20,suction\n".replace(",", "|")


@pytest.fixture
def sound(folder: Path) -> Dataset:
    """A data folder with its boxes as COCO beside the CSV."""
    data = open_dataset(folder)
    coco.write(data, folder)
    return data


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty-file"),
        (PIPES, "wrong-number-of-fields"),
        (f"{HEADER}\n", "frame-without-row"),
        ("frame,x1,y1\n", "missing-column"),
        ("S9T9_frame_1.jpeg,,,,,\n", "box-without-frame"),
    ],
)
def test_a_preferred_file_that_says_nothing_is_passed_over(sound: Dataset, content: str, code: str) -> None:
    (sound.root / layout.BOXES_FILE).write_text(content)
    data = open_dataset(sound.root)
    assert (data.box_format, data.box_formats, len(data.boxes)) == ("coco", ("csv", "coco"), len(sound.boxes))
    (problem,) = found(data, "box-format-without-boxes")
    assert (problem.severity, problem.path) == (Severity.WARNING, layout.BOXES_FILE)
    assert problem.parameters == {
        "preferred": "SOCAL CSV (socal.csv)",
        "used": "COCO JSON (annotations/instances.json)",
    }
    assert found(data, "several-box-formats") == []
    assert {problem.path for problem in found(data, code)} == {layout.BOXES_FILE}


@pytest.mark.slow
@pytest.mark.parametrize("content", [f"{FRAME},2,5,12,20,suction\n", f"{FRAME},,,,,\n"])
def test_a_preferred_file_that_says_something_is_read(sound: Dataset, content: str) -> None:
    (sound.root / layout.BOXES_FILE).write_text(content)
    data = open_dataset(sound.root)
    assert data.box_format == "csv"
    assert len(data.boxes) == content.count("suction")
    assert found(data, "box-format-without-boxes") == []
    (problem,) = found(data, "several-box-formats")
    assert problem.parameters == {"formats": "SOCAL CSV, COCO JSON", "used": "SOCAL CSV"}


def test_a_chosen_format_stays_chosen(sound: Dataset) -> None:
    (sound.root / layout.BOXES_FILE).write_text("")
    data = open_dataset(sound.root, OpenOptions(boxes="csv"))
    assert (data.box_format, len(data.boxes)) == ("csv", 0)
    assert [problem.code for problem in data.problems] == ["empty-file"]


def test_the_first_that_says_anything_is_taken(sound: Dataset) -> None:
    (sound.root / layout.BOXES_FILE).write_text("")
    (coco_file,) = (sound.root / "annotations").iterdir()
    coco_file.write_text('{"images": [], "annotations": [], "categories": []}')
    yolo.write(sound, sound.root)
    data = open_dataset(sound.root)
    assert (data.box_format, len(data.boxes)) == ("yolo", len(sound.boxes))
    (problem,) = found(data, "box-format-without-boxes")
    assert problem.parameters["used"] == "YOLO text files (labels)"


def test_where_none_says_anything_the_first_is_named(sound: Dataset) -> None:
    (sound.root / layout.BOXES_FILE).write_text("")
    (coco_file,) = (sound.root / "annotations").iterdir()
    coco_file.write_text('{"images": [], "annotations": [], "categories": []}')
    data = open_dataset(sound.root)
    assert data.box_format == "csv"
    assert data.boxes.empty
    assert len(found(data, "several-box-formats")) == 1
    assert found(data, "box-format-without-boxes") == []
