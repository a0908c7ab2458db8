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


def confidence(stem: str, line: int, reason: str = "is not a whole number") -> dict[str, object]:
    """The parameters of a sixth field of four rows that is no track id because of one of them."""
    return {"rows": 4, "file": f"labels/{stem}.txt", "line": line, "reason": reason}


@pytest.mark.parametrize(
    ("first", "second", "ids", "parameters"),
    [
        (["1", "2"], ["2", "7"], [1, 2, 2, 7], {"rows": 4}),
        (["1", "2"], ["2", ""], [1, 2, 2, MISSING], {"rows": 3}),
        (["0", "1"], [], [0, 1], {"rows": 2}),
        (["1", "2"], ["2", "2"], None, confidence(SECOND, 2, "occurs twice in the frame")),
        (["0.5", "0.9"], ["0.9", "1"], None, confidence(STEM, 1)),
        (["1", "2"], ["3", "4.0"], None, confidence(SECOND, 2)),
        (["1", "2"], ["3", "1e1"], None, confidence(SECOND, 2)),
        (["1", "2"], ["3", "-1"], None, confidence(SECOND, 2)),
        (["1", "2"], ["3", "x"], None, confidence(SECOND, 2)),
        (["1", "2"], ["3", "99999999999999999999"], None, confidence(SECOND, 2)),
    ],
)
def test_the_sixth_field(
    tmp_path: Path, first: list[str], second: list[str], ids: list[object] | None, parameters: dict[str, object]
) -> None:
    rows, problems = read(sixth(tmp_path, first, second))
    (problem,) = problems
    code = "sixth-field-is-track-id" if ids else "sixth-field-is-confidence"
    assert (problem.code, problem.severity, problem.path) == (code, Severity.INFO, "labels")
    assert problem.parameters == parameters
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
    code = "sixth-field-is-track-id" if ids else "sixth-field-is-class"
    assert (problem.code, problem.severity, problem.path) == (code, Severity.INFO, "labels")
    assert boxes.boxes["track_id"].tolist() == (ids or [pd.NA] * len(boxes.boxes))


def test_a_box_that_stands_twice_does_not_make_ids_confidences(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": "0 0.5 0.5 0.1 0.1 4\n" * 2, "classes.txt": "suction"})
    assert read(tmp_path)[0].boxes["track_id"].tolist() == [4, 4]
