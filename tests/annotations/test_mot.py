from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from socal_core.annotations import mot
from socal_core.annotations.rows import BoxRows, KnownFrames
from socal_core.annotations.validate import validate
from socal_core.dataset import layout
from socal_core.dataset.dataset import Problem, Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.video import Video
from tests.conftest import SHARED_DATA
from tests.dataset.editing import found, put

FIXTURES = SHARED_DATA / "annotation-formats" / "mot_dataset"
FILE = "S100T1/gt/gt.txt"
NAMES = "S100T1/gt/labels.txt"


def known_frames(
    *trial_ids: str, frames: int = 3, videos: Mapping[str, Video] | None = None, size: tuple[int, int] = (100, 50)
) -> KnownFrames:
    """Trials of frames numbered from 78, as SOCAL's often are; `size` is width and height in pixels."""
    table = pd.DataFrame(
        [(f"{trial}_frame_{at + 78:08d}.jpeg", trial, at) for trial in trial_ids for at in range(frames)],
        columns=["frame", "trial_id", "position"],
    )
    return KnownFrames(table, pd.DataFrame({"width": size[0], "height": size[1]}, list(trial_ids)), videos)


KNOWN = known_frames("S100T1", "S100T2")


def read(root: Path, known: KnownFrames = KNOWN) -> tuple[BoxRows, tuple[Problem, ...]]:
    log, folder = ProblemLog(), DataFolder(root)
    files = mot.find(folder)
    assert files
    return mot.read(folder, files, known, log), log.problems()


def checked(root: Path, known: KnownFrames = KNOWN) -> tuple[list[str], tuple[Problem, ...]]:
    """The boxes as text once they are checked, and all problems."""
    log, folder = ProblemLog(), DataFolder(root)
    files = mot.find(folder)
    boxes = validate(mot.read(folder, files, known, log), files[0], known, log)
    columns = ["trial_id", "position", "x1", "y1", "x2", "y2", "label", "track_id"]
    return [" ".join(map(str, row)) for row in boxes[columns].itertuples(index=False)], log.problems()


def test_rows_become_boxes_of_the_frames_of_their_trial(tmp_path: Path) -> None:
    rows = "1,4,10,5,20,15,1,2,1.0\n3,5,10.4,5.5,20.2,15.0,1,1,0.5\n"
    put(tmp_path, {FILE: rows, NAMES: "grasper\nsuction\n", "S100T2/gt/gt.txt": "2,4,0,0,9,9,1,1,1\n"})
    put(tmp_path, {"S100T2/gt/labels.txt": "drill"})
    boxes, problems = read(tmp_path)
    assert problems == ()
    assert boxes.boxes["file"].tolist() == [FILE, FILE, "S100T2/gt/gt.txt"]
    assert boxes.boxes.index.tolist() == [1, 2, 1]
    assert boxes.boxes["x2"].tolist() == pytest.approx([30, 30.6, 9])
    assert boxes.boxes["frame"].tolist()[1] == "S100T1_frame_00000080.jpeg"
    kinds = boxes.boxes[["label", "file", "track_id"]].dtypes.astype(str).tolist()
    assert kinds == ["str", "str", "Int64"]
    assert boxes.without_tool.empty
    texts, problems = checked(tmp_path)
    assert texts == ["S100T1 0 10 5 30 20 suction 4", "S100T1 2 10 6 31 20 grasper 5", "S100T2 1 0 0 9 9 drill 4"]
    assert [problem.code for problem in problems] == ["frame-without-row"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([FILE], [FILE]),
        ([f"mot/{FILE}"], [f"mot/{FILE}"]),
        ([f"test/{FILE}", "train/S100T2/gt/gt.txt"], ["train/S100T2/gt/gt.txt", f"test/{FILE}"]),
        (["gt/gt.txt", FILE], ["gt/gt.txt", FILE]),
        (["gt.txt", "gt/labels.txt", "S100T1/gt.txt", "gt/gt.txt/gt.txt"], []),
    ],
)
def test_where_files_lie(tmp_path: Path, files: list[str], expected: list[str]) -> None:
    put(tmp_path, dict.fromkeys(files, "1,1,1,1,9,9,1,1,1\n"))
    assert mot.find(DataFolder(tmp_path)) == expected


