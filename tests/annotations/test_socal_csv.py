from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import append_line, drop_lines, edit_column, found, replace_line

FRAME = "S100T1_frame_00000001.jpeg"
FIRST_ROWS = ["2,5,12,20,suction", "30,10,45,30,grasper"]
"""The boxes of FRAME in a sound folder; its frames have 64x48 pixels."""


def boxes_file(folder: Path) -> Path:
    return folder / layout.BOXES_FILE


def texts(boxes: pd.DataFrame) -> list[str]:
    return [",".join(map(str, row)) for row in boxes[list(layout.BOX_COLUMNS[1:])].itertuples(index=False)]


def of_first_frame(folder: Path) -> list[str]:
    boxes = open_dataset(folder).boxes
    return texts(boxes[boxes["frame"] == FRAME])


def test_a_sound_folder(folder: Path) -> None:
    data = open_dataset(folder)
    assert data.problems == ()
    assert of_first_frame(folder) == FIRST_ROWS
    assert {column: str(dtype) for column, dtype in data.boxes.dtypes.items()} == {
        "frame": "str",
        "trial_id": "str",
        "position": "int64",
        **dict.fromkeys(("x1", "y1", "x2", "y2"), "int64"),
        "label": "str",
        "track_id": "Int64",
    }
    assert data.boxes["track_id"].isna().all()
    assert data.boxes.merge(data.frames, on=["frame", "trial_id", "position"]).shape[0] == len(data.boxes) == 40
    assert data.boxes.groupby("trial_id")["position"].get_group("S100T2").tolist() == [0, 0, 1, 2, 2]


def test_boxes_come_in_the_order_of_their_frames(folder: Path) -> None:
    lines = boxes_file(folder).read_text().splitlines()
    boxes_file(folder).write_text("\n".join(reversed(lines)))
    boxes = open_dataset(folder).boxes
    assert boxes["frame"].is_monotonic_increasing
    assert texts(boxes)[:2] == FIRST_ROWS[::-1]


@pytest.mark.parametrize(
    "header", ["frame,x1,y1,x2,y2,label", '"frame","x1","y1","x2","y2","label"', " Frame, X1, Y1, X2, Y2, Label"]
)
def test_a_header_is_skipped(folder: Path, header: str) -> None:
    boxes_file(folder).write_text(header + "\n" + boxes_file(folder).read_text())
    data = open_dataset(folder)
    assert data.problems == ()
    assert len(data.boxes) == 40


@pytest.mark.parametrize("fields", [",,,,", "N/A,N/A,N/A,N/A,N/A", "NA,nan,,NULL,none"])
def test_a_frame_without_a_tool(folder: Path, fields: str) -> None:
    drop_lines(boxes_file(folder), FRAME)
    append_line(boxes_file(folder), f"{FRAME},{fields}")
    data = open_dataset(folder)
    assert data.problems == ()
    assert len(data.boxes) == 38


BAD_COORDINATES = [
    "nan,5,12,20,suction",
    "two,5,12,20,suction",
    ",5,12,20,suction",
    ",,,,suction",
    "2,5,inf,20,suction",
    "2,5,1e300,20,suction",
    "2,5,1000000,20,suction",
    "-99999999999999999999,5,12,20,suction",
]


def corners(*values: object) -> dict[str, object]:
    return dict(zip(("x1", "y1", "x2", "y2"), values, strict=True))


