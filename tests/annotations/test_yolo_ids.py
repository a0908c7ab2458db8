"""The sixth field of YOLO's rows: a track id, a confidence or the class again."""

from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset.dataset import Severity
from tests.annotations.yolo_files import SECOND, STEM, read
from tests.dataset.editing import put

MISSING = pd.NA


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
