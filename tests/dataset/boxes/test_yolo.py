from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.boxes import yolo
from socal_core.dataset.boxes.rows import CORNERS, BoxRows, KnownFrames
from socal_core.dataset.boxes.validate import validate
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open import open_dataset
from socal_core.dataset.options import OpenOptions
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.types import Problem, Severity
from tests.conftest import SHARED_DATA
from tests.dataset.editing import found, put

FIXTURES = SHARED_DATA / "annotation-formats" / "yolo_dataset"
REAL_TRIALS = SHARED_DATA / "real-trials"
STEM = "S100T1_frame_00000001"
SECOND = "S100T1_frame_00000002"
MISSING = pd.NA


def known_frames(*names: str, size: tuple[int, int] | None = (100, 50)) -> KnownFrames:
    """Frames of one trial; None for a size that nobody knows."""
    frames = pd.DataFrame({"frame": pd.Series(names, dtype="str"), "trial_id": "S100T1"})
    frames["position"] = np.arange(len(names))
    width, height = size or (pd.NA, pd.NA)
    trials = pd.DataFrame({"width": [width], "height": [height]}, ["S100T1"], dtype="Int64")
    return KnownFrames(frames, trials)


KNOWN = known_frames(f"{STEM}.jpeg", f"{SECOND}.jpeg")


def read(root: Path, known: KnownFrames = KNOWN) -> tuple[BoxRows, tuple[Problem, ...]]:
    log = ProblemLog()
    folder = DataFolder(root)
    files = yolo.find(folder)
    assert files
    return yolo.read(folder, files, known, log), log.problems()


def boxes_in(root: Path, known: KnownFrames = KNOWN) -> tuple[list[str], list[str]]:
    """Boxes as text once they are checked, and the codes of the problems."""
    log = ProblemLog()
    folder = DataFolder(root)
    files = yolo.find(folder)
    boxes = validate(yolo.read(folder, files, known, log), files[0], known, log)
    texts = [" ".join(map(str, row)) for row in boxes[["x1", "y1", "x2", "y2", "label"]].itertuples(index=False)]
    return texts, [problem.code for problem in log.problems()]


def with_row(root: Path, row: str) -> Path:
    """A sound first row and the given one."""
    return put(root, {f"labels/{STEM}.txt": f"0 0.5 0.5 0.2 0.4\n{row}\n", "classes.txt": "grasper\nsuction\n"})


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


ROW = "0 0.5 0.5 0.2 0.4\n"
BOX = "40 15 60 35 class 0"


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


LISTED = "names:\n- 'no'\n- suction\n"
MAPPED = "nc: 2\nnames: {1: suction, 0: no}\n"


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        ({"classes.txt": "no\nsuction\n"}, ["no", "suction"]),
        ({"classes.txt": "\ufeffno\r\nsuction"}, ["no", "suction"]),
        ({"classes.txt": "\n suction \n"}, ["class 0", "suction"]),
        ({"classes.txt": "no\nsuction".encode("utf-16")}, ["no", "suction"]),
        ({"labels/classes.txt": "no\nsuction\n"}, ["no", "suction"]),
        ({"obj.names": "no\nsuction\n"}, ["no", "suction"]),
        ({"data.yaml": LISTED}, ["no", "suction"]),
        ({"data.yaml": MAPPED}, ["no", "suction"]),
        ({"labels/socal.yml": MAPPED}, ["no", "suction"]),
        ({"a.yaml": "service: names\n", "b.yaml": "nc: 2\n", "c.yaml": LISTED}, ["no", "suction"]),
        ({"classes.txt": "no\nsuction\n", "data.yaml": "names: [a, b]\n"}, ["no", "suction"]),
        ({"data.yaml": "names: [a, b]", "a.yaml": "names: [c, d]"}, ["a", "b"]),
        ({"data.yaml": "names: [no]"}, ["no", "class 1"]),
        ({"data.yaml": "names: {zero: a, 1: suction, 2: [x]}"}, ["class 0", "suction"]),
        ({"data.yaml": "names: suction"}, ["class 0", "class 1"]),
        ({"data.yaml": "names: &a [*a, suction]"}, ["class 0", "suction"]),
    ],
)
def test_class_names(tmp_path: Path, files: dict[str, str | bytes], labels: list[str]) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW + ROW.replace("0", "1", 1), **files})
    rows, problems = read(tmp_path)
    assert rows.boxes["label"].tolist() == labels
    nameless = [problem for problem in problems if problem.code == "class-without-name"]
    assert len(nameless) == any(label.startswith("class") for label in labels)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("names: [a, b", "but got"),
        ("names: " + "[" * 3000, "nested too deeply"),
        ("names: \0", "not YAML"),
        ("names: [" + "a, " * 100_000 + "]", "more than the 200,000"),
        ("names: *unknown", "undefined alias"),
    ],
)
def test_yaml_that_cannot_be_read(tmp_path: Path, content: str, said: str) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "data.yaml": content})
    rows, problems = read(tmp_path)
    (problem,) = found(problems, "unreadable-file")
    assert (problem.severity, problem.path) == (Severity.ERROR, "data.yaml")
    assert said in problem.message
    assert rows.boxes["label"].tolist() == ["class 0"]