def test_a_file_at_the_top_belongs_to_the_only_trial(tmp_path: Path) -> None:
    put(tmp_path, {"gt/gt.txt": "2,1,1,1,9,9,1,1,1\n", "gt/labels.txt": "drill\n"})
    texts, _ = checked(tmp_path, known_frames("S7T1"))
    assert texts == ["S7T1 1 1 1 10 10 drill 1"]


@pytest.mark.parametrize("name", ["gt/gt.txt", "MOT17-02/gt/gt.txt"])
def test_a_file_of_no_trial_is_named(tmp_path: Path, name: str) -> None:
    put(tmp_path, {name: "2,1,1,1,9,9,1,1,1\n"})
    rows, problems = read(tmp_path)
    (problem,) = problems
    assert (problem.code, problem.severity, problem.path) == ("file-without-trial", Severity.ERROR, name)
    assert rows.boxes.empty


@pytest.mark.parametrize(
    ("row", "box"),
    [
        ("1,7,1,2,8,8", "1 2 9 10 no class 7"),
        ("1,7,1,2,8,8,1", "1 2 9 10 no class 7"),
        ("1,7,1,2,8,8,,,", "1 2 9 10 no class 7"),
        ("1,7,1,2,8,8,1,2", "1 2 9 10 suction 7"),
        ("1,7,1,2,8,8,0.87,2,0.5,-1", "1 2 9 10 suction 7"),
        ("1,-1,1,2,8,8,0.87,-1,-1,-1", "1 2 9 10 no class <NA>"),
        ("1,-1,1,2,8,8,1,4,1", "1 2 9 10 class 4 <NA>"),
        ("1,0,1,2,8,8,1,0,1", "1 2 9 10 class 0 0"),
        (" 1 , 7 , 1 , 2 , 8 , 8 , 1 , 1 ", "1 2 9 10 grasper 7"),
        ("1.0,7.0,1,2,8,8,1.0,1.0,1", "1 2 9 10 grasper 7"),
        ('"1",7,1,2,8,8,1,1,1', "1 2 9 10 grasper 7"),
    ],
)
def test_rows_of_six_to_ten_fields(tmp_path: Path, row: str, box: str) -> None:
    texts, problems = checked(put(tmp_path, {FILE: row, NAMES: "grasper\nsuction\n"}))
    assert texts == [f"S100T1 0 {box}"]
    assert bool(found(problems, "class-without-name")) == ("class" in box)


def test_rows_of_several_lengths_keep_their_line(tmp_path: Path) -> None:
    put(tmp_path, {FILE: "1,7,1,2,8,8,1,1,1\n\n1,8,1,2,8,9\n2,7,1\n3,7,1,2,8,8,1,1\n", NAMES: "a"})
    rows, problems = read(tmp_path)
    assert rows.boxes.index.tolist() == [1, 3, 5]
    assert [(problem.code, problem.row) for problem in problems] == [
        ("wrong-number-of-fields", 4), ("class-without-name", None),
    ]  # fmt: skip


def test_a_flag_of_zero_means_that_the_box_does_not_count(tmp_path: Path) -> None:
    put(tmp_path, {FILE: "1,7,1,2,8,8,0,1,1\n2,7,1,2,8,8,1,1,1\n2,8,1,2,8,9,0.0,1,1\n", NAMES: "a"})
    rows, problems = read(tmp_path)
    (problem,) = problems
    assert (problem.code, problem.severity, problem.path, problem.count) == ("ignored-boxes", Severity.WARNING, FILE, 2)
    assert rows.boxes.index.tolist() == [2]


