import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socal_core.dataset import boxes as formats
from socal_core.dataset import layout
from socal_core.dataset.boxes import coco
from socal_core.dataset.boxes.rows import BOX_DTYPES, BoxRows, KnownFrames
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.types import Severity
from tests.conftest import SHARED_DATA
from tests.dataset.editing import found
from tests.factories import write_csv, write_dataset

FILE = "annotations/instances.json"
FRAME = "S100T1_frame_00000001.jpeg"
FIXTURE = SHARED_DATA / "annotation-formats" / "coco_dataset" / "coco_instances"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two trials of three frames."""
    return write_dataset(tmp_path / "data", surgeons=1, frames=3)


def content(**changes: Any) -> dict[str, Any]:
    """Two images, the second without a tool, one box and one class."""
    return {
        "categories": [{"id": 1, "name": "Grasper"}],
        "images": [
            {"id": 7, "file_name": FRAME, "width": 64, "height": 48},
            {"id": 8, "file_name": "S100T1_frame_00000002.jpeg"},
        ],
        "annotations": [annotation()],
    } | changes


def annotation(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 5, 20, 15], "iscrowd": 0} | changes


def without(values: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def place(folder: Path, value: object, name: str = FILE) -> None:
    """Put a COCO file in place of the folder's CSV."""
    (folder / layout.BOXES_FILE).unlink(missing_ok=True)
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.astype({"track_id": "object"}).replace({pd.NA: None}).to_dict("records")


def read_rows(folder: Path, frames: list[str]) -> tuple[BoxRows, ProblemLog, list[str]]:
    """What the reader itself gives for a folder whose frames are these."""
    table = pd.DataFrame({"frame": frames, "trial_id": "S1T1", "position": range(len(frames))})
    trials = pd.DataFrame({"width": [pd.NA], "height": [pd.NA]}, index=["S1T1"], dtype="Int64")
    data, log = DataFolder(folder), ProblemLog()
    files = coco.find(data)
    return coco.read(data, files, KnownFrames(table, trials), log), log, files


def test_a_box_is_read_as_its_corners(folder: Path) -> None:
    place(folder, content())
    data = open_dataset(folder)
    assert data.box_format == "coco"
    assert records(data.boxes.drop(columns="trial_id")) == [
        {"frame": FRAME, "position": 0, "x1": 10, "y1": 5, "x2": 30, "y2": 20, "label": "grasper", "track_id": None}
    ]
    assert {problem.code for problem in data.problems} == {"label-case", "frame-without-row"}
    assert found(data, "frame-without-row")[0].count == 4  # the second image counts as without a tool


def test_the_fixture_in_two_files() -> None:
    if not FIXTURE.is_dir():
        pytest.skip("the fixtures are not on this machine")
    rows, log, files = read_rows(FIXTURE, ["a.jpg", "b.jpg"])
    assert files == ["annotations/instances_train.json", "annotations/instances_val.json"]
    assert records(rows.boxes.reset_index()) == [
        {
            "row": 1,
            "file": files[0],
            "frame": "a.jpg",
            "x1": 2.0,
            "y1": 2.0,
            "x2": 5.0,
            "y2": 3.0,
            "label": "b",
            "track_id": None,
        },
        {
            "row": 1,
            "file": files[1],
            "frame": "b.jpg",
            "x1": 0.0,
            "y1": 0.0,
            "x2": 1.0,
            "y2": 2.0,
            "label": "a",
            "track_id": None,
        },
    ]
    (crowd,) = log.problems()
    assert (crowd.code, crowd.severity, crowd.path, crowd.row) == ("crowd-annotation", Severity.INFO, files[1], 2)


