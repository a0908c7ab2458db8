import json
import shutil
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core import annotations as formats
from socal_core.annotations import coco, socal_csv
from socal_core.annotations.agreement import Agreement, compare_formats
from socal_core.annotations.pairing import KINDS, MOST_BOXES, pair_boxes
from socal_core.annotations.rows import CORNERS
from socal_core.dataset import layout
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from tests.factories import write_csv, write_dataset

FRAME = "S100T1_frame_00000001.jpeg"
COUNTS = list(KINDS)

Box = tuple[str, int, int, int, int, str]


@pytest.fixture
def two_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", (socal_csv.FORMAT, coco.FORMAT))


@pytest.fixture
def folder(tmp_path: Path, two_formats: None) -> Path:
    """Two trials of three frames whose ten boxes are there as CSV and as COCO."""
    root = write_dataset(tmp_path / "data", surgeons=1, frames=3)
    coco.write(open_dataset(root), root)
    return root


def table(boxes: list[Box]) -> pd.DataFrame:
    """The boxes as a data set has them, each frame at the second that its name says."""
    made = pd.DataFrame(boxes, columns=["frame", *CORNERS, "label"]).astype({"frame": "str", "label": "str"})
    return made.astype(dict.fromkeys(CORNERS, "int64"))


def edit(folder: Path, number: int, **changes: object) -> None:
    """Change one COCO annotation (from 1), or drop it."""
    path = folder / "annotations" / "instances.json"
    value = json.loads(path.read_text())
    if changes:
        value["annotations"][number - 1] |= changes
    else:
        del value["annotations"][number - 1]
    path.write_text(json.dumps(value))


def kinds(first: list[Box], second: list[Box]) -> list[str]:
    return sorted(pair_boxes(table(first), table(second))["kind"])


A = ("f", 10, 10, 30, 30, "grasper")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([], [], []),
        ([A], [A], ["exact"]),
        ([A, A], [A], ["exact", "missing"]),
        ([A], [A, A], ["exact", "extra"]),
        ([A, A], [A, A], ["exact", "exact"]),
        ([A], [("g", *A[1:])], ["extra", "missing"]),
        ([A], [], ["missing"]),
        ([], [A], ["extra"]),
        ([A], [("f", 11, 9, 29, 31, "grasper")], ["rounding"]),
        ([A], [("f", 12, 10, 30, 30, "grasper")], ["shifted"]),
        ([A], [("f", 10, 10, 30, 50, "grasper")], ["shifted"]),  # overlap exactly a half
        ([A], [("f", 10, 10, 30, 51, "grasper")], ["extra", "missing"]),
        ([A], [("f", 10, 10, 30, 30, "string")], ["renamed"]),
        ([A], [("f", 11, 11, 31, 31, "string")], ["renamed"]),
        ([A], [("f", 12, 10, 30, 30, "string")], ["extra", "missing"]),
        # A box in its place under another name is taken before one that has only moved.
        ([A], [("f", 12, 12, 32, 32, "grasper"), ("f", 10, 10, 30, 30, "string")], ["extra", "renamed"]),
        # Two boxes that both could be either: none is left alone.
        (
            [A, ("f", 11, 10, 31, 30, "grasper")],
            [("f", 12, 10, 32, 30, "grasper"), ("f", 9, 10, 29, 30, "grasper")],
            ["rounding", "rounding"],
        ),
        (
            [A, ("f", 14, 10, 34, 30, "grasper")],
            [("f", 12, 10, 32, 30, "grasper"), ("f", 20, 10, 40, 30, "grasper")],
            ["shifted", "shifted"],
        ),
    ],
)
def test_pairs(first: list[Box], second: list[Box], expected: list[str]) -> None:
    assert kinds(first, second) == expected


@st.composite
def crowds(draw: st.DrawFn) -> list[Box]:
    """Up to five boxes of one label in one frame, close together."""
    corners = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(12, 20), st.integers(12, 20))
    return [("f", *some, "grasper") for some in draw(st.lists(corners, max_size=5))]


def overlap(first: Box, second: Box) -> float:
    width = min(first[3], second[3]) - max(first[1], second[1])
    height = min(first[4], second[4]) - max(first[2], second[2])
    areas = [(box[3] - box[1]) * (box[4] - box[2]) for box in (first, second)]
    return width * height / (sum(areas) - width * height)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(first=crowds(), second=crowds())