PIXELS = {"expected": "numbers of pixels"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("row", "code", "parameters"),
    [
        ("1,7,1,2,8", "wrong-number-of-fields", {"fields": 5, "expected": "6 to 10"}),
        ("1 7 1 2 8 8 1 1 1", "wrong-number-of-fields", {"fields": 1, "expected": "6 to 10"}),
        ("1,7,1,2,8,8,1,1,1,1,1", "wrong-number-of-fields", {"fields": 11, "expected": "6 to 10"}),
        ('1,7,1,2,8,8,1,1,"1', "broken-quotes", {}),
        ("-5,7,1,2,8,8,1,1,1", "bad-frame-number", {"least": 0, "number": "-5"}),
        ("1.5,7,1,2,8,8,1,1,1", "bad-frame-number", {"least": 0, "number": "1.5"}),
        ("frame,id,x,y,w,h,flag,class,visibility", "bad-frame-number", {"least": 0, "number": "frame"}),
        ("99999999999999999999,7,1,2,8,8,1,1,1", "bad-frame-number", {"least": 0, "number": "9" * 20}),
        ("1,7,x,2,8,8,1,1,1", "bad-corner-and-size", {"x": "x", "y": "2", "w": "8", "h": "8", "flag": "1"}),
        ("1,7,,2,8,8,1,1,1", "bad-corner-and-size", {"x": "", "y": "2", "w": "8", "h": "8", "flag": "1"}),
        ("1,7,nan,2,8,8,1,1,1", "bad-corner-and-size", {"x": "nan", "y": "2", "w": "8", "h": "8", "flag": "1"}),
        ("1,7,1,inf,8,8,1,1,1", "bad-corner-and-size", {"x": "1", "y": "inf", "w": "8", "h": "8", "flag": "1"}),
        ("1,7,1,1,8,8,x,1,1", "bad-corner-and-size", {"x": "1", "y": "1", "w": "8", "h": "8", "flag": "x"}),
        ("1,7,1,2,1e300,8,1,1,1", "bad-coordinates", {**PIXELS, "x1": 1, "y1": 2, "x2": 1e300, "y2": 10}),
        ("1,7,1e308,2,1e308,8,1,1,1", "bad-coordinates", {**PIXELS, "x1": 1e308, "y1": 2, "x2": "inf", "y2": 10}),
        ("1,7,1,2,0,8,1,1,1", "box-without-area", {"x1": 1, "y1": 2, "x2": 1, "y2": 10}),
        ("1,7,1,2,8,-8,1,1,1", "box-without-area", {"x1": 1, "y1": 2, "x2": 9, "y2": -6}),
        ("1,7,1,2,8,8,1,drill,1", "bad-class", {"expected": "a whole number", "class": "drill"}),
        ("1,7,1,2,8,8,1,1.5,1", "bad-class", {"expected": "a whole number", "class": "1.5"}),
    ],
)
def test_a_bad_row_is_left_out_and_named(tmp_path: Path, row: str, code: str, parameters: dict[str, object]) -> None:
    texts, problems = checked(put(tmp_path, {FILE: f"1,7,10,5,20,15,1,1,1\n{row}\n", NAMES: "drill"}))
    problem, _ = problems
    assert (problem.code, problem.severity, problem.path, problem.row) == (code, Severity.ERROR, FILE, 2)
    assert problem.parameters == parameters
    assert texts == ["S100T1 0 10 5 30 20 drill 7"]


@pytest.mark.parametrize("track_id", ["x", "1.5", "", "99999999999999999999"])
def test_a_bad_track_id_costs_the_id_alone(tmp_path: Path, track_id: str) -> None:
    rows, problems = read(put(tmp_path, {FILE: f"1,{track_id},10,5,20,15,1,1,1\n", NAMES: "drill"}))
    (problem,) = problems
    assert (problem.code, problem.severity, problem.row) == ("bad-track-id", Severity.WARNING, 1)
    assert rows.boxes["track_id"].tolist() == [pd.NA]


def test_only_frames_at_the_sampled_seconds_of_a_video_are_used(tmp_path: Path) -> None:
    video = Video("S100T1.mp4", 3, 29.97, 100, 50)
    known = known_frames("S100T1", videos={"S100T1": video})
    put(tmp_path, {FILE: "".join(f"{number},1,{number},0,5,5,1,1,1\n" for number in range(1, 91)), NAMES: "drill"})
    rows, problems = read(tmp_path, known)
    # The seconds 0, 1, 2 are the frames 0, 29.97, 59.94 from 0, and the video ends before the frame of second 3.
    assert rows.boxes["x1"].tolist() == [1, 31, 61]
    assert rows.boxes["frame"].tolist() == known.frames["frame"].tolist()
    (problem,) = problems
    assert (problem.code, problem.severity, problem.path, problem.count) == (
        "box-between-frames", Severity.WARNING, FILE, 87,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (b"", ["empty-file"]),
        (b"\n \n", ["empty-file"]),
        ("1,7,1,2,8,8,1,1,1\n".encode("utf-16"), ["not-utf-8"]),
        (b"\xef\xbb\xbf1,7,1,2,8,8,1,1,1\r\n", []),
        (b"1,7,1,2,8,8,1,1,1\r2,7,1,2,8,8,1,1,1\r", []),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", ["nul-bytes", "not-utf-8", "wrong-number-of-fields"]),
        (b"," * 5_000_000, ["row-too-long"]),
        (b"1," * 5_000_000, ["row-too-long"]),
        (b"\n" * 2_000_001, ["unreadable-file"]),
        (b"\r" * 2_000_001, ["unreadable-file"]),
    ],
)
def test_any_content_is_read_without_failing(tmp_path: Path, content: bytes, codes: list[str]) -> None:
    rows, problems = read(put(tmp_path, {FILE: content, NAMES: "drill"}))
    assert {problem.code for problem in problems} == set(codes)
    assert {problem.path for problem in problems} <= {FILE}
    assert rows.boxes.empty == bool({*codes} - {"not-utf-8"})