@pytest.mark.parametrize(
    ("name", "images_dir"),
    [
        ("annotations/instances_train.json", "JPEGImages"),
        ("annotations/person.json", "JPEGImages"),
        ("boxes.JSON", "JPEGImages"),
        ("JPEGImages/_annotations.coco.json", "JPEGImages"),
        ("images/_annotations.coco.json", "images"),
        ("images/train/_annotations.coco.json", "images"),
        ("valid/_annotations.coco.json", "JPEGImages"),
    ],
)
def test_where_it_is_found(folder: Path, name: str, images_dir: str) -> None:
    (folder / "JPEGImages").rename(folder / images_dir)
    (folder / name).parent.mkdir(exist_ok=True)
    place(folder, content(), name)
    assert coco.find(DataFolder(folder)) == [name]
    assert len(open_dataset(folder).boxes) == 1


@pytest.mark.parametrize("value", [{"images": []}, {"annotations": []}, [], b"", b"\xff\xfe\x00"])
def test_other_json_files_are_none_of_ours(folder: Path, value: object) -> None:
    place(folder, value, "annotations/other.json")
    place(folder, value, "other.json")
    assert coco.find(DataFolder(folder)) == []


def test_links_out_of_the_folder_are_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "instances.json").write_text(json.dumps(content()))
    (folder / "annotations").symlink_to(outside)
    (folder / "linked.json").symlink_to(outside / "instances.json")
    assert coco.find(DataFolder(folder)) == []


@pytest.mark.parametrize(
    ("changes", "track"),
    [
        ({"attributes": {"track_id": 3, "occluded": False}}, 3),
        ({"attributes": {"track_id": "3"}, "track_id": 4}, 3),
        ({"attributes": {"occluded": True}, "track_id": 4}, 4),
        ({"attributes": None, "tracking_id": 0}, 0),
        ({"attributes": [], "track_id": 5.0}, 5),
        ({"track_id": None}, None),
        ({}, None),
    ],
)
def test_track_ids(folder: Path, changes: dict[str, Any], track: int | None) -> None:
    place(folder, content(annotations=[annotation(**changes)]))
    data = open_dataset(folder)
    assert data.boxes["track_id"].tolist() == [pd.NA if track is None else track]
    assert not found(data, "bad-track-id")


@pytest.mark.parametrize("given_id", [True, [], {}, 1.5, "left", 10**12, 10**400, "", -0.5])
def test_a_bad_track_id_keeps_the_box(folder: Path, given_id: object) -> None:
    place(folder, content(annotations=[annotation(), annotation(bbox=[1, 1, 2, 2], track_id=given_id)]))
    data = open_dataset(folder)
    (problem,) = found(data, "bad-track-id")
    assert (problem.path, problem.row) == (FILE, 2)
    assert data.boxes["track_id"].isna().tolist() == [True, True]


BAD_NUMBERS = ["12", None, True, [], {}, [1], 10**400]