@pytest.mark.parametrize("content", ["names: !!python/object/apply:os.system [exit]", "names: {<<: {0: a}}"])
def test_yaml_builds_no_objects(tmp_path: Path, content: str) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "data.yaml": content})
    assert read(tmp_path)[0].boxes["label"].tolist()[0] in ("exit", "class 0")


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    bomb = "a0: &a0 {k: v}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 40)
    )
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "data.yaml": f"{bomb}names: [*a39, suction]\n"})
    assert boxes_in(tmp_path) == ([BOX], ["class-without-name", "frame-without-row", "unknown-label"])


def test_classes_without_a_name_are_told_once(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": "".join(f"{at % 12} 0.5 0.5 0.2 0.4\n" for at in range(24))})
    rows, problems = read(tmp_path)
    (problem,) = problems
    assert (problem.code, problem.severity, problem.path, problem.count) == (
        "class-without-name", Severity.WARNING, "labels", 24,
    )  # fmt: skip
    assert "class 0, class 1, class 2, class 3, class 4, …" in problem.message
    assert rows.boxes["track_id"].isna().all()


@pytest.mark.parametrize(
    ("row", "code", "said"),
    [
        ("0 0.5 0.5 0.2", "wrong-number-of-fields", "4 fields"),
        ("0", "wrong-number-of-fields", "1 fields"),
        ("0,0.5,0.5,0.2,0.4", "wrong-number-of-fields", "1 fields"),
        ("0 0.1 0.1 0.4 0.1 0.4 0.5", "not-a-box", "only boxes are read"),
        ("0 " + "0.1 " * 5000, "not-a-box", "5001 fields"),
        ("0 0.5 0.5 0.2 x", "bad-coordinates", "0.5, 0.5, 0.2, x"),
        ("0 nan 0.5 0.2 0.4", "bad-coordinates", "nan"),
        ("0 0.5 inf 0.2 0.4", "bad-coordinates", "inf"),
        ("0 0.5 0.5 1e300 0.4", "bad-coordinates", "1e300"),
        ("0 0.5 0.5 0.2 " + "9" * 400, "bad-coordinates", "999"),
        ("0 50 25 20 20", "bad-coordinates", "0 to 1"),
        ("0 1.51 0.5 0.2 0.4", "bad-coordinates", "1.51"),
        ("0 -0.51 0.5 0.2 0.4", "bad-coordinates", "-0.51"),
        ("0 0.5 0.5 0.2 0.4\0", "bad-coordinates", r"0.4\x00"),
        ("suction 0.5 0.5 0.2 0.4", "bad-class", "suction"),
        ("1.5 0.5 0.5 0.2 0.4", "bad-class", "1.5"),
        ("-1 0.5 0.5 0.2 0.4", "bad-class", "-1"),
        ("99999999999999999999 0.5 0.5 0.2 0.4", "bad-class", "9999"),
    ],
)
def test_a_bad_row_is_left_out_and_named(tmp_path: Path, row: str, code: str, said: str) -> None:
    rows, problems = read(with_row(tmp_path, row))
    (problem,) = problems
    assert (problem.code, problem.severity, problem.row) == (code, Severity.ERROR, 2)
    assert problem.path == f"labels/{STEM}.txt"
    assert said in problem.message
    assert rows.boxes["label"].tolist() == ["grasper"]
    assert rows.without_tool.empty


@pytest.mark.parametrize(
    ("row", "boxes", "codes"),
    [
        ("1 0.95 0.5 0.1000001 0.4", ["90 15 100 35 suction"], []),
        ("1 0.95 0.5 0.3 0.4", ["80 15 100 35 suction"], ["box-past-edge"]),
        ("1 1.4 0.5 0.2 0.4", [], ["box-outside-frame"]),
        ("1 0.5 0.5 -0.2 0.4", [], ["box-without-area"]),
        ("1 0.5 0.5 0 0.4", [], ["box-without-area"]),
        ("0 0.5 0.5 0.2 0.4", [], ["doubled-box"]),
        ("1.0 5e-1 +.5 0.2 0.4", ["40 15 60 35 suction"], []),
    ],
)
def test_values_past_the_edge(tmp_path: Path, row: str, boxes: list[str], codes: list[str]) -> None:
    texts, told = boxes_in(with_row(tmp_path, row))
    assert texts == ["40 15 60 35 grasper", *boxes]
    assert told == [*codes, "frame-without-row"]


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
    monkeypatch.setattr("socal_core.dataset.boxes.yolo_files._CHUNK", size)
    parts, _ = read(tmp_path, known)
    pd.testing.assert_frame_equal(parts.boxes, whole.boxes)
    pd.testing.assert_frame_equal(parts.without_tool, whole.without_tool)
    assert len(whole.boxes) == 10
    assert len(whole.without_tool) == 4


def test_a_frame_that_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, {"labels/S9T9_frame_1.txt": ROW, "labels/S9T9_frame_2.txt": "", "labels/..a.txt": ROW})
    _, problems = read(tmp_path)
    assert [problem.code for problem in problems] == ["class-without-name"]
    log, folder = ProblemLog(), DataFolder(tmp_path)
    assert validate(yolo.read(folder, ["labels"], KNOWN, log), "labels", KNOWN, log).empty
    unknown = found(log.problems(), "box-without-frame")
    assert [(problem.path, problem.row) for problem in unknown] == [
        ("labels/S9T9_frame_1.txt", 1), ("labels/S9T9_frame_2.txt", 1),
    ]  # fmt: skip


