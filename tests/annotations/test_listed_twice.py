"""Frames that one file, or one folder of files, annotates twice: compared, and never merged."""

import json
from pathlib import Path

import pytest

from tests.annotations.cvat_video_files import box, track
from tests.annotations.matching_files import annotate, boxes_of, frames
from tests.dataset.editing import found, put

FRAME, OTHER = (f"S102T1_frame_0000000{number}.jpeg" for number in (1, 2))


def coco_again(root: Path, left: int) -> None:
    """A COCO file with a second entry for its first image."""
    annotate(root, "coco", [FRAME, OTHER])
    path = root / "annotations" / "instances_default.json"
    content = json.loads(path.read_text())
    content["images"].append({**content["images"][0], "id": 9})
    content["annotations"].append({"image_id": 9, "category_id": 1, "bbox": [left, 5, 20, 20]})
    path.write_text(json.dumps(content))


def cvat_again(root: Path, left: int) -> None:
    """An export of a project with two tasks that have the same image."""
    annotate(root, "cvat-images", [FRAME, OTHER])
    path = root / "annotations.xml"
    image = f'<image name="{FRAME}" width="64" height="48"><box label="suction" xtl="{left}" ytl="5" xbr="{left + 20}"'
    path.write_text(path.read_text().replace("</annotations>", f'{image} ybr="25"/></image></annotations>'))


def cvat_tasks(root: Path, left: int) -> None:
    """An export of a project with two tasks of one trial."""
    tasks = "".join(
        f"<task><id>{key}</id><name>{name}</name><size>2</size></task>"
        for key, name in ((4, "S102T1"), (5, "S102T1 second reader"))
    )
    first, second = (
        track(box(0, f"{x},5,{x + 20},25") + box(1, f"{x + 1},5,{x + 21},25")).replace(
            "<track", f'<track task_id="{key}"'
        )
        for key, x in ((4, 10), (5, left))
    )
    meta = f"<meta><project><tasks>{tasks}</tasks></project></meta>"
    put(root, {"annotations.xml": f"<annotations>{meta}\n{first}{second}</annotations>"})


def yolo_beside(root: Path, left: int) -> None:
    """Label files in labels/ and beside the frames."""
    annotate(root, "yolo", [FRAME, OTHER])
    text = f"0 {(left + 10) / 64:.8f} 0.3125 0.3125 {20 / 48:.8f}\n"
    put(root, {f"JPEGImages/{FRAME[:-5]}.txt": text})


def voc_beside(root: Path, left: int) -> None:
    """Pascal VOC in Annotations/ and beside the frames."""
    annotate(root, "voc", [FRAME, OTHER])
    text = (root / "Annotations" / f"{FRAME[:-5]}.xml").read_text()
    text = text.replace("<xmin>10", f"<xmin>{left}").replace("<xmax>30", f"<xmax>{left + 20}")
    put(root, {f"JPEGImages/{FRAME[:-5]}.xml": text})


@pytest.mark.sampled(2)
@pytest.mark.parametrize("write", [coco_again, cvat_again, cvat_tasks, yolo_beside, voc_beside])
def test_equal_boxes_count_once(tmp_path: Path, write: object) -> None:
    write(frames(tmp_path, FRAME, OTHER), 10)  # type: ignore[operator]
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"{FRAME} 10", f"{OTHER} 11"]
    assert "same-exports" in codes
    assert "doubled-box" not in codes


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("write", "rest"),
    [
        (coco_again, []),
        (cvat_again, []),
        (cvat_tasks, []),
        (yolo_beside, [f"{OTHER} 11"]),
        (voc_beside, [f"{OTHER} 11"]),
    ],
)
def test_different_boxes_are_not_used(tmp_path: Path, write: object, rest: list[str]) -> None:
    write(frames(tmp_path, FRAME, OTHER), 14)  # type: ignore[operator]
    texts, _, data = boxes_of(tmp_path)
    assert texts == rest
    assert [problem.parameters["frame"] for problem in found(data, "repeated-exports")] == [FRAME]


@pytest.mark.parametrize("form", ["coco", "cvat-images"])
def test_an_export_of_some_frames_beside_that_of_all(tmp_path: Path, form: str) -> None:
    frames(tmp_path, FRAME, OTHER)
    annotate(tmp_path, form, [FRAME, OTHER], "all")
    annotate(tmp_path, form, [FRAME], "some")
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"{FRAME} 10", f"{OTHER} 11"]
    assert "same-exports" in codes


def test_a_track_of_an_unknown_task_is_not_used(tmp_path: Path) -> None:
    frames(tmp_path, FRAME, OTHER, "S103T1_frame_00000001.jpeg")
    tasks = "".join(
        f"<task><id>{key}</id><name>{name}</name><size>{size}</size></task>"
        for key, name, size in ((4, "S102T1", 2), (5, "S103T1", 1))
    )
    tracks = "".join(
        track(box(0, f"{x},5,{x + 20},25"), own).replace("<track", f"<track{task}")
        for own, (task, x) in enumerate([(' task_id="4"', 10), (' task_id="9"', 12), ("", 14)])
    )
    meta = f"<meta><project><tasks>{tasks}</tasks></project></meta>"
    put(tmp_path, {"annotations.xml": f"<annotations>{meta}\n{tracks}</annotations>"})
    texts, _, data = boxes_of(tmp_path)
    assert texts == [f"{FRAME} 10"]
    assert [problem.parameters["task"] for problem in found(data, "track-without-task")] == ["9", "none"]