@pytest.mark.parametrize(
    ("entry", "code", "severity"),
    [
        *((annotation(bbox=[value, 5, 20, 15]), "bad-coordinates", Severity.ERROR) for value in BAD_NUMBERS),
        (annotation(bbox=[1, 5, float("nan"), 15]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[1, 5, 1e300, 15]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[1, 5, float("-inf"), 15]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[float("inf"), 5, float("-inf"), 15]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[1, 2, 3]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[1, 2, 3, 4, 5]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox={"x": 1}), "bad-coordinates", Severity.ERROR),
        (annotation(bbox="1 2 3 4"), "bad-coordinates", Severity.ERROR),
        (without(annotation(), "bbox"), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[10, 5, -20, 15]), "box-without-area", Severity.ERROR),
        (annotation(bbox=[100, 5, 20, 15]), "box-outside-frame", Severity.ERROR),
        (annotation(iscrowd=1), "crowd-annotation", Severity.INFO),
        (annotation(iscrowd=True), "crowd-annotation", Severity.INFO),
        (annotation(bbox=None, segmentation=[[1, 2, 3, 4, 5, 6]]), "mask-without-box", Severity.INFO),
        (annotation(bbox=[], segmentation={"counts": [1], "size": [4, 4]}), "mask-without-box", Severity.INFO),
        (annotation(category_id=None), "box-without-label", Severity.ERROR),
        (annotation(category_id=[1]), "box-without-label", Severity.ERROR),
        (without(annotation(), "category_id"), "box-without-label", Severity.ERROR),
        (annotation(image_id=99), "box-without-frame", Severity.ERROR),
        (annotation(image_id=[7]), "box-without-frame", Severity.ERROR),
        (annotation(image_id=True), "box-without-frame", Severity.ERROR),
        (annotation(image_id=float("nan")), "box-without-frame", Severity.ERROR),
        (without(annotation(), "image_id"), "box-without-frame", Severity.ERROR),
        (None, "bad-entry", Severity.ERROR),
        ([1, 2], "bad-entry", Severity.ERROR),
        ("box", "bad-entry", Severity.ERROR),
    ],
)
def test_a_bad_annotation_costs_itself_alone(folder: Path, entry: object, code: str, severity: Severity) -> None:
    place(folder, content(annotations=[annotation(), entry, annotation(bbox=[0, 0, 5, 5])]))
    data = open_dataset(folder)
    (problem,) = found(data, code)
    assert (problem.severity, problem.path, problem.row) == (severity, FILE, 2)
    assert len(problem.message) < 300
    assert data.boxes["x2"].tolist() == [30, 5]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"file_name": FRAME}, "bad-entry"),
        ({"id": None, "file_name": FRAME}, "bad-entry"),
        ({"id": [7], "file_name": FRAME}, "bad-entry"),
        ({"id": 1.5, "file_name": FRAME}, "bad-entry"),
        ({"id": 9}, "bad-entry"),
        ({"id": 9, "file_name": 5}, "bad-entry"),
        ({"id": 9, "file_name": "  "}, "bad-entry"),
        ({"id": 9, "file_name": "x" * 256}, "bad-entry"),
        ({"id": "x" * 256, "file_name": FRAME}, "bad-entry"),
        ({"id": 7, "file_name": "S100T1_frame_00000003.jpeg"}, "doubled-image-id"),
        ({"id": 9, "file_name": "../../etc/passwd"}, "box-without-frame"),
        ({"id": 9, "file_name": "/etc/hosts"}, "box-without-frame"),
        ({"id": 9, "file_name": "C:\\frames\\a.jpg"}, "box-without-frame"),
        ({"id": 9, "file_name": "\ud800"}, "box-without-frame"),
        (17, "bad-entry"),
    ],
)
def test_a_bad_image_costs_itself_alone(folder: Path, image: object, code: str) -> None:
    images = [*content()["images"], image]
    place(folder, content(images=images))
    data = open_dataset(folder)
    (problem,) = found(data, code)
    assert (problem.severity, problem.path, problem.row) == (Severity.ERROR, FILE, 3)
    assert data.boxes["frame"].tolist() == [FRAME]


@pytest.mark.parametrize(("image_id", "pointer"), [("a-1", "a-1"), ("7", 7), (7, "7"), (7.0, 7), (10**20, 10**20)])
def test_image_ids_of_all_kinds(folder: Path, image_id: object, pointer: object) -> None:
    images = [{"id": image_id, "file_name": f"train/{FRAME}"}]
    place(folder, content(images=images, annotations=[annotation(image_id=pointer)]))
    assert open_dataset(folder).boxes["frame"].tolist() == [FRAME]


@pytest.mark.parametrize(
    ("categories", "code", "label"),
    [
        ([], "class-without-name", "class 1"),
        ([{"id": 2, "name": "a"}], "class-without-name", "class 1"),
        ([{"id": 1, "name": ["a"]}], "class-without-name", "class 1"),
        ([{"id": {}, "name": "a"}], "bad-entry", "class 1"),
        (["grasper"], "bad-entry", "class 1"),
        ([{"id": 1, "name": "x" * 10_000_000}], "bad-entry", "class 1"),
        ({"1": "grasper"}, "missing-list", "class 1"),
        ([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}], "doubled-class", "a"),
        ([{"id": "1", "name": " Drill "}], "label-case", "drill"),
    ],
)
def test_categories(folder: Path, categories: object, code: str, label: str) -> None:
    place(folder, content(categories=categories))
    data = open_dataset(folder)
    assert len(found(data, code)) == 1
    assert data.boxes["label"].tolist() == [label]


