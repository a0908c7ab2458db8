"""COCO files with faults: each is named, and costs no more than itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socal_core.dataset.dataset import Severity
from socal_core.dataset.opening import open_dataset
from tests.annotations.coco_files import FILE, FRAME, annotation, content, place, read_rows, two_trials
from tests.dataset.editing import found

folder = two_trials  # stands for the folder of tests/dataset/conftest.py here


def without(values: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("given_id", [True, [], {}, 1.5, "left", 10**12, 10**400, "", -0.5])
def test_a_bad_track_id_keeps_the_box(folder: Path, given_id: object) -> None:
    place(folder, content(annotations=[annotation(), annotation(bbox=[1, 1, 2, 2], track_id=given_id)]))
    data = open_dataset(folder)
    (problem,) = found(data, "bad-track-id")
    assert (problem.path, problem.row) == (FILE, 2)
    assert data.boxes["track_id"].isna().tolist() == [True, True]


BAD_NUMBERS = ["12", None, True, [], {}, [1], 10**400]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("entry", "code", "severity"),
    [
        *((annotation(bbox=[value, 5, 20, 15]), "bad-bbox", Severity.ERROR) for value in BAD_NUMBERS),
        (annotation(bbox=[1, 5, float("nan"), 15]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[1, 5, 1e300, 15]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[1, 5, float("-inf"), 15]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[float("inf"), 5, float("-inf"), 15]), "bad-coordinates", Severity.ERROR),
        (annotation(bbox=[1, 2, 3]), "bad-bbox", Severity.ERROR),
        (annotation(bbox=[1, 2, 3, 4, 5]), "bad-bbox", Severity.ERROR),
        (annotation(bbox={"x": 1}), "bad-bbox", Severity.ERROR),
        (annotation(bbox="1 2 3 4"), "bad-bbox", Severity.ERROR),
        (without(annotation(), "bbox"), "bad-bbox", Severity.ERROR),
        (annotation(bbox=[10, 5, -20, 15]), "box-without-area", Severity.ERROR),
        (annotation(bbox=[100, 5, 20, 15]), "box-outside-frame", Severity.ERROR),
        (annotation(iscrowd=1), "crowd-annotation", Severity.WARNING),
        (annotation(iscrowd=True), "crowd-annotation", Severity.WARNING),
        (annotation(bbox=None, segmentation=[[1, 2, 3, 4, 5]]), "mask-without-box", Severity.WARNING),
        (annotation(bbox=[], segmentation={"counts": [1], "size": [4, 4]}), "mask-without-box", Severity.WARNING),
        (annotation(category_id=None), "box-without-label", Severity.ERROR),
        (annotation(category_id=[1]), "box-without-label", Severity.ERROR),
        (without(annotation(), "category_id"), "box-without-label", Severity.ERROR),
        (annotation(image_id=99), "box-without-image", Severity.ERROR),
        (annotation(image_id=[7]), "box-without-image", Severity.ERROR),
        (annotation(image_id=True), "box-without-image", Severity.ERROR),
        (annotation(image_id=float("nan")), "box-without-image", Severity.ERROR),
        (without(annotation(), "image_id"), "box-without-image", Severity.ERROR),
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


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"file_name": FRAME}, "incomplete-entry"),
        ({"id": None, "file_name": FRAME}, "incomplete-entry"),
        ({"id": [7], "file_name": FRAME}, "incomplete-entry"),
        ({"id": 1.5, "file_name": FRAME}, "incomplete-entry"),
        ({"id": 9}, "incomplete-entry"),
        ({"id": 9, "file_name": 5}, "incomplete-entry"),
        ({"id": 9, "file_name": "  "}, "incomplete-entry"),
        ({"id": 9, "file_name": "x" * 256}, "incomplete-entry"),
        ({"id": "x" * 256, "file_name": FRAME}, "incomplete-entry"),
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


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("categories", "code", "label"),
    [
        ([], "class-without-name", "class 1"),
        ([{"id": 2, "name": "a"}], "class-without-name", "class 1"),
        ([{"id": 1, "name": ["a"]}], "class-without-name", "class 1"),
        ([{"id": {}, "name": "a"}], "incomplete-entry", "class 1"),
        (["grasper"], "bad-entry", "class 1"),
        ([{"id": 1, "name": "x" * 10_000_000}], "incomplete-entry", "class 1"),
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
    assert problem.parameters["labels"] == "class 4, class 5"
    assert not found(data, "missing-list")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("key", ["images", "annotations"])
@pytest.mark.parametrize("value", [None, {}, "text", 5, True])
def test_a_list_that_is_none(folder: Path, key: str, value: object) -> None:
    place(folder, content(**{key: value}))
    data = open_dataset(folder)
    (problem,) = found(data, "missing-list")
    assert problem.path == FILE
    assert problem.parameters == {"list": key}
    assert data.boxes.empty


def test_an_image_of_another_size_is_told(folder: Path) -> None:
    images = [{"id": 7, "file_name": FRAME, "width": 640, "height": 640.0}]
    place(folder, content(images=images))
    (problem,) = found(open_dataset(folder), "other-frame-size")
    assert (problem.path, problem.row) == (FILE, 1)
    size = {"width": 640, "height": 640, "trial_width": 64, "trial_height": 48}
    assert problem.parameters == {"annotated": FRAME, **size}


TOO_LARGE = "too-much-memory"
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
    "many values": (b"[" + b"[]," * 4_000_000 + b"0]", TOO_LARGE),
    "many objects": (b'{"images":[' + b"{}," * 4_000_000 + b"0]}", TOO_LARGE),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read(folder: Path, name: str) -> None:
    value, said = UNREADABLE[name]
    place(folder, value)
    data = open_dataset(folder)
    (problem,) = [problem for problem in data.problems if problem.severity is Severity.ERROR]
    assert problem.path == FILE
    if said == TOO_LARGE:
        assert problem.code == TOO_LARGE
        assert problem.parameters == {"size": len(value), "limit": 600_000_000}
    else:
        assert problem.code == "unreadable-file"
        assert said in problem.parameters["reason"]
    assert data.boxes.empty


@pytest.mark.slow
def test_a_file_cut_off_anywhere(folder: Path) -> None:
    whole = json.dumps(content()).encode()
    for tenth in range(10):
        place(folder, whole[: len(whole) * tenth // 10])
        data = open_dataset(folder)
        assert [problem.path for problem in found(data, "unreadable-file")] == [FILE]
        assert data.boxes.empty


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


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
