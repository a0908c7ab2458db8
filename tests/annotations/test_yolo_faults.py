"""YOLO's text files with faults: each is named, and costs no more than its row or file."""

from pathlib import Path

import pytest

from socal_core.annotations import yolo
from socal_core.annotations.validate import validate
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import ProblemLog
from tests.annotations.yolo_files import KNOWN, ROW, SECOND, STEM, boxes_in, known_frames, read
from tests.dataset.editing import found, put

FIELDS = "5 (class, centre, size) or 6"
CLASS = "a whole number of at least 0"


def with_row(root: Path, row: str) -> Path:
    """A sound first row and the given one."""
    return put(root, {f"labels/{STEM}.txt": f"0 0.5 0.5 0.2 0.4\n{row}\n", "classes.txt": "grasper\nsuction\n"})


@pytest.mark.parametrize(
    ("row", "code", "parameters"),
    [
        ("0 0.5 0.5 0.2", "wrong-number-of-fields", {"fields": 4, "expected": FIELDS}),
        ("0", "wrong-number-of-fields", {"fields": 1, "expected": FIELDS}),
        ("0,0.5,0.5,0.2,0.4", "wrong-number-of-fields", {"fields": 1, "expected": FIELDS}),
        ("0 0.1 0.1 0.4 0.1 0.4 1.6", "not-a-box", {"fields": 7}),
        ("0 " + "10 " * 5000, "not-a-box", {"fields": 5001}),
        ("0 0.1 0.1 0.4 0.1 0.4 0.5 0.2", "not-a-box", {"fields": 8}),
        ("x 0.1 0.1 0.4 0.1 0.4 0.5", "bad-class", {"expected": CLASS, "class": "x"}),
        ("0 0.5 0.5 0.2 x", "bad-centre-and-size", {"cx": "0.5", "cy": "0.5", "w": "0.2", "h": "x"}),
        ("0 nan 0.5 0.2 0.4", "bad-centre-and-size", {"cx": "nan", "cy": "0.5", "w": "0.2", "h": "0.4"}),
        ("0 0.5 inf 0.2 0.4", "bad-centre-and-size", {"cx": "0.5", "cy": "inf", "w": "0.2", "h": "0.4"}),
        ("0 0.5 0.5 1e300 0.4", "bad-centre-and-size", {"cx": "0.5", "cy": "0.5", "w": "1e300", "h": "0.4"}),
        (
            "0 0.5 0.5 0.2 " + "9" * 400,
            "bad-centre-and-size",
            {"cx": "0.5", "cy": "0.5", "w": "0.2", "h": "9" * 59 + "…"},
        ),
        ("0 50 25 20 20", "bad-centre-and-size", {"cx": "50", "cy": "25", "w": "20", "h": "20"}),
        ("0 1.51 0.5 0.2 0.4", "bad-centre-and-size", {"cx": "1.51", "cy": "0.5", "w": "0.2", "h": "0.4"}),
        ("0 -0.51 0.5 0.2 0.4", "bad-centre-and-size", {"cx": "-0.51", "cy": "0.5", "w": "0.2", "h": "0.4"}),
        ("0 0.5 0.5 0.2 0.4\0", "bad-centre-and-size", {"cx": "0.5", "cy": "0.5", "w": "0.2", "h": r"0.4\x00"}),
        ("suction 0.5 0.5 0.2 0.4", "bad-class", {"expected": CLASS, "class": "suction"}),
        ("1.5 0.5 0.5 0.2 0.4", "bad-class", {"expected": CLASS, "class": "1.5"}),
        ("-1 0.5 0.5 0.2 0.4", "bad-class", {"expected": CLASS, "class": "-1"}),
        ("99999999999999999999 0.5 0.5 0.2 0.4", "bad-class", {"expected": CLASS, "class": "9" * 20}),
    ],
)
def test_a_bad_row_is_left_out_and_named(tmp_path: Path, row: str, code: str, parameters: dict[str, object]) -> None:
    rows, problems = read(with_row(tmp_path, row))
    (problem,) = problems
    assert (problem.code, problem.severity, problem.row) == (code, Severity.ERROR, 2)
    assert problem.path == f"labels/{STEM}.txt"
    assert problem.parameters == parameters
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


@pytest.mark.sampled(2)
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
    monkeypatch.setattr("socal_core.annotations.yolo_files._MOST_ROWS", 5)
    put(tmp_path, {f"labels/{STEM}.txt": ROW * 3, f"labels/{SECOND}.txt": ROW * 3, "labels/x.txt": ROW})
    rows, problems = read(tmp_path)
    (problem,) = found(problems, "too-many-rows")
    assert (problem.severity, problem.count) == (Severity.ERROR, 2)
    assert problem.parameters == {"limit": 5, "file": f"labels/{SECOND}.txt"}
    assert len(rows.boxes) == 3


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, {"secret.txt": ROW, f"data/labels/{STEM}.txt": ROW})
    (tmp_path / "data" / "labels" / f"{SECOND}.txt").symlink_to(tmp_path / "secret.txt")
    assert len(read(tmp_path / "data")[0].boxes) == 1