def test_classes_without_names_are_told_once(folder: Path) -> None:
    boxes = [annotation(category_id=number % 2 + 4, bbox=[number, 0, 5, 5]) for number in range(20)]
    place(folder, without(content(annotations=boxes), "categories"))
    data = open_dataset(folder)
    (problem,) = found(data, "class-without-name")
    assert (problem.count, problem.path) == (20, FILE)
    assert "4, 5" in problem.message
    assert not found(data, "missing-list")


@pytest.mark.parametrize("key", ["images", "annotations"])
@pytest.mark.parametrize("value", [None, {}, "text", 5, True])
def test_a_list_that_is_none(folder: Path, key: str, value: object) -> None:
    place(folder, content(**{key: value}))
    data = open_dataset(folder)
    (problem,) = found(data, "missing-list")
    assert problem.path == FILE
    assert key in problem.message
    assert data.boxes.empty


def test_an_image_of_another_size_is_told(folder: Path) -> None:
    images = [{"id": 7, "file_name": FRAME, "width": 640, "height": 640.0}]
    place(folder, content(images=images))
    (problem,) = found(open_dataset(folder), "frame-size-differs")
    assert (problem.path, problem.row) == (FILE, 1)
    assert "640x640 pixels in this file, 64x48 in its trial" in problem.message