def given(fields: str) -> dict[str, object]:
    """The parameters of corners that cannot be read: as the file has them."""
    return {**corners(*fields.split(",")[:4]), "expected": "numbers of pixels"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("fields", "code", "parameters"),
    [
        *((fields, "bad-coordinates", given(fields)) for fields in BAD_COORDINATES),
        ("12,5,2,20,suction", "box-without-area", corners(12, 5, 2, 20)),
        ("2,20,12,5,suction", "box-without-area", corners(2, 20, 12, 5)),
        ("2,5,2,20,suction", "box-without-area", corners(2, 5, 2, 20)),
        ("2,5,12,5,suction", "box-without-area", corners(2, 5, 12, 5)),
        ("2,5,12,20,", "box-without-label", corners(2, 5, 12, 20)),
        ("2,5,12,20,N/A", "box-without-label", corners(2, 5, 12, 20)),
        ("64,5,70,20,suction", "box-outside-frame", {**corners(64, 5, 70, 20), "size": "64x48"}),
        ("2,48,12,60,suction", "box-outside-frame", {**corners(2, 48, 12, 60), "size": "64x48"}),
        ("-9,5,0,20,suction", "box-outside-frame", {**corners(-9, 5, 0, 20), "size": "64x48"}),
        ("2,-9,12,-1,suction", "box-outside-frame", {**corners(2, -9, 12, -1), "size": "64x48"}),
        ("99000,5,99999,20,suction", "box-outside-frame", {**corners(99000, 5, 99999, 20), "size": "64x48"}),
        ("2,5,12,20", "wrong-number-of-fields", {"fields": 5, "expected": 6}),
        ("2,5,12,20,suction,1", "wrong-number-of-fields", {"fields": 7, "expected": 6}),
        ('2,5,12,20,"suction', "broken-quotes", {}),
    ],
)
def test_a_bad_box_is_left_out_and_named(folder: Path, fields: str, code: str, parameters: dict[str, object]) -> None:
    replace_line(boxes_file(folder), 2, f"{FRAME},{fields}")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.path, problem.row) == (code, Severity.ERROR, "socal.csv", 2)
    assert problem.parameters == parameters
    assert len(data.boxes) == 39
    assert of_first_frame(folder) == FIRST_ROWS[:1]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("fields", "clipped"),
    [
        ("-3,5,12,20,suction", "0,5,12,20,suction"),
        ("30,-1,45,30,grasper", "30,0,45,30,grasper"),
        ("30,10,65,30,grasper", "30,10,64,30,grasper"),
        ("30,10,45,99,grasper", "30,10,45,48,grasper"),
        ("-9,-9,999,999,tool", "0,0,64,48,tool"),
    ],
)
def test_a_box_past_the_edge_is_cut_there(folder: Path, fields: str, clipped: str) -> None:
    replace_line(boxes_file(folder), 2, f"{FRAME},{fields}")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.row) == ("box-past-edge", Severity.WARNING, 2)
    x1, y1, x2, y2, _ = fields.split(",")
    assert problem.parameters == {**corners(int(x1), int(y1), int(x2), int(y2)), "size": "64x48"}
    assert of_first_frame(folder) == [FIRST_ROWS[0], clipped]


def test_a_box_that_ends_at_the_edge_is_in_order(folder: Path) -> None:
    replace_line(boxes_file(folder), 2, f"{FRAME},0,0,64,48,tool")
    assert open_dataset(folder).problems == ()


def test_edges_come_from_the_frame_where_the_outcomes_do_not_say(folder: Path) -> None:
    edit_column(folder / layout.OUTCOMES_FILE, "trial_video_width", "NA")
    replace_line(boxes_file(folder), 2, f"{FRAME},30,10,70,50,grasper")
    assert of_first_frame(folder) == [FIRST_ROWS[0], "30,10,64,48,grasper"]


def test_edges_that_nobody_knows_cut_nothing(folder: Path) -> None:
    edit_column(folder / layout.OUTCOMES_FILE, "trial_video_width", "NA")
    for path in (folder / layout.IMAGES_DIR).glob(f"{FRAME.partition('_')[0]}_*"):
        path.write_bytes(b"no image")
    replace_line(boxes_file(folder), 2, f"{FRAME},-5,10,7000,5000,grasper")
    data = open_dataset(folder)
    assert texts(data.boxes[data.boxes["frame"] == FRAME])[1] == "0,10,7000,48,grasper"
    (problem,) = found(data, "unreadable-frame")
    assert (problem.severity, problem.path) == (Severity.ERROR, f"{layout.IMAGES_DIR}/{FRAME}")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "frame",
    ["S100T1_frame_00000099.jpeg", "NA", "../JPEGImages/S9T9_frame_00000001.jpeg", "/etc/passwd", ".."],
)
@pytest.mark.parametrize("fields", ["2,5,12,20,suction", ",,,,"])
def test_a_row_for_a_frame_that_does_not_exist(folder: Path, frame: str, fields: str) -> None:
    row = append_line(boxes_file(folder), f"{frame},{fields}")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.row) == ("box-without-frame", Severity.ERROR, row)
    assert problem.parameters == {"frame": frame}
    assert len(data.boxes) == 40


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "frame",
    [
        f"./{FRAME}",
        f"/data/{FRAME}",
        f"C:\\data\\{FRAME}",
        FRAME[:-5],
        f"{FRAME[:-5]}.png",
        f"../JPEGImages/{FRAME}",
        FRAME.upper(),
    ],
)
def test_a_frame_is_found_by_its_stem(folder: Path, frame: str) -> None:
    append_line(boxes_file(folder), f"{frame},1,2,3,4,drill")
    data = open_dataset(folder)
    assert data.problems == ()
    assert of_first_frame(folder) == [*FIRST_ROWS, "1,2,3,4,drill"]


