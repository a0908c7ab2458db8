"""Headers of the boxes file, and the track ids below them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.opening import open_dataset
from tests.annotations.test_socal_csv import FRAME, boxes_file
from tests.dataset.editing import append_line, found
from tests.factories import write_csv


def give_ids(folder: Path, ids: list[object], title: str = "tracking_id") -> None:
    """Write the boxes with a header whose columns run backwards, the given ids in turn."""
    rows = boxes_file(folder).read_text().splitlines()
    header = [",".join(reversed([*layout.BOX_COLUMNS, title]))]
    lines = [",".join(reversed([*row.split(","), str(ids[at % len(ids)])])) for at, row in enumerate(rows)]
    boxes_file(folder).write_text("\n".join(header + lines) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize("title", ["tracking_id", "track_id", "Tracking_ID"])
def test_columns_stand_in_any_order_and_track_ids_are_read(folder: Path, title: str) -> None:
    before = open_dataset(folder).boxes
    give_ids(folder, list(range(5, 45)), title)
    data = open_dataset(folder)
    assert data.problems == ()
    assert data.boxes["track_id"].tolist() == list(range(5, 45))
    pd.testing.assert_frame_equal(data.boxes.drop(columns="track_id"), before.drop(columns="track_id"))


def test_other_columns_are_passed_over(folder: Path) -> None:
    rows = [f"{at},{row},0.9,0.9" for at, row in enumerate(boxes_file(folder).read_text().splitlines())]
    boxes_file(folder).write_text("\n".join(["," + ",".join(layout.BOX_COLUMNS) + ",score,score", *rows]))
    data = open_dataset(folder)
    assert data.problems == ()
    assert len(data.boxes) == 40


def test_a_box_without_a_track_id_has_none(folder: Path) -> None:
    give_ids(folder, [*range(1, 38), "", "NA", "left"])
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.row) == ("bad-track-id", Severity.WARNING, 41)
    assert problem.parameters == {"expected": "a whole number", "track_id": "left"}
    assert data.boxes["track_id"].isna().tolist() == [False] * 37 + [True] * 3


def test_a_class_number_is_no_track_id(folder: Path) -> None:
    append_line(boxes_file(folder), f"{FRAME},1,1,9,9,suction")
    labels = [row.rpartition(",")[2] for row in boxes_file(folder).read_text().splitlines()]
    give_ids(folder, [{"suction": 0, "grasper": 1}[label] for label in labels])
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.count) == ("track-id-is-class", Severity.WARNING, 41)
    assert data.boxes["track_id"].isna().all()


ALL = ("S100T1", "S100T2", "S101T1", "S101T2", "S102T1", "S102T2", "S103T1", "S103T2")
KEPT, DROPPED, SILENT = "track-id-may-be-class", "track-id-is-class", None


def number_labels(folder: Path, numbers: dict[str, int], without: Sequence[str] = ()) -> None:
    """Boxes of the labels in turn, two a trial, with an id for each label; trials without the first label."""
    rows: list[list[object]] = []
    for trial in ALL:
        labels = [label for label in numbers if trial not in without or label != next(iter(numbers))]
        rows += [
            [f"{trial}_frame_{second:08d}.jpeg", 5 * at, 5, 5 * at + 4, 20, label, numbers[label]]
            for second in (1, 2)
            for at, label in enumerate(labels)
        ]
    write_csv(boxes_file(folder), rows, (*layout.BOX_COLUMNS, "tracking_id"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("numbers", "without", "classes", "code"),
    [
        # One track a label, counted from 1 or 0 in each trial: as true ids come out, also in SOCAL's order.
        ({"suction": 1, "grasper": 2}, (), "", KEPT),
        ({"suction": 1, "grasper": 2, "cottonoid": 3}, (), "", KEPT),
        ({"suction": 0, "grasper": 1}, (), "", KEPT),
        ({"grasper": 1, "suction": 2}, (), "", KEPT),
        ({"muscle": 7, "drill": 2}, ALL[:3], "", KEPT),
        # A label that is not there leaves a gap, in every trial or in some, unless it is the last one.
        ({"suction": 0, "grasper": 1, "muscle": 4}, (), "", DROPPED),
        ({"suction": 1, "grasper": 2, "muscle": 5}, (), "", DROPPED),
        ({"grasper": 1, "suction": 0}, ALL[:1], "", KEPT),
        ({"suction": 0, "grasper": 1}, ALL[:1], "", DROPPED),
        ({"suction": 1, "grasper": 2}, ALL[:1], "", DROPPED),
        # The numbers of the folder's own list.
        ({"muscle": 0, "bone": 1}, (), "Muscle\nbone\n", DROPPED),
        ({"muscle": 1, "bone": 2}, (), "muscle\nbone\n", KEPT),
        ({"muscle": 1, "bone": 2}, ALL[:1], "muscle\nbone\n", DROPPED),
        ({"muscle": 0, "bone": 1}, (), "bone\nmuscle\n", KEPT),
        # No more than one label comes in several trials.
        ({"suction": 4}, (), "", SILENT),
        ({"suction": 1, "grasper": 2}, ALL[1:], "", SILENT),
    ],
)
def test_ids_that_are_one_to_one_with_labels(
    folder: Path, numbers: dict[str, int], without: Sequence[str], classes: str, code: str | None
) -> None:
    number_labels(folder, numbers, without)
    if classes:
        (folder / "classes.txt").write_text(classes)
    data = open_dataset(folder)
    told = [problem for problem in data.problems if problem.code.startswith("track-id")]
    assert [(problem.code, problem.severity) for problem in told] == ([(code, Severity.WARNING)] if code else [])
    assert data.boxes["track_id"].isna().all() == (code == DROPPED)
    assert all(problem.count == len(data.boxes) for problem in told)
    if code != DROPPED:
        assert data.boxes["track_id"].tolist() == data.boxes["label"].map(numbers).tolist()


def test_ids_that_count_on_through_all_trials_need_no_word(folder: Path) -> None:
    number_labels(folder, {"suction": 0, "grasper": 1})
    header, *rows = boxes_file(folder).read_text().splitlines()
    again = [f"{row.rpartition(',')[0]},{int(row[-1]) + 2 * ALL.index(row[:6])}" for row in rows]
    boxes_file(folder).write_text("\n".join([header, *again]))
    data = open_dataset(folder)
    assert [problem for problem in data.problems if problem.code.startswith("track-id")] == []
    assert data.boxes["track_id"].nunique() == 16


def test_an_id_twice_in_a_frame_is_kept_where_labels_have_several(folder: Path) -> None:
    give_ids(folder, [1, 1, 2])
    data = open_dataset(folder)
    assert data.problems == ()
    assert data.boxes["track_id"].notna().all()


@pytest.mark.parametrize(
    ("header", "code", "column"),
    [
        ("frame,x1,y1,x2,y2", "missing-column", "label"),
        ("frame,x1,y1,w,h,label", "missing-column", "x2, y2"),
        ("frame,x1,y1,x2,y2,label,x1", "doubled-column", "x1"),
    ],
)
def test_a_header_that_does_not_name_each_column_once(folder: Path, header: str, code: str, column: str) -> None:
    boxes_file(folder).write_text(f"\n{header}\n" + boxes_file(folder).read_text())
    data = open_dataset(folder)
    (problem,) = found(data, code)
    assert (problem.severity, problem.path, problem.row) == (Severity.ERROR, "socal.csv", 2)
    assert problem.parameters["column"] == column
    assert data.boxes.empty


@pytest.mark.sampled(2)
@pytest.mark.parametrize("tenth", range(10))
def test_a_file_cut_off(folder: Path, tenth: int) -> None:
    give_ids(folder, list(range(40)))
    content = boxes_file(folder).read_bytes()
    boxes_file(folder).write_bytes(content[: len(content) * tenth // 10])
    data = open_dataset(folder)
    assert len(data.boxes) < 40
    assert {problem.path for problem in data.problems} == {"socal.csv"}
