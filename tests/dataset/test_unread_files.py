"""Files that look as if they should be read: other versions of tables, and annotations of other tools."""

import json
from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from tests.annotations.matching_files import annotate, frames
from tests.dataset.editing import found, put

FRAME = "S102T1_frame_00000001.jpeg"
OUTCOMES = layout.OUTCOMES_FILE.removesuffix(".csv")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return frames(tmp_path, FRAME)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        (f"{OUTCOMES} (1).csv", layout.OUTCOMES_FILE),
        (f"{OUTCOMES} - Kopie.csv", layout.OUTCOMES_FILE),
        (f"{OUTCOMES}_v2.csv", layout.OUTCOMES_FILE),
        (f"{OUTCOMES}.xlsx", layout.OUTCOMES_FILE),
        ("socal(2).csv", layout.BOXES_FILE),
        ("SOCAL_old.CSV", layout.BOXES_FILE),
        ("frame_to_trial_mapping.ods", layout.MAPPING_FILE),
    ],
)
def test_another_version_of_a_table_is_reported(root: Path, name: str, table: str) -> None:
    (problem,) = found(open_dataset(put(root, {name: "a,b\n"})), "other-version")
    assert (problem.path, problem.parameters["table"]) == (name, table)


@pytest.mark.parametrize("name", [layout.OUTCOMES_FILE, "socal_notes.csv", "socal_readme.txt", "outcomes (1).csv"])
def test_other_files_are_not_reported(root: Path, name: str) -> None:
    assert not found(open_dataset(put(root, {name: "a,b\n"})), "other-version")


SHAPES = {"shapes": [{"label": "suction", "shape_type": "rectangle", "points": [[1, 1], [9, 9]]}], "imagePath": FRAME}
REGIONS = {"assets": {"1": {"asset": {"name": FRAME}, "regions": []}}}
TASKS = [{"annotations": [{"result": [{"original_width": 64}]}]}]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("path", "text", "tool"),
    [
        (f"JPEGImages/{FRAME[:-5]}.json", json.dumps(SHAPES), "LabelMe's JSON"),
        (f"annotations/{FRAME[:-5]}.json", json.dumps(SHAPES), "LabelMe's JSON"),
        ("ds/ann/a.json", '{"objects": [{"classTitle": "suction"}]}', "Supervisely's JSON"),
        ("via.json", '{"x": {"regions": [{"region_attributes": {}}]}}', "VIA's JSON"),
        ("via.csv", "filename,region_shape_attributes\n", "VIA's CSV"),
        ("export.json", json.dumps(REGIONS), "VoTT's JSON"),
        ("vott-csv-export/boxes.csv", '"image","xmin","ymin","xmax","ymax","label"\n', "a table of boxes"),
        ("project-1.json", json.dumps(TASKS), "Label Studio's JSON"),
        ("runs/detect/predict/labels/a.txt", "0 0.5 0.5 0.1 0.1\n", "YOLO label files"),
        ("S102T1/det/det.txt", "1,-1,5,5,9,9,0.9,-1,-1,-1\n", "MOT text"),
        ("export/voc/a.xml", "<annotation><object></object></annotation>", "Pascal VOC"),
        ("export/1/annotations.xml", "<annotations><version>1.1</version></annotations>", "CVAT's XML"),
    ],
)
def test_annotations_of_other_tools_are_named(root: Path, path: str, text: str, tool: str) -> None:
    data = open_dataset(put(root, {path: text}))
    (problem,) = found(data, "other-annotations")
    assert (problem.path, problem.parameters["tool"]) == (path, tool)
    assert str(problem.parameters["step"]) in problem.message


@pytest.mark.parametrize("path", ["notes.json", "README.txt", "numbers.txt", "table.csv", "deep/er/than/all/of/a.txt"])
def test_other_texts_are_not_named(root: Path, path: str) -> None:
    text = "0 0.5 0.5 0.1 0.1\n" if path.startswith("deep") else '1 2 3\n{"a": [1, 2, 3]}\n'
    assert not found(open_dataset(put(root, {path: text})), "other-annotations")


def test_annotations_beside_boxes_are_not_searched_for(root: Path) -> None:
    annotate(root, "csv", [FRAME])
    assert not found(open_dataset(put(root, {"via.csv": "filename,region_shape_attributes\n"})), "other-annotations")


def test_a_folder_of_images_that_names_no_trial(root: Path) -> None:
    frames(root, "s103t1/1.jpg", "s103t1/2.jpg")
    (problem,) = found(open_dataset(root), "unread-folder")
    assert (problem.path, problem.count) == ("JPEGImages/s103t1", 2)


def test_a_folder_without_a_trial_says_which_folders_there_are(tmp_path: Path) -> None:
    frames(tmp_path, "S102T1_frames/1.jpg")
    with pytest.raises(DataError, match=r"JPEGImages/S102T1_frames holds images \(1\).*name the folder after it"):
        open_dataset(tmp_path)


def test_a_workbook_is_no_table(root: Path) -> None:
    data = open_dataset(put(root, {layout.OUTCOMES_FILE: b"PK\x03\x04\x14\x00"}))
    (problem,) = [item for item in found(data, "unreadable-file") if item.path == layout.OUTCOMES_FILE]
    assert "workbook" in problem.message