def test_a_frame_of_unknown_size(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "classes.txt": "suction"})
    rows, problems = read(tmp_path, known_frames(f"{STEM}.jpeg", size=None))
    (problem,) = problems
    assert (problem.code, problem.severity, problem.row) == ("unknown-frame-size", Severity.ERROR, 1)
    assert problem.path == f"labels/{STEM}.txt"
    assert rows.boxes.empty


def sixth(root: Path, first: list[str], second: list[str]) -> Path:
    """Two frames with a row for each sixth field, every one another box."""
    texts = [
        "".join(f"0 0.{at + 1} 0.5 0.1 0.1 {field}\n" for at, field in enumerate(fields)) for fields in (first, second)
    ]
    return put(root, {f"labels/{STEM}.txt": texts[0], f"labels/{SECOND}.txt": texts[1], "classes.txt": "suction"})


@pytest.mark.parametrize(
    ("first", "second", "ids", "said"),
    [
        (["1", "2"], ["2", "7"], [1, 2, 2, 7], "whole number everywhere"),
        (["1", "2"], ["2", ""], [1, 2, 2, MISSING], "of 3 rows is taken for a track id"),
        (["0", "1"], [], [0, 1], "track id"),
        (["1", "2"], ["2", "2"], None, f"row 2 of labels/{SECOND}.txt is one that its frame has already"),
        (["0.5", "0.9"], ["0.9", "1"], None, f"row 1 of labels/{STEM}.txt is no whole number"),
        (["1", "2"], ["3", "4.0"], None, f"row 2 of labels/{SECOND}.txt"),
        (["1", "2"], ["3", "1e1"], None, "confidence"),
        (["1", "2"], ["3", "-1"], None, "confidence"),
        (["1", "2"], ["3", "x"], None, "confidence"),
        (["1", "2"], ["3", "99999999999999999999"], None, "confidence"),
    ],
)
def test_the_sixth_field(tmp_path: Path, first: list[str], second: list[str], ids: list[object], said: str) -> None:
    rows, problems = read(sixth(tmp_path, first, second))
    (problem,) = problems
    assert (problem.code, problem.severity, problem.path) == ("sixth-field", Severity.INFO, "labels")
    assert said in problem.message
    expected = ids or [pd.NA] * (len(first) + len(second))
    assert rows.boxes["track_id"].tolist() == expected
    assert str(rows.boxes["track_id"].dtype) == "Int64"


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        ({STEM: ["0 0", "1 1"], SECOND: ["1 1", "0 0"]}, None),
        ({STEM: ["1 1", "1 1"], SECOND: ["0 0.0"]}, None),
        ({STEM: ["0 0", "1 1"], SECOND: ["1 1", "0"]}, None),
        ({STEM: ["0 0", "1 1"], SECOND: ["1 2"]}, [0, 1, 2]),
        ({STEM: ["0 1", "1 2"], SECOND: ["0 1"]}, [1, 2, 1]),
        ({STEM: ["1 1"]}, [1]),
    ],
)
def test_a_sixth_field_that_is_the_class_is_no_track_id(
    tmp_path: Path, rows: dict[str, list[str]], ids: list[int] | None
) -> None:
    for name, numbers in rows.items():
        lines = [f"{both[0]} 0.{at + 1} 0.5 0.1 0.1{both[1:]}\n" for at, both in enumerate(numbers)]
        put(tmp_path, {f"labels/{name}.txt": "".join(lines), "classes.txt": "suction\ngrasper\n"})
    boxes, problems = read(tmp_path)
    (problem,) = problems
    assert (problem.code, problem.severity, problem.path) == ("sixth-field", Severity.INFO, "labels")
    assert ("is the class again, no track id" in problem.message) == (ids is None)
    assert boxes.boxes["track_id"].tolist() == (ids or [pd.NA] * len(boxes.boxes))


