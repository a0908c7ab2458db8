from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socal_core.dataset import layout
from socal_core.dataset.boxes import socal_csv
from socal_core.dataset.open import open_dataset
from socal_core.dataset.types import Dataset, Severity
from tests.dataset.editing import append_line, drop_lines, edit_column, found, replace_line
from tests.factories import write_csv, write_dataset

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
    assert data.boxes_of("S100T2")["position"].tolist() == [0, 0, 1, 2, 2]


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
    "2.5,5,12,20,suction",
    "nan,5,12,20,suction",
    "two,5,12,20,suction",
    ",5,12,20,suction",
    ",,,,suction",
    "2,5,inf,20,suction",
    "2,5,1e300,20,suction",
    "2,5,1000000,20,suction",
    "-99999999999999999999,5,12,20,suction",
]


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        *((fields, "bad-coordinates", "whole numbers of pixels") for fields in BAD_COORDINATES),
        ("12,5,2,20,suction", "box-without-area", "x2 must be greater than x1"),
        ("2,20,12,5,suction", "box-without-area", "2, 20, 12, 5"),
        ("2,5,2,20,suction", "box-without-area", "no area"),
        ("2,5,12,5,suction", "box-without-area", "no area"),
        ("2,5,12,20,", "box-without-label", "no label"),
        ("2,5,12,20,N/A", "box-without-label", "no label"),
        ("64,5,70,20,suction", "box-outside-frame", "64x48"),
        ("2,48,12,60,suction", "box-outside-frame", "64x48"),
        ("-9,5,0,20,suction", "box-outside-frame", "-9, 5, 0, 20"),
        ("2,-9,12,-1,suction", "box-outside-frame", "left out"),
        ("99000,5,99999,20,suction", "box-outside-frame", "left out"),
        ("2,5,12,20", "wrong-number-of-fields", "5 fields, not 6"),
        ("2,5,12,20,suction,1", "wrong-number-of-fields", "7 fields, not 6"),
        ('2,5,12,20,"suction', "broken-quotes", "quote"),
    ],
)
def test_a_bad_box_is_left_out_and_named(folder: Path, fields: str, code: str, said: str) -> None:
    replace_line(boxes_file(folder), 2, f"{FRAME},{fields}")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.path, problem.row) == (code, Severity.ERROR, "socal.csv", 2)
    assert said in problem.message
    assert len(data.boxes) == 39
    assert of_first_frame(folder) == FIRST_ROWS[:1]


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
    assert "64x48" in problem.message
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
    (folder / layout.IMAGES_DIR / FRAME).write_bytes(b"no image")
    replace_line(boxes_file(folder), 2, f"{FRAME},-5,10,7000,5000,grasper")
    data = open_dataset(folder)
    assert texts(data.boxes[data.boxes["frame"] == FRAME])[1] == "0,10,7000,48,grasper"
    (problem,) = found(data, "unreadable-frame")
    assert (problem.severity, problem.path) == (Severity.ERROR, f"{layout.IMAGES_DIR}/{FRAME}")


@pytest.mark.parametrize(
    "frame",
    ["S100T1_frame_00000099.jpeg", "NA", f"../JPEGImages/{FRAME}", "/etc/passwd", "..", f"x/../{FRAME}"],
)
@pytest.mark.parametrize("fields", ["2,5,12,20,suction", ",,,,"])
def test_a_row_for_a_frame_that_does_not_exist(folder: Path, frame: str, fields: str) -> None:
    row = append_line(boxes_file(folder), f"{frame},{fields}")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.row) == ("box-without-frame", Severity.ERROR, row)
    assert frame in problem.message
    assert len(data.boxes) == 40