UNREADABLE = {
    "empty": (b"", "no JSON"),
    "blank": (b" \n ", "no JSON"),
    "list": (b"[1]", "must be an object"),
    "null": (b"null", "must be an object"),
    "deep": (b'{"images": ' + b"[" * 100_000, "nested too deep"),
    "deep objects": (b'{"a":' * 100_000, "nested too deep"),
    "text": (b"frame,x1,y1,x2,y2,label\n", "line 1"),
    "binary": (bytes(range(256)), "no JSON"),
    "second line": (b'{"images":\n[1,}', "line 2"),
    "many values": (b"[" + b"[]," * 4_000_000 + b"0]", "memory"),
    "many objects": (b'{"images":[' + b"{}," * 4_000_000 + b"0]}", "memory"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read(folder: Path, name: str) -> None:
    value, said = UNREADABLE[name]
    place(folder, value)
    data = open_dataset(folder)
    (problem,) = [problem for problem in data.problems if problem.severity is Severity.ERROR]
    assert problem.path == FILE
    assert said in problem.message
    assert data.boxes.empty


def test_a_file_cut_off_anywhere(folder: Path) -> None:
    whole = json.dumps(content()).encode()
    for tenth in range(10):
        place(folder, whole[: len(whole) * tenth // 10])
        data = open_dataset(folder)
        assert [problem.path for problem in found(data, "unreadable-file")] == [FILE]
        assert data.boxes.empty


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings(folder: Path, encoding: str) -> None:
    place(folder, json.dumps(content()).encode(encoding))
    assert len(open_dataset(folder).boxes) == 1


def test_latin_letters_are_read_and_told(folder: Path) -> None:
    text = json.dumps(content(categories=[{"id": 1, "name": "Fräse"}]), ensure_ascii=False)
    place(folder, text.encode("latin-1"))
    data = open_dataset(folder)
    assert data.boxes["label"].tolist() == ["fräse"]
    assert [problem.path for problem in found(data, "not-utf-8")] == [FILE]


def any_json() -> st.SearchStrategy[Any]:
    values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
    return st.recursive(
        values,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    )


KEYS = [
    "id",
    "image_id",
    "category_id",
    "bbox",
    "iscrowd",
    "segmentation",
    "attributes",
    "track_id",
    "file_name",
    "name",
    "width",
    "height",
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_of_any_type(tmp_path: Path, data: st.DataObject) -> None:
    value = content()
    for _ in range(data.draw(st.integers(1, 4))):
        entries = data.draw(st.sampled_from([value["categories"], value["images"], value["annotations"]]))
        data.draw(st.sampled_from(entries))[data.draw(st.sampled_from(KEYS))] = data.draw(any_json())
    place(tmp_path, value)
    rows, log, _ = read_rows(tmp_path, [FRAME])
    problems = log.problems()
    assert len(rows.boxes) + len([p for p in problems if p.row is not None]) >= 1
    assert all(problem.path == FILE for problem in problems)
    assert {name: str(dtype) for name, dtype in rows.boxes.dtypes.items()} == {
        "file": "str",
        "frame": "str",
        "x1": "float64",
        "y1": "float64",
        "x2": "float64",
        "y2": "float64",
        "label": "str",
        "track_id": "Int64",
    }


def test_what_is_written_is_coco(folder: Path, tmp_path: Path) -> None:
    write_csv(
        folder / layout.BOXES_FILE,
        [[FRAME, 2, 5, 12, 20, "muscle", 9], [FRAME, 30, 10, 45, 30, "bipolar", ""]],
        (*layout.BOX_COLUMNS, "tracking_id"),
    )
    coco.write(open_dataset(folder), tmp_path)
    value = json.loads((tmp_path / FILE).read_text())
    assert list(value) == ["info", "licenses", "categories", "images", "annotations"]
    assert [(entry["id"], entry["name"]) for entry in value["categories"]] == list(
        enumerate([*layout.LABELS, "bipolar"], 1)
    )
    assert value["images"][0] == {"id": 1, "file_name": FRAME, "width": 64, "height": 48}
    assert [entry["id"] for entry in value["images"]] == list(range(1, 7))
    assert value["annotations"] == [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 5,
            "bbox": [2, 5, 10, 15],
            "area": 150,
            "iscrowd": 0,
            "attributes": {"track_id": 9},
        },
        {"id": 2, "image_id": 1, "category_id": 9, "bbox": [30, 10, 15, 20], "area": 300, "iscrowd": 0},
    ]


@st.composite
def box_rows(draw: st.DrawFn) -> list[list[object]]:
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        x1, y1 = draw(st.integers(0, 62)), draw(st.integers(0, 46))
        frame = f"S10{draw(st.integers(0, 1))}T1_frame_{draw(st.integers(1, 3)):08d}.jpeg"
        label = draw(st.sampled_from([*layout.LABELS, "fräse", "two words"]))
        track = draw(st.none() | st.integers(0, 10**9))
        rows.append([frame, x1, y1, draw(st.integers(x1 + 1, 64)), draw(st.integers(y1 + 1, 48)), label, track])
    return rows


@pytest.fixture(scope="module")
def plain_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return write_dataset(tmp_path_factory.mktemp("round") / "data", surgeons=2, frames=3)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=box_rows())
def test_there_and_back(plain_folder: Path, rows: list[list[object]]) -> None:
    (plain_folder / FILE).unlink(missing_ok=True)
    (plain_folder / "annotations").mkdir(exist_ok=True)
    (plain_folder / "annotations").rmdir()
    write_csv(
        plain_folder / layout.BOXES_FILE, rows or [["S100T1_frame_00000001.jpeg"]], (*layout.BOX_COLUMNS, "tracking_id")
    )
    before = open_dataset(plain_folder)
    (plain_folder / layout.BOXES_FILE).unlink()
    coco.write(before, plain_folder)
    after = open_dataset(plain_folder)
    pd.testing.assert_frame_equal(before.boxes, after.boxes)
    assert {name: str(dtype) for name, dtype in after.boxes.dtypes.items()} == BOX_DTYPES
    assert not found(after, "frame-without-row")


def test_real_boxes_there_and_back(real_trials: Path, tmp_path: Path) -> None:
    before = open_dataset(real_trials)
    coco.write(before, tmp_path)
    data, log = DataFolder(tmp_path), ProblemLog()
    known = KnownFrames(before.frames, before.trials)
    rows = coco.read(data, coco.find(data), known, log)
    assert log.problems() == ()
    pd.testing.assert_frame_equal(formats.validate(rows, FILE, known, log), before.boxes)
    assert len(rows.without_tool) == len(before.frames) - before.boxes["frame"].nunique()
