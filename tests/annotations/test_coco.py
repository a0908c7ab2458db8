"""COCO files: where they are found, and what sound ones give."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from socal_core.annotations import coco
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from tests.annotations.coco_files import FILE, FRAME, annotation, content, place, read_rows, two_trials
from tests.conftest import SHARED_DATA
from tests.dataset.editing import found

folder = two_trials  # stands for the folder of tests/dataset/conftest.py here

FIXTURE = SHARED_DATA / "annotation-formats" / "coco_dataset" / "coco_instances"


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.astype({"track_id": "object"}).replace({pd.NA: None}).to_dict("records")


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
        {
            "row": 2,
            "file": files[1],
            "frame": "b.jpg",
            "x1": 0.0,
            "y1": 0.0,
            "x2": 1.0,
            "y2": 9.0,
            "label": "b",
            "track_id": None,
        },
    ]
    (mask,) = log.problems()
    assert (mask.code, mask.severity, mask.path) == ("enclosed-shapes", Severity.WARNING, files[1])
    assert mask.parameters == {"shapes": "1 x mask"}


@pytest.mark.sampled(2)
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


@pytest.mark.sampled(2)
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


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("image_id", "pointer"), [("a-1", "a-1"), ("7", 7), (7, "7"), (7.0, 7), (10**20, 10**20)])
def test_image_ids_of_all_kinds(folder: Path, image_id: object, pointer: object) -> None:
    images = [{"id": image_id, "file_name": f"train/{FRAME}"}]
    place(folder, content(images=images, annotations=[annotation(image_id=pointer)]))
    assert open_dataset(folder).boxes["frame"].tolist() == [FRAME]


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
