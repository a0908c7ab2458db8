"""Class numbers that do not start where their names do, in the formats that number classes."""

import json
from pathlib import Path

import pytest

from socal_core.annotations.class_names import other_start
from tests.annotations.matching_files import boxes_of, frames
from tests.dataset.editing import found, put

NAMES = [f"S102T1_frame_0000000{number}.jpeg" for number in (1, 2)]


def yolo(classes: list[int]) -> dict[str, str]:
    rows = {f"labels/{name[:-5]}.txt": f"{own} 0.5 0.5 0.25 0.25\n" for name, own in zip(NAMES, classes, strict=True)}
    return {**rows, "classes.txt": "suction\ngrasper\n"}


def mot(classes: list[int]) -> dict[str, str]:
    rows = "".join(f"{at},1,5,5,20,20,1,{own},1\n" for at, own in enumerate(classes, start=1))
    return {"S102T1/gt/gt.txt": rows, "S102T1/gt/labels.txt": "suction\ngrasper\n"}


def coco(classes: list[int]) -> dict[str, str]:
    content = {
        "categories": [{"id": 1, "name": "suction"}, {"id": 2, "name": "grasper"}],
        "images": [{"id": at, "file_name": name} for at, name in enumerate(NAMES)],
        "annotations": [{"image_id": at, "category_id": own, "bbox": [5, 5, 20, 20]} for at, own in enumerate(classes)],
    }
    return {"annotations/instances.json": json.dumps(content)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "labels"),
    [(yolo([1, 2]), [1, 2]), (yolo([2, 1]), [2, 1]), (mot([0, 1]), [0, 1]), (coco([0, 1]), [0, 1])],
)
def test_names_are_not_used_if_the_classes_may_start_elsewhere(
    tmp_path: Path, files: dict[str, str], labels: list[int]
) -> None:
    _, _, data = boxes_of(put(frames(tmp_path, *NAMES), files))
    assert data.boxes["label"].tolist() == [f"class {label}" for label in labels]
    assert found(data, "class-numbers-shifted")


@pytest.mark.parametrize("files", [yolo([0, 1]), mot([1, 2]), coco([1, 2])])
def test_names_of_classes_that_start_with_them(tmp_path: Path, files: dict[str, str]) -> None:
    _, codes, data = boxes_of(put(frames(tmp_path, *NAMES), files))
    assert data.boxes["label"].tolist() == ["suction", "grasper"]
    assert "class-numbers-shifted" not in codes


@pytest.mark.parametrize(
    ("used", "named", "start"),
    [
        ([1, 2], [0, 1], 1),
        ([0, 1], [1, 2], -1),
        ([-1, 1, 2], [0, 1], 1),
        ([0, 2], [0, 1], 0),  # another list, but counted from 0
        ([0, 1], [0, 1, 2], 0),
        ([1, 2], [0, 1, 2], 0),
        ([5], [0, 1], 0),
        ([1], [], 0),
        ([-1], [0], 0),
    ],
)
def test_another_start_must_fit_all_numbers(used: list[int], named: list[int], start: int) -> None:
    assert other_start(used, {number: "x" for number in named}) == start


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("sixth", "used"), [("0.5", True), ("1", True), ("1.57", False), ("-0.3", False), ("x", True), ("7", True)]
)
def test_a_sixth_field_that_may_be_an_angle(tmp_path: Path, sixth: str, used: bool) -> None:
    rows = {
        f"labels/{name[:-5]}.txt": f"0 0.5 0.5 0.25 0.25 {own}\n"
        for name, own in zip(NAMES, ("0.4", sixth), strict=True)
    }
    texts, codes, _ = boxes_of(put(frames(tmp_path, *NAMES), {**rows, "classes.txt": "suction\n"}))
    assert bool(texts) == used
    assert ("sixth-field-may-be-angle" in codes) == (not used)


def test_an_outline_that_leaves_its_box_is_enclosed(tmp_path: Path) -> None:
    content = json.loads(coco([1, 2])["annotations/instances.json"])
    content["annotations"][0]["segmentation"] = [[20, 1, 30, 11, 20, 21, 10, 11]]
    content["annotations"][1]["segmentation"] = [[6, 6, 24, 6, 24, 24]]
    put(frames(tmp_path, *NAMES), {"annotations/instances.json": json.dumps(content)})
    _, _, data = boxes_of(tmp_path)
    assert data.boxes[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [[10, 1, 30, 21], [5, 5, 25, 25]]