def test_shifted_boxes_are_paired_as_well_as_can_be(first: list[Box], second: list[Box]) -> None:
    """Against all ways to pair what is neither equal nor within a pixel; each box stands in one row."""
    pairs = pair_boxes(table(first), table(second))
    assert sorted(row for row in pairs["first"] if row >= 0) == list(range(len(first)))
    assert sorted(row for row in pairs["second"] if row >= 0) == list(range(len(second)))
    differences = [
        max(abs(first[one][side] - second[other][side]) for side in range(1, 5)) if min(one, other) >= 0 else np.nan
        for one, other in zip(pairs["first"], pairs["second"], strict=True)
    ]
    np.testing.assert_array_equal(pairs["difference"], differences)
    rest = pairs[~pairs["kind"].isin(["exact", "rounding"])]
    left, right = ([row for row in rest[side] if row >= 0] for side in ("first", "second"))
    overlaps = np.array([[overlap(first[one], second[other]) for other in right] for one in left])
    gains = np.where(overlaps >= 0.5, overlaps, 0).reshape(len(left), len(right))
    gains = gains if len(left) <= len(right) else gains.T
    orders = permutations(range(gains.shape[1]), gains.shape[0])
    best = max(gains[range(len(gains)), list(order)].sum() for order in orders)
    shifted = pairs[pairs["kind"] == "shifted"]
    total = sum(overlap(first[one], second[other]) for one, other in shifted[["first", "second"]].to_numpy())
    assert total == pytest.approx(best)


def test_a_crowded_frame_costs_no_memory() -> None:
    """Only equal boxes are paired there: all pairs of this frame would be a hundred million."""
    first = [("f", place, 0, place + 5, 5, "grasper") for place in range(0, 50_000, 5)]
    second = [first[0], *(("f", box[1], 1, *box[3:]) for box in first[1:])]
    assert pd.Series(kinds(first, second)).value_counts().to_dict() == {"missing": 9999, "extra": 9999, "exact": 1}


@pytest.mark.slow
def test_many_frames_are_paired_at_once() -> None:
    first = [(f"f{place % 300}", 10 * place, 0, 10 * place + 9, 5, "grasper") for place in range(300 * 70)]
    second = [(box[0], box[1] + 1, *box[2:]) for box in first]
    assert set(kinds(first, second)) == {"rounding"}


def counts_of(agreement: Agreement) -> dict[str, dict[str, int]]:
    """The counts that are not 0, by label."""
    rows = agreement.summary.set_index("label")[COUNTS].to_dict("index")
    return {str(label): {kind: count for kind, count in row.items() if count} for label, row in rows.items()}


def test_formats_that_agree(folder: Path) -> None:
    agreement = compare_formats(folder)
    assert agreement.formats == ("csv", "coco")
    assert agreement.agrees()
    assert agreement.boxes == {"csv": 10, "coco": 10}
    assert counts_of(agreement) == {"suction": {"exact": 6}, "grasper": {"exact": 4}}
    assert list(agreement.summary["label"]) == ["suction", "grasper"]
    assert agreement.details.empty
    assert agreement.problems == {"csv": (), "coco": ()}
    assert agreement.sentences() == [
        "The 2 formats agree exactly on the boxes of 6 frames (boxes: SOCAL CSV 10, COCO JSON 10).",
        "COCO JSON holds exactly the boxes of SOCAL CSV.",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "kind", "difference", "said"),
    [
        (
            {"bbox": [2, 5, 11, 15]},
            "rounding",
            1,
            "1 of 10 boxes differs by at most one pixel, which rounding explains.",
        ),
        (
            {"bbox": [5, 5, 10, 15]},
            "shifted",
            3,
            f"1 box of 10 is shifted by up to 3 px; suction 1; first in frame {FRAME}.",
        ),
        ({"category_id": 8}, "renamed", 0, f"1 box of 10 has another label; suction 1; first in frame {FRAME}."),
        ({}, "missing", -1, f"1 box of 10 is missing; suction 1; first in frame {FRAME}."),
    ],
)
def test_one_box_differs(folder: Path, changes: dict[str, object], kind: str, difference: int, said: str) -> None:
    edit(folder, 1, **changes)
    agreement = compare_formats(folder)
    assert counts_of(agreement) == {"suction": {"exact": 5, kind: 1}, "grasper": {"exact": 4}}
    (row,) = agreement.details.to_dict("records")
    assert (row["format"], row["frame"], row["trial_id"], row["label"], row["kind"]) == (
        "coco",
        FRAME,
        "S100T1",
        "suction",
        kind,
    )
    assert [row[name] for name in CORNERS] == [2, 5, 12, 20]
    assert agreement.details["difference"].fillna(-1).tolist() == [difference]
    assert row["other_label"] == {"renamed": "scalpel", "missing": ""}.get(kind, "suction")
    shift = 0 if kind == "missing" else difference
    assert agreement.summary["largest_shift"].tolist() == [shift, 0]
    assert agreement.agrees() == (kind == "rounding")
    assert agreement.sentences()[1:] == [f"COCO JSON: {said}"]


