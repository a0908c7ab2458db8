"""Shapes that are no upright boxes, in every format that can hold them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socal_core.annotations.shapes import enclose_cvat, turn
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset, Severity
from socal_core.dataset.opening import open_dataset
from tests.annotations.yolo_files import STEM, boxes_in, read
from tests.dataset.editing import found, put

FRAME = "S100T1_frame_00000001.jpeg"


def opened(folder: Path, name: str, text: str) -> Dataset:
    """The folder with one annotation file instead of its CSV."""
    (folder / layout.BOXES_FILE).unlink()
    put(folder, {name: text})
    return open_dataset(folder)


def boxes(data: Dataset) -> list[tuple[int, ...]]:
    return list(data.boxes[["x1", "y1", "x2", "y2"]].itertuples(index=False, name=None))


def shapes(data: Dataset, code: str = "enclosed-shapes") -> list[str]:
    problems = found(data, code)
    assert all(problem.severity is Severity.WARNING for problem in problems)
    return [problem.parameters["shapes"] for problem in problems]


@given(
    st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(0.1, 300), st.floats(0.1, 300)),
    st.floats(-720, 720),
)
def test_a_turned_box_is_enclosed(box: tuple[float, float, float, float], degrees: float) -> None:
    """Against the four corners, each turned about the centre as a complex number."""
    x, y, width, height = box
    centre = complex(x + width / 2, y + height / 2)
    turning = complex(math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
    corners = [centre + turning * complex(a * width / 2, b * height / 2) for a in (-1, 1) for b in (-1, 1)]
    xs, ys = [point.real for point in corners], [point.imag for point in corners]
    expected = [min(xs), min(ys), max(xs), max(ys)]
    assert turn([x, y, x + width, y + height], degrees) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("degrees", [0, 30, 90, 200])
def test_an_ellipse_is_enclosed(degrees: float) -> None:
    """Against many points on its edge."""
    angles = np.linspace(0, 2 * np.pi, 100_001)
    points = (30 * np.cos(angles) + 5j * np.sin(angles)) * np.exp(1j * np.radians(degrees)) + 50 + 40j
    ellipse = {"cx": "50", "cy": "40", "rx": "30", "ry": "5", "rotation": str(degrees)}
    expected = [points.real.min(), points.imag.min(), points.real.max(), points.imag.max()]
    assert enclose_cvat("ellipse", ellipse) == pytest.approx(expected, abs=1e-6)


COCO_SHAPES = [
    ({"bbox": [12, 19, 40, 10], "attributes": {"rotation": 90.0}}, (27, 4, 37, 44), ["1 x rotated box"]),
    ({"bbox": [12, 19, 40, 10], "attributes": {"rotation": 0.0}}, (12, 19, 52, 29), []),
    ({"bbox": [12, 19, 40, 10], "attributes": {"rotation": "90"}}, (12, 19, 52, 29), []),
    ({"bbox": [10, 5, 20, 20], "segmentation": [[10, 15, 20, 5, 30, 15, 25, 25]]}, (10, 5, 30, 25), ["1 x polygon"]),
    ({"segmentation": [[10, 15, 20, 5, 15, 9], [30, 15, 25, 25, 26, 8]]}, (10, 5, 30, 25), ["1 x polygon"]),
    ({"bbox": [10, 5, 20, 20], "segmentation": [[10, 5, 30, 5, 30, 25, 10, 25]]}, (10, 5, 30, 25), []),
    (
        {"bbox": [10, 5, 20, 20], "iscrowd": 1, "segmentation": {"counts": [9, 3], "size": [48, 64]}},
        (10, 5, 30, 25),
        ["1 x mask"],
    ),
    (
        {
            "bbox": [12, 19, 40, 10],
            "segmentation": [[27, 4, 37, 4, 37, 44, 28, 44]],
            "attributes": {"rotation": 90.0},
        },
        (27, 4, 37, 44),
        ["1 x polygon"],
    ),
    (
        {
            "bbox": [12, 19, 40, 10],
            "segmentation": [[12, 19, 52, 19, 52, 29, 12, 29]],
            "attributes": {"rotation": 90.0},
        },
        (27, 4, 37, 44),
        ["1 x rotated box"],
    ),
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("entry", "box", "counted"), COCO_SHAPES)
def test_coco(folder: Path, entry: dict[str, object], box: tuple[int, ...], counted: list[str]) -> None:
    content = {
        "categories": [{"id": 1, "name": "suction"}],
        "images": [{"id": 7, "file_name": FRAME, "width": 64, "height": 48}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, **entry}],
    }
    data = opened(folder, "annotations/instances.json", json.dumps(content))
    assert (boxes(data), shapes(data)) == ([box], counted)


ON_IMAGE, IN_TRACK = 'label="suction"', 'frame="2" outside="0"'
SIDES = 'xtl="12" ytl="19" xbr="52" ybr="29"'
CVAT_SHAPES = [
    (f'<box {{}} {SIDES} rotation="90"/>', (27, 4, 37, 44), "1 x rotated box"),
    ('<polygon {} points="10,15;20,5;30,15;25,25"/>', (10, 5, 30, 25), "1 x polygon"),
    ('<mask {} rle="1" left="10" top="5" width="20" height="20"/>', (10, 5, 30, 25), "1 x mask"),
    ('<ellipse {} cx="20" cy="15" rx="10" ry="5"/>', (10, 10, 30, 20), "1 x ellipse"),
    (
        '<cuboid {} xtl1="10" ytl1="9" xbl1="10" ybl1="25" xtr1="22" ytr1="9" xbr1="22" ybr1="25" xtl2="15" ytl2="5" '
        'xbl2="15" ybl2="20" xtr2="30" ytr2="5" xbr2="30" ybr2="20"/>',
        (10, 5, 30, 25),
        "1 x cuboid",
    ),
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("shape", "box", "counted"), CVAT_SHAPES)
def test_cvat_images(folder: Path, shape: str, box: tuple[int, ...], counted: str) -> None:
    image = f'<image name="{FRAME}" width="64" height="48">{shape.format(ON_IMAGE)}<tag label="a"/></image>'
    data = opened(folder, "annotations.xml", f"<annotations>{image}</annotations>")
    assert (boxes(data), shapes(data)) == ([box], [counted])
    assert [problem.count for problem in found(data, "image-tags")] == [1]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("shape", "box", "counted"), CVAT_SHAPES)
def test_cvat_video(folder: Path, shape: str, box: tuple[int, ...], counted: str) -> None:
    track = f'<track id="0" label="suction">{shape.format(IN_TRACK)}</track>'
    data = opened(folder, "annotations/S100T1.xml", f"<annotations>{track}</annotations>")
    assert (boxes(data), shapes(data)) == ([box], [counted])
    assert data.boxes["position"].tolist() == [2]


SHAPES_WITHOUT_EXTENT = [
    '<points {} points="1,2"/>',
    '<polyline {} points="1,2;3,4"/>',
    '<polygon {} points="1,2;3,x;5,5"/>',
    "<skeleton {}/>",
    f'<box {{}} {SIDES} rotation="much"/>',
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("shape", SHAPES_WITHOUT_EXTENT)
def test_shapes_without_an_extent_are_left_out(folder: Path, shape: str) -> None:
    image = f'<image name="{FRAME}" width="64" height="48">{shape.format(ON_IMAGE)}</image>'
    data = opened(folder, "annotations.xml", f"<annotations>{image}</annotations>")
    assert (boxes(data), shapes(data), len(shapes(data, "other-shapes"))) == ([], [], 1)
    track = f'<track id="0" label="suction">{shape.format(IN_TRACK)}</track>'
    (folder / "annotations.xml").unlink()
    put(folder, {"annotations/S100T1.xml": f"<annotations>{track}</annotations>"})
    data = open_dataset(folder)
    assert (boxes(data), shapes(data), len(shapes(data, "other-shapes"))) == ([], [], 1)


def test_a_turned_box_turns_between_keyframes_by_the_shorter_way(folder: Path) -> None:
    """From 350 to 30 degrees, so 10 degrees in the middle."""
    keys = "".join(f'<box frame="{n}" outside="0" {SIDES} rotation="{angle}"/>' for n, angle in ((0, 350), (2, 30)))
    data = opened(folder, "annotations/S100T1.xml", f'<annotations><track label="suction">{keys}</track></annotations>')
    assert boxes(data)[1] == tuple(np.rint(turn([12, 19, 52, 29], 10)).astype(int))
    assert len(boxes(data)) == 3


def test_outlines_do_not_move_between_keyframes(folder: Path) -> None:
    keys = "".join(f'<polygon frame="{n}" outside="0" points="10,5;30,5;20,{25 + n}"/>' for n in (0, 2))
    data = opened(folder, "annotations/S100T1.xml", f'<annotations><track label="suction">{keys}</track></annotations>')
    assert data.boxes["position"].tolist() == [0, 2]


VOC_BOX = "<bndbox><xmin>12</xmin><ymin>19</ymin><xmax>52</xmax><ymax>29</ymax></bndbox>"
VOC_SHAPES = [
    f"{VOC_BOX}<attributes><attribute><name>rotation</name><value>90.0</value></attribute></attributes>",
    f"<robndbox><cx>32</cx><cy>24</cy><w>40</w><h>10</h><angle>{math.pi / 2}</angle></robndbox>",
]


@pytest.mark.parametrize("shape", VOC_SHAPES)
def test_voc(folder: Path, shape: str) -> None:
    text = f"<annotation><filename>{FRAME}</filename><object><name>suction</name>{shape}</object></annotation>"
    data = opened(folder, f"Annotations/{FRAME.replace('jpeg', 'xml')}", text)
    assert (boxes(data), shapes(data)) == ([(27, 4, 37, 44)], ["1 x rotated box"])


YOLO_ROWS = [
    ("0 0.1 0.2 0.3 0.2 0.2 0.6", ["10 10 30 30 grasper"]),
    ("0 0.1 0.4 0.2 0.2 0.3 0.4 0.2 0.6", ["10 10 30 30 grasper"]),
    ("0 0.1 0.4 0.2 0.2 0.3 0.4 0.2 0.6 0.93", ["10 10 30 30 grasper"]),
    ("0 0.1 0.4 0.2 0.2 0.3 0.4 0.2 0.6 0.15 0.5", ["10 10 30 30 grasper"]),
    ("0 0.1 0.4 0.2 0.2 0.3 0.4 0.2 0.6 0.93 7", ["10 10 30 30 grasper"]),
    ("0 0.2 0.4 0.2 0.4 0.15 0.4 2 0.25 0.5 1", ["10 10 30 30 grasper"]),
]


@pytest.mark.parametrize(("row", "expected"), YOLO_ROWS)
def test_yolo(tmp_path: Path, row: str, expected: list[str]) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": f"{row}\n", "classes.txt": "grasper\n"})
    assert boxes_in(tmp_path) == (expected, ["enclosed-shapes", "frame-without-row"])


def test_yolo_rows_with_confidence_and_track(tmp_path: Path) -> None:
    rows = "0 0.2 0.4 0.2 0.4 0.91 1\n0 0.5 0.4 0.2 0.4 0.87 12\n0 0.7 0.4 0.2 0.4 0.5\n"
    put(tmp_path, {f"labels/{STEM}.txt": rows, "classes.txt": "grasper\n"})
    boxes, problems = read(tmp_path)
    tracked = dict(zip(boxes.boxes["x1"].round(), boxes.boxes["track_id"].fillna(-1), strict=True))
    assert tracked == {10: 1, 40: 12, 60: -1}
    assert [problem.code for problem in problems] == ["sixth-field-is-confidence"]


@pytest.mark.parametrize(
    "rows",
    [
        "0 0.2 0.4 0.2 0.4 0.91 1\n",  # a track, or a triangle whose last point lies at the lower edge
        "0 0.2 0.4 0.2 0.4 0.15 0.4 0.25 0.5 0.2 0.3\n",  # five points, or a box with three
    ],
)
def test_ambiguous_yolo_rows_cost_the_folder(tmp_path: Path, rows: str) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": f"0 0.5 0.5 0.2 0.4\n{rows}", "classes.txt": "grasper\n"})
    boxes, (problem,) = read(tmp_path)
    assert boxes.boxes.empty
    assert (problem.code, problem.severity, problem.count) == ("ambiguous-rows", Severity.ERROR, 1)