def test_a_file_of_any_size_is_refused_before_it_is_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mot, "_LARGEST_FILE", 100)
    _, problems = read(put(tmp_path, {FILE: "1,7,1,2,8,8,1,1,1\n" * 10}))
    (problem,) = problems
    assert (problem.code, problem.path) == ("unreadable-file", FILE)
    assert "180 bytes, more than the 100" in problem.parameters["reason"]


@pytest.mark.parametrize("tenth", range(11))
def test_a_file_cut_off(tmp_path: Path, tenth: int) -> None:
    content = "".join(f"{at % 3 + 1},{at},1{at},2{at},8.25,8.75,1,1,1\n" for at in range(9))
    rows, problems = read(put(tmp_path, {FILE: content[: len(content) * tenth // 10], NAMES: "drill"}))
    assert len(rows.boxes) <= 9
    assert all(problem.path == FILE for problem in problems)
    assert len(problems) <= 2


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, {"secret/gt.txt": "1,7,1,2,8,8,1,1,1\n", "data/S100T1/seqinfo.ini": ""})
    (tmp_path / "data" / "S100T1" / "gt").symlink_to(tmp_path / "secret")
    assert mot.find(DataFolder(tmp_path / "data")) == []


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="shared data is absent")
@pytest.mark.parametrize("name", ["mot_seq", "mot_seq_with_seqinfo"])
def test_what_annotation_tools_write(name: str) -> None:
    texts, problems = checked(FIXTURES / name, known_frames("S1T1", frames=1, size=(16, 16)))
    assert texts == ["S1T1 0 0 4 4 12 label_2 <NA>"]
    assert [problem.code for problem in problems] == ["unknown-label"]


def test_a_data_folder_opens_with_tracks(folder: Path) -> None:
    (folder / layout.BOXES_FILE).unlink()
    for trial in ("S100T1", "S100T2"):
        put(folder, {f"mot/{trial}/gt/gt.txt": "1,7,1,2,8,8,1,1,1\n3,7,2,2,8,8,1,1,1\n"})
        put(folder, {f"mot/{trial}/gt/labels.txt": "Suction\n"})
    data = open_dataset(folder)
    assert data.box_format == "mot"
    assert data.boxes[["trial_id", "position", "label", "track_id"]].to_numpy().tolist() == [
        [trial, position, "suction", 7] for trial in ("S100T1", "S100T2") for position in (0, 2)
    ]
    assert {problem.severity for problem in data.problems} == {Severity.INFO}


def test_a_video_with_rows_for_every_frame(tmp_path: Path, folder: Path) -> None:
    (folder / layout.BOXES_FILE).unlink()
    for image in (folder / layout.IMAGES_DIR).glob("S100T1_*"):
        image.unlink()
    (folder / layout.MAPPING_FILE).unlink()
    writer = cv2.VideoWriter(str(folder / "S100T1.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(25):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    put(folder, {FILE: "".join(f"{n},1,{n},2,8,8,1,1,1\n" for n in range(1, 26)), NAMES: "suction"})
    data = open_dataset(folder)
    assert data.boxes["x1"].tolist() == [1, 11, 21]
    assert data.boxes["position"].tolist() == [0, 1, 2]
    (problem,) = found(data, "box-between-frames")
    assert problem.count == 22
    assert found(data, "box-without-frame") == []