def test_a_box_too_many(folder: Path) -> None:
    write_csv(folder / layout.BOXES_FILE, [[FRAME, 2, 5, 12, 20, "suction"]])
    agreement = compare_formats(folder)
    assert counts_of(agreement) == {"suction": {"exact": 1, "extra": 5}, "grasper": {"extra": 4}}
    first = agreement.details.iloc[0]
    assert (first["kind"], first["label"], first["frame"]) == ("extra", "grasper", FRAME)
    assert first[list(CORNERS)].isna().all()
    assert first[[f"other_{name}" for name in CORNERS]].tolist() == [30, 10, 45, 30]
    assert agreement.details["frame"].is_monotonic_increasing
    assert agreement.sentences()[0].startswith("The 2 formats do not agree")
    assert "9 boxes of 10 stand there in addition; suction 5, grasper 4; first in frame" in agreement.sentences()[1]


def test_boxes_that_all_lie_a_pixel_aside_are_no_rounding(folder: Path) -> None:
    boxes = open_dataset(folder).boxes
    for number, (x1, y1, x2, y2) in enumerate(boxes[list(CORNERS)].to_numpy().tolist(), start=1):
        edit(folder, number, bbox=[x1 - 1, y1 - 1, x2 - x1, y2 - y1])
    agreement = compare_formats(folder)
    assert agreement.agrees()
    assert agreement.sentences()[1] == (
        "COCO JSON: 10 of 10 boxes differ by at most one pixel; 10 of them lie a pixel further left and up with all "
        "corners, which is no rounding: one of the two counts pixels from 0, the other from 1."
    )


def test_labels_in_another_case_are_the_same(folder: Path) -> None:
    path = folder / "annotations" / "instances.json"
    path.write_text(path.read_text().replace('"suction"', '"Suction"'))
    agreement = compare_formats(folder)
    assert agreement.details.empty
    assert [problem.code for problem in agreement.problems["coco"]] == ["label-case"]
    assert agreement.problems["csv"] == ()


def test_the_chosen_format_is_what_the_others_are_held_against(folder: Path) -> None:
    edit(folder, 1)
    agreement = compare_formats(folder, OpenOptions(boxes="coco"))
    assert agreement.formats == ("coco", "csv")
    assert counts_of(agreement)["suction"] == {"exact": 5, "extra": 1}


@pytest.mark.slow
@pytest.mark.parametrize(("there", "said"), [((), "no boxes"), (("csv",), "in one format alone (SOCAL CSV 10)")])
def test_nothing_to_compare(folder: Path, there: tuple[str, ...], said: str) -> None:
    shutil.rmtree(folder / "annotations")
    if not there:
        (folder / layout.BOXES_FILE).unlink()
    agreement = compare_formats(folder)
    assert agreement.formats == there
    assert agreement.summary.empty
    assert said in agreement.sentences()[0]
    assert list(agreement.as_dict()["summary"]) == []


def test_a_broken_file_is_all_missing(folder: Path) -> None:
    (folder / "annotations" / "instances.json").write_text("{")
    agreement = compare_formats(folder)
    assert agreement.summary["missing"].sum() == 10
    assert agreement.problems["coco"][0].code == "unreadable-file"


def test_a_crowded_frame_is_told(folder: Path) -> None:
    path = folder / "annotations" / "instances.json"
    value = json.loads(path.read_text())
    box = value["annotations"][0]
    value["annotations"] += [box | {"bbox": [x, y, 1, 1]} for x in range(30) for y in range(MOST_BOXES // 30 + 1)]
    path.write_text(json.dumps(value))
    agreement = compare_formats(folder)
    assert agreement.crowded == {"coco": 1}
    assert "1 frame has more than 200 boxes that differ" in agreement.sentences()[-1]


def test_it_goes_into_json(folder: Path) -> None:
    edit(folder, 1, category_id=8)
    edit(folder, 3)
    value = json.loads(json.dumps(compare_formats(folder).as_dict(), allow_nan=False))
    assert value["formats"] == ["csv", "coco"]
    assert value["agrees"] is False
    assert value["boxes"] == {"csv": 10, "coco": 9}
    assert {entry["kind"]: entry["other_x1"] for entry in value["details"]} == {"renamed": 2, "missing": None}
    assert value["summary"][0]["label"] == "suction"
    assert len(value["sentences"]) == 3


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        compare_formats(tmp_path / "gone")


def test_nothing_is_written(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    compare_formats(folder)
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before


@pytest.mark.parametrize(("key", "exact"), [("voc", 1000), ("yolo", 0)])
def test_the_real_trials(real_trials: Path, key: str, exact: int) -> None:
    """YOLO's boxes were made by a script that takes 1 from VOC's corners; the file says so in all 1,000 of them."""
    agreement = compare_formats(real_trials)
    rows = agreement.summary[agreement.summary["format"] == key]
    assert rows["exact"].sum() == exact
    assert rows["rounding"].sum() == 1000 - exact
    assert agreement.agrees(key)
    words = " ".join(agreement.sentences())
    assert "Pascal VOC holds exactly the boxes of SOCAL CSV." in words
    assert "992 of them lie a pixel further left and up with all corners" in words