def test_a_doubled_row_is_used_once(folder: Path) -> None:
    row = append_line(boxes_file(folder), f"{FRAME},{FIRST_ROWS[0]}")
    append_line(boxes_file(folder), f"{FRAME},2,5,12,20,grasper")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.row) == ("doubled-box", Severity.WARNING, row)
    assert len(data.boxes) == 41


def test_a_row_doubled_but_for_the_case_of_its_label_is_used_once(folder: Path) -> None:
    row = append_line(boxes_file(folder), f"{FRAME},{FIRST_ROWS[0].title()}")
    data = open_dataset(folder)
    assert [problem.row for problem in found(data, "doubled-box")] == [row]
    assert len(data.boxes) == 40


def test_a_frame_both_with_and_without_boxes(folder: Path) -> None:
    row = append_line(boxes_file(folder), f"{FRAME},,,,,")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.row) == ("contradicting-rows", Severity.WARNING, row)
    assert len(data.boxes) == 40


def test_labels_that_socal_does_not_use_are_kept_and_counted(folder: Path) -> None:
    for fields in ("1,1,9,9,scissors", "2,2,9,9,scissors", "1,1,9,9,Suction"):
        append_line(boxes_file(folder), f"{FRAME},{fields}")
    data = open_dataset(folder)
    assert len(data.boxes) == 43
    (problem,) = found(data, "unknown-label")
    assert (problem.severity, problem.count) == (Severity.INFO, 2)
    assert problem.parameters == {"label": "scissors", "preset": "SOCAL"}
    (problem,) = found(data, "label-case")
    assert problem.parameters == {"labels": "Suction"}
    assert texts(data.boxes[data.boxes["frame"] == FRAME])[-1] == "1,1,9,9,suction"


def test_frames_that_no_row_mentions_are_counted(folder: Path) -> None:
    drop_lines(boxes_file(folder), "S100T1")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.count) == ("frame-without-row", Severity.INFO, 3)
    assert "S100T1" not in set(data.boxes["trial_id"])


@pytest.mark.parametrize(
    ("content", "code", "severity"),
    [
        (None, "no-boxes-file", Severity.WARNING),
        (b"", "empty-file", Severity.ERROR),
        (b"\x00\xff\xfe garbage\n", "wrong-number-of-fields", Severity.ERROR),
        (b"frame,x1,y1,x2,y2,label\n", "frame-without-row", Severity.INFO),
    ],
)
def test_without_boxes_the_data_set_opens(folder: Path, content: bytes | None, code: str, severity: Severity) -> None:
    boxes_file(folder).unlink()
    if content is not None:
        boxes_file(folder).write_bytes(content)
    data = open_dataset(folder)
    assert found(data, code)[0].severity is severity
    assert data.boxes.empty
    sound = {"x1": "int64", "label": "str", "track_id": "Int64", "frame": "str"}
    assert {column: str(data.boxes[column].dtype) for column in sound} == sound
    assert data.trials["usable"].all()


def test_the_count_of_many_bad_rows_is_true(folder: Path) -> None:
    with boxes_file(folder).open("a") as file:
        file.writelines(f"{FRAME},{index},5,0,20,suction\n" for index in range(1000))
    data = open_dataset(folder)
    problems = found(data, "box-without-area")
    assert len(problems) == 51
    assert sum(problem.count for problem in problems) == 1000
    assert [problem.row for problem in problems[:50]] == list(range(41, 91))
