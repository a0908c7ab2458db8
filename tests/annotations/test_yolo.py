"""YOLO's text files: where they are found, and what sound ones give."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from socal_core.annotations import yolo
from socal_core.annotations.rows import CORNERS, KnownFrames
from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from tests.annotations.yolo_files import BOX, ROW, SECOND, STEM, boxes_in, known_frames, read
from tests.conftest import SHARED_DATA
from tests.dataset.editing import found, put

FIXTURES = SHARED_DATA / "annotation-formats" / "yolo_dataset"
REAL_TRIALS = SHARED_DATA / "real-trials"


def test_a_box_is_a_part_of_its_frame(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": "1 0.25 0.5 0.3 0.4", "classes.txt": "grasper\nsuction\n"})
    rows, problems = read(tmp_path)
    assert problems == ()
    assert rows.boxes.index.tolist() == [1]
    (box,) = rows.boxes.to_dict(orient="records")
    # x: (0.25 -+ 0.15) * 100, y: (0.5 -+ 0.2) * 50
    assert [box[name] for name in ("x1", "y1", "x2", "y2")] == pytest.approx([10, 15, 40, 35])
    assert (box["frame"], box["label"], box["file"]) == (f"{STEM}.jpeg", "suction", f"labels/{STEM}.txt")
    assert rows.boxes["track_id"].isna().all()
    assert {name: str(rows.boxes[name].dtype) for name in ("frame", "label", "file", "track_id", "x1")} == {
        **dict.fromkeys(("frame", "label", "file"), "str"), "track_id": "Int64", "x1": "float64",
    }  # fmt: skip
    assert rows.without_tool.empty


def test_an_empty_file_is_a_frame_without_a_tool_and_no_file_says_nothing(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": " \n\n", f"labels/{SECOND}.txt": ""})
    rows, _ = read(tmp_path)
    assert rows.without_tool["frame"].tolist() == [f"{STEM}.jpeg", f"{SECOND}.jpeg"]
    (tmp_path / "labels" / f"{SECOND}.txt").unlink()
    assert boxes_in(tmp_path) == ([], ["frame-without-row"])


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ([f"labels/{STEM}.txt"], "labels"),
        ([f"labels/train/{STEM}.txt"], "labels"),
        ([f"labels/train/more/{STEM}.txt"], "labels"),
        ([f"labels/{STEM}.TXT"], "labels"),
        ([f"obj_train_data/{STEM}.txt"], "obj_train_data"),
        ([f"obj_valid_data/{STEM}.txt"], "obj_valid_data"),
        ([f"JPEGImages/{STEM}.txt", f"JPEGImages/{STEM}.jpeg"], "JPEGImages"),
        ([f"images/train/{STEM}.txt", f"images/train/{STEM}.jpeg"], "images"),
        ([f"frames/S100T1/{STEM}.txt", f"frames/S100T1/{STEM}.PNG"], "frames"),
        ([f"{STEM}.txt", f"{STEM}.jpeg"], "*.txt"),
        ([f"S100T1/{STEM}.txt", f"S100T1/{STEM}.jpeg"], "*.txt"),
    ],
)
def test_where_label_files_lie(tmp_path: Path, files: list[str], place: str) -> None:
    put(tmp_path, dict.fromkeys(files, ROW))
    assert yolo.find(DataFolder(tmp_path)) == [place]
    assert boxes_in(tmp_path)[0] == [BOX]


@pytest.mark.parametrize(
    "files",
    [
        ["labels/classes.txt", "labels/README.txt", "labels/readme.roboflow.txt", "labels/train.txt"],
        ["labels/LICENSE.txt", "obj_train_data/1.jpg"],
        ["JPEGImages/notes.txt", f"JPEGImages/{STEM}.jpeg"],
        [f"{STEM}.txt", f"JPEGImages/{STEM}.jpeg"],
        ["labels.txt", "classes.txt", "labels/S100T1.xml"],
    ],
)
def test_other_files_are_no_label_files(tmp_path: Path, files: list[str]) -> None:
    put(tmp_path, dict.fromkeys(files, ROW))
    assert yolo.find(DataFolder(tmp_path)) == []


def test_frames_in_the_folder_of_their_trial_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, {"labels/S100T1/0001.txt": ROW, "labels/S100T2/0001.txt": "3 0.5 0.5 0.2 0.4"})
    frames = pd.DataFrame({"frame": ["S100T1/0001.jpg", "S100T2/0001.jpg"], "trial_id": ["S100T1", "S100T2"]})
    trials = pd.DataFrame({"width": [100, 200], "height": [50, 50]}, ["S100T1", "S100T2"])
    rows, _ = read(tmp_path, KnownFrames(frames.assign(position=0), trials))
    assert rows.boxes["frame"].tolist() == ["S100T1/0001.jpg", "S100T2/0001.jpg"]
    assert rows.boxes["x1"].tolist() == pytest.approx([40, 80])


def test_rows_keep_their_line_over_many_files(tmp_path: Path) -> None:
    names = [f"S100T1_frame_{at:08d}" for at in range(1, 31)]
    put(tmp_path, {f"labels/{name}.txt": ("\n" * at + "0 bad\r\n" + ROW).encode() for at, name in enumerate(names)})
    rows, problems = read(tmp_path, known_frames(*(f"{name}.jpeg" for name in names)))
    bad = found(problems, "wrong-number-of-fields")
    assert [(problem.path, problem.row) for problem in bad] == [
        (f"labels/{name}.txt", at + 1) for at, name in enumerate(names)
    ]
    assert rows.boxes.index.tolist() == list(range(2, 32))
    assert rows.boxes["frame"].tolist() == [f"{name}.jpeg" for name in names]


@pytest.mark.parametrize("size", [1, 40, 100])
def test_many_files_are_split_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    names = [f"S100T1_frame_{at:08d}" for at in range(1, 12)]
    put(tmp_path, {f"labels/{name}.txt": ROW * (at % 3) for at, name in enumerate(names)})
    known = known_frames(*(f"{name}.jpeg" for name in names))
    whole, _ = read(tmp_path, known)
    monkeypatch.setattr("socal_core.annotations.yolo_files._CHUNK", size)
    parts, _ = read(tmp_path, known)
    pd.testing.assert_frame_equal(parts.boxes, whole.boxes)
    pd.testing.assert_frame_equal(parts.without_tool, whole.without_tool)
    assert len(whole.boxes) == 10
    assert len(whole.without_tool) == 4


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="shared data is absent")
@pytest.mark.parametrize(
    "name",
    [
        "yolo", "yolov8_detection", "yolov8_detection_with_list_of_imgs", "yolov8_detection_with_list_of_names",
        "yolov8_detection_with_subset_txt",
    ],
)  # fmt: skip
def test_what_annotation_tools_write(name: str) -> None:
    frame = "1.jpg" if name == "yolo" else "train/1.jpg"
    texts, codes = boxes_in(FIXTURES / name, known_frames(frame, size=(15, 10)))
    assert texts == ["0 2 4 4 label_2", "3 3 5 6 label_4"]
    assert codes == ["unknown-label"] * 2


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="shared data is absent")
@pytest.mark.parametrize("name", ["yolov8_segmentation", "yolov8_pose"])
def test_outlines_and_poses_are_enclosed(name: str) -> None:
    boxes, problems = read(FIXTURES / name, known_frames("train/1.jpg", size=(15, 10)))
    assert "enclosed-shapes" in [problem.code for problem in problems]
    assert not boxes.boxes.empty


@pytest.mark.skipif(not REAL_TRIALS.is_dir(), reason="shared data is absent")
def test_real_trials_hold_the_boxes_of_their_csv_a_pixel_lower() -> None:
    data = open_dataset(REAL_TRIALS, OpenOptions(boxes="yolo"))
    published = pd.read_csv(REAL_TRIALS / "socal.csv", header=None, names=list(layout.BOX_COLUMNS))
    assert len(data.boxes) == len(published) == 1000
    assert data.boxes["label"].value_counts().to_dict() == published["label"].value_counts().to_dict()
    assert {problem.code for problem in data.problems if problem.severity is not Severity.INFO} == {"box-past-edge"}
    sizes = data.trials.loc[published["frame"].str.partition("_")[0], ["width", "height"]].to_numpy(np.int64)
    # The files were made from VOC, whose pixels count from 1, by taking 1 away.
    corners = np.clip(published[list(CORNERS)].to_numpy() - 1, 0, np.tile(sizes, 2))
    by = ["frame", "label", *CORNERS]
    expected = published.assign(**dict(zip(CORNERS, corners.T, strict=True))).sort_values(by)
    assert (data.boxes.sort_values(by)[by].to_numpy() == expected[by].to_numpy()).all()
