from pathlib import Path

import pytest

from socal_core.annotations.tracker import track_all
from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import append_line, found, replace_line

FRAME = "S100T1_frame_00000001.jpeg"


@pytest.fixture
def tracked(folder: Path) -> Path:
    """A sound folder with a track id for every box: 7 for suction, 8 for grasper."""
    rows = (folder / layout.BOXES_FILE).read_text().splitlines()
    lines = [",".join(layout.TRACK_COLUMNS), *(f"{row},{7 if 'suction' in row else 8}" for row in rows)]
    (folder / layout.TRACKS_FILE).write_text("\n".join(lines) + "\n")
    return folder


def test_every_box_gets_its_id(tracked: Path) -> None:
    data = open_dataset(tracked)
    assert data.problems == ()
    assert dict(zip(data.boxes["label"], data.boxes["track_id"], strict=True)) == {"suction": 7, "grasper": 8}
    assert len(data.boxes) == 40
    assert set(track_all(data.boxes)["track_source"]) == {"file"}


def test_the_order_of_rows_and_columns_does_not_matter(tracked: Path) -> None:
    path = tracked / layout.TRACKS_FILE
    header, *rows = (",".join(reversed(line.split(","))) for line in path.read_text().splitlines())
    path.write_text("\n".join([header, *reversed(rows)]))
    data = open_dataset(tracked)
    assert data.problems == ()
    assert data.boxes["track_id"].notna().all()


def test_a_clipped_box_keeps_its_id(tracked: Path) -> None:
    replace_line(tracked / layout.BOXES_FILE, 2, f"{FRAME},30,10,99,30,grasper")
    replace_line(tracked / layout.TRACKS_FILE, 3, f"{FRAME},30,10,99,30,grasper,8")
    data = open_dataset(tracked)
    assert [problem.code for problem in data.problems] == ["box-past-edge"]
    assert data.boxes.loc[1, ["x2", "track_id"]].tolist() == [64, 8]


ROW = {"boxes_file": layout.BOXES_FILE, "frame": FRAME, "x1": 30, "y1": 10, "x2": 45, "y2": 30, "label": "grasper"}
TEXTS = {"x1": "30", "y1": "10", "x2": "45", "y2": "30", "track_id": "8"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("row", "line", "code", "parameters"),
    [
        (3, f"{FRAME},30,10,45,31,grasper,8", "track-without-box", {**ROW, "y2": 31}),
        (3, f"{FRAME},30,10,45,30,suction,8", "track-without-box", {**ROW, "label": "suction"}),
        (3, f"{FRAME},30,10,45,30,grasper,A", "bad-track-row", {**TEXTS, "track_id": "A"}),
        (3, f"{FRAME},30,ten,45,30,grasper,8", "bad-track-row", {**TEXTS, "y1": "ten"}),
        (3, f"{FRAME},30,10,45,30,grasper,7", "doubled-track-id", {"frame": FRAME, "track_id": 7}),
    ],
)
def test_bad_rows(tracked: Path, row: int, line: str, code: str, parameters: dict[str, object]) -> None:
    replace_line(tracked / layout.TRACKS_FILE, row, line)
    data = open_dataset(tracked)
    (problem,) = found(data, code)
    assert (problem.severity, problem.path, problem.row) == (Severity.WARNING, layout.TRACKS_FILE, row)
    assert problem.parameters == parameters
    assert len(data.boxes) == 40
    unmatched = found(data, "box-without-track")
    assert [problem.row for problem in unmatched] == ([] if code == "doubled-track-id" else [2])
    assert data.boxes["track_id"].isna().sum() == len(unmatched)


@pytest.mark.parametrize("content", ["", "frame,x1,y1,x2,y2,label\n", "a,b\n1,2\n"])
def test_a_useless_file_is_named_and_no_box_is_lost(folder: Path, content: str) -> None:
    (folder / layout.TRACKS_FILE).write_text(content)
    data = open_dataset(folder)
    assert {problem.path for problem in data.problems} == {layout.TRACKS_FILE}
    assert len(data.boxes) == 40
    assert data.boxes["track_id"].isna().all()


def test_a_box_that_stands_twice_takes_one_id(tracked: Path) -> None:
    append_line(tracked / layout.TRACKS_FILE, f"{FRAME},2,5,12,20,suction,9")
    data = open_dataset(tracked)
    assert data.problems == ()
    assert data.boxes.loc[0, "track_id"] == 7
    assert len(data.boxes) == 40