@pytest.mark.parametrize(
    "frame", [f"./{FRAME}", f"/data/{FRAME}", f"C:\\data\\{FRAME}", FRAME[:-5], f"{FRAME[:-5]}.png"]
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
    assert "scissors" in problem.message
    (problem,) = found(data, "label-case")
    assert "Suction" in problem.message
    assert texts(data.boxes[data.boxes["frame"] == FRAME])[-1] == "1,1,9,9,suction"


def test_frames_that_no_row_mentions_are_counted(folder: Path) -> None:
    drop_lines(boxes_file(folder), "S100T1")
    data = open_dataset(folder)
    (problem,) = data.problems
    assert (problem.code, problem.severity, problem.count) == ("frame-without-row", Severity.INFO, 3)
    assert data.boxes_of("S100T1").empty


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


def give_ids(folder: Path, ids: list[object], title: str = "tracking_id") -> None:
    """Write the boxes with a header whose columns run backwards, the given ids in turn."""
    rows = boxes_file(folder).read_text().splitlines()
    header = [",".join(reversed([*layout.BOX_COLUMNS, title]))]
    lines = [",".join(reversed([*row.split(","), str(ids[at % len(ids)])])) for at, row in enumerate(rows)]
    boxes_file(folder).write_text("\n".join(header + lines) + "\n")


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
    assert "left" in problem.message
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
    ("header", "code", "said"),
    [
        ("frame,x1,y1,x2,y2", "missing-column", "has no column label"),
        ("frame,x1,y1,w,h,label", "missing-column", "x2, y2"),
        ("frame,x1,y1,x2,y2,label,x1", "doubled-column", "more than once x1"),
    ],
)
def test_a_header_that_does_not_name_each_column_once(folder: Path, header: str, code: str, said: str) -> None:
    boxes_file(folder).write_text(f"\n{header}\n" + boxes_file(folder).read_text())
    data = open_dataset(folder)
    (problem,) = found(data, code)
    assert (problem.severity, problem.path, problem.row) == (Severity.ERROR, "socal.csv", 2)
    assert said in problem.message
    assert data.boxes.empty


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two trials of two frames."""
    return open_dataset(write_dataset(tmp_path_factory.mktemp("sound") / "data", surgeons=1, frames=2))


LABELS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
BOXES = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 62), st.integers(0, 46), st.integers(1, 64), st.integers(1, 48),
        LABELS | st.sampled_from(layout.LABELS), st.none() | st.integers(0, 10**9),
    ),
    max_size=8,
    unique_by=lambda box: box[:6],
)  # fmt: skip


TWO_TRACKS = [(3, 0, 0, 1, 1, "tool", 1), (3, 0, 0, 2, 2, "tool", 2)]
"""With them, ids are never one to one with labels, as class numbers are."""


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=BOXES)
def test_what_is_written_is_read_again(sound: Dataset, drawn: list[tuple[object, ...]]) -> None:
    tracked = any(box[-1] is not None for box in drawn)
    data = with_boxes(sound, [*TWO_TRACKS, *drawn] if tracked else drawn)
    boxes_file(data.root).unlink()
    socal_csv.write(data, data.root)
    first = boxes_file(data.root).read_bytes()
    again = open_dataset(data.root)
    assert [problem.code for problem in again.problems if problem.severity is not Severity.INFO] == []
    assert found(again, "frame-without-row") == []
    pd.testing.assert_frame_equal(again.boxes, data.boxes)
    socal_csv.write(again, data.root)
    assert boxes_file(data.root).read_bytes() == first


def with_boxes(data: Dataset, drawn: list[tuple[object, ...]]) -> Dataset:
    """The data set with other boxes: place of the frame, corners, label, track id; what is no box is left out."""
    table = pd.DataFrame(drawn, columns=["at", *layout.BOX_COLUMNS[1:], "track_id"]).astype({"label": "str"})
    table["label"] = table["label"].str.strip().str.lower()
    usable = (table["x2"] > table["x1"]) & (table["y2"] > table["y1"])
    usable &= ~table["label"].isin(layout.MISSING_VALUES) & (table["label"].str.strip() == table["label"])
    table = table[usable].drop_duplicates(["at", *layout.BOX_COLUMNS[1:]]).sort_values("at", kind="stable")
    frames = data.frames.take(table["at"].astype("int64")).reset_index(drop=True)
    boxes = pd.concat([frames, table.reset_index(drop=True)], axis=1)
    return replace(data, boxes=boxes[list(data.boxes.columns)].astype(data.boxes.dtypes.to_dict()))


def test_as_published_where_no_box_has_an_id(sound: Dataset, tmp_path: Path) -> None:
    socal_csv.write(with_boxes(sound, [(2, 1, 2, 3, 4, "drill", None)]), tmp_path)
    lines = boxes_file(tmp_path).read_text().splitlines()
    assert lines[0] == "S100T2_frame_00000001.jpeg,1,2,3,4,drill"
    assert lines[1:] == [
        f"{frame},,,,," for frame in (FRAME, FRAME.replace("1.j", "2.j"), "S100T2_frame_00000002.jpeg")
    ]


def test_a_label_of_several_lines_is_written_on_one(sound: Dataset, tmp_path: Path) -> None:
    socal_csv.write(with_boxes(sound, [(0, 1, 2, 3, 4, "drill\nbit", 3)]), tmp_path)
    assert boxes_file(tmp_path).read_text().splitlines()[:2] == [
        "frame,x1,y1,x2,y2,label,tracking_id",
        f"{FRAME},1,2,3,4,drill bit,3",
    ]


@pytest.mark.parametrize("tenth", range(10))
def test_a_file_cut_off(folder: Path, tenth: int) -> None:
    give_ids(folder, list(range(40)))
    content = boxes_file(folder).read_bytes()
    boxes_file(folder).write_bytes(content[: len(content) * tenth // 10])
    data = open_dataset(folder)
    assert len(data.boxes) < 40
    assert {problem.path for problem in data.problems} == {"socal.csv"}