def test_a_box_that_stands_twice_does_not_make_ids_confidences(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": "0 0.5 0.5 0.1 0.1 4\n" * 2, "classes.txt": "suction"})
    assert read(tmp_path)[0].boxes["track_id"].tolist() == [4, 4]


@pytest.mark.parametrize(
    ("content", "boxes"),
    [
        (b"\xef\xbb\xbf" + ROW.encode(), 1),
        (ROW.encode("utf-16"), 1),
        (ROW.replace("\n", "\r").encode() * 2, 2),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", 0),
        (bytes(range(256)), 0),
        (b"\n" * 1_000_000, 0),
        (b"0 " * 600_000, 0),
        (b"[" * 1_000_001, 0),
    ],
)
def test_any_content_is_read_without_failing(tmp_path: Path, content: bytes, boxes: int) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": content, "classes.txt": content[:1000]})
    rows, _ = read(tmp_path)
    assert len(rows.boxes) == boxes


@pytest.mark.parametrize("tenth", range(11))
def test_a_file_cut_off(tmp_path: Path, tenth: int) -> None:
    content = "".join(f"{at % 2} 0.{at}5 0.5 0.12345678 0.25\n" for at in range(8))
    with_row(tmp_path, content[: len(content) * tenth // 10])
    rows, problems = read(tmp_path)
    assert 1 <= len(rows.boxes) <= 9
    assert all(problem.row == len(rows.boxes) + 1 for problem in problems)


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socal_core.dataset.boxes.yolo_files._MOST_ROWS", 5)
    put(tmp_path, {f"labels/{STEM}.txt": ROW * 3, f"labels/{SECOND}.txt": ROW * 3, "labels/x.txt": ROW})
    rows, problems = read(tmp_path)
    (problem,) = found(problems, "too-many-rows")
    assert (problem.severity, problem.count) == (Severity.ERROR, 2)
    assert SECOND in problem.message
    assert len(rows.boxes) == 3


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, {"secret.txt": ROW, f"data/labels/{STEM}.txt": ROW})
    (tmp_path / "data" / "labels" / f"{SECOND}.txt").symlink_to(tmp_path / "secret.txt")
    assert len(read(tmp_path / "data")[0].boxes) == 1


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
@pytest.mark.parametrize(("name", "rows"), [("yolov8_segmentation", 2), ("yolov8_pose", 1)])
def test_outlines_and_poses_are_left_out(name: str, rows: int) -> None:
    boxes, problems = read(FIXTURES / name, known_frames("train/1.jpg", size=(15, 10)))
    assert [problem.code for problem in problems] == ["not-a-box"] * rows
    assert boxes.boxes.empty


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
