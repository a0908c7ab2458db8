"""Boxes drawn on frames of another size: scaled by one factor, or not used."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import found, put

FIRST, SECOND = "S100T1_frame_00000001.jpeg", "S100T1_frame_00000002.jpeg"
Drawn = dict[str, tuple[tuple[int, int], tuple[int, int, int, int]]]
"""The size and the box of each frame."""


def coco(drawn: Drawn) -> dict[str, str]:
    images, boxes = [], []
    for number, (frame, ((width, height), (x1, y1, x2, y2))) in enumerate(drawn.items()):
        images.append({"id": number, "file_name": frame, "width": width, "height": height})
        boxes.append({"id": number, "image_id": number, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]})
    content = {"categories": [{"id": 1, "name": "suction"}], "images": images, "annotations": boxes}
    return {"annotations/instances.json": json.dumps(content)}


def cvat(drawn: Drawn) -> dict[str, str]:
    images = "".join(
        f'<image name="{frame}" width="{width}" height="{height}">'
        f'<box label="suction" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/></image>'
        for frame, ((width, height), (x1, y1, x2, y2)) in drawn.items()
    )
    return {"annotations.xml": f"<annotations>{images}</annotations>"}


def voc(drawn: Drawn) -> dict[str, str]:
    return {
        f"Annotations/{frame.removesuffix('.jpeg')}.xml": f"<annotation><size><width>{width}</width><height>{height}"
        f"</height></size><object><name>suction</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax>"
        f"<ymax>{y2}</ymax></bndbox></object></annotation>"
        for frame, ((width, height), (x1, y1, x2, y2)) in drawn.items()
    }


def cvat_video(drawn: Drawn) -> dict[str, str]:
    (width, height), _ = drawn[FIRST]
    size = f"<original_size><width>{width}</width><height>{height}</height></original_size>"
    boxes = "".join(
        f'<box frame="{n}" outside="0" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/>'
        for n, (_, (x1, y1, x2, y2)) in enumerate(drawn.values())
    )
    track = f'<track id="0" label="suction">{boxes}</track>'
    return {"annotations/S100T1.xml": f"<annotations><meta><task>{size}</task></meta>{track}</annotations>"}


FORMATS = pytest.mark.parametrize("form", [coco, cvat, voc, cvat_video])
IMAGES = pytest.mark.parametrize("form", [coco, cvat, voc])


def opened(folder: Path, files: dict[str, str]) -> Dataset:
    (folder / layout.BOXES_FILE).unlink()
    return open_dataset(put(folder, files))


def boxes(data: Dataset) -> list[tuple[int, ...]]:
    return list(data.boxes[["x1", "y1", "x2", "y2"]].itertuples(index=False, name=None))


@pytest.mark.sampled(2)
@FORMATS
@pytest.mark.parametrize("size", [(1280, 960), (32, 24), (64, 48)])
def test_one_factor_is_applied(folder: Path, form: Callable[[Drawn], dict[str, str]], size: tuple[int, int]) -> None:
    """The frames have 64x48 pixels."""
    scale = size[0] / 64
    drawn = [tuple(int(scale * side) for side in box) for box in ((10, 6, 30, 26), (12, 6, 32, 26))]
    data = opened(folder, form({FIRST: (size, drawn[0]), SECOND: (size, drawn[1])}))
    assert boxes(data) == [(10, 6, 30, 26), (12, 6, 32, 26)]
    scaled = found(data, "scaled-boxes")
    assert [problem.count for problem in scaled] == ([] if scale == 1 else [2])
    assert any("scaled by" in evidence.interpretation for evidence in data.evidence) == (scale != 1)


@pytest.mark.sampled(2)
@FORMATS
@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((1280, 720), (100, 100, 300, 300)),  # another aspect ratio
        ((48, 64), (1, 1, 9, 9)),  # turned
        ((32, 24), (10, 5, 50, 40)),  # the box lies beyond
    ],
)
def test_what_no_factor_fits_is_not_used(
    folder: Path, form: Callable[[Drawn], dict[str, str]], size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    data = opened(folder, form({FIRST: (size, box), SECOND: (size, (1, 1, 9, 9))}))
    assert boxes(data) == []
    assert found(data, "other-frame-size")


@IMAGES
def test_two_factors_in_one_trial_are_not_used(folder: Path, form: Callable[[Drawn], dict[str, str]]) -> None:
    data = opened(folder, form({FIRST: ((64, 48), (10, 6, 30, 26)), SECOND: ((128, 96), (20, 12, 60, 52))}))
    assert boxes(data) == []
    assert len(found(data, "other-frame-size")) == 1


@IMAGES
def test_each_trial_has_its_factor(folder: Path, form: Callable[[Drawn], dict[str, str]]) -> None:
    other = FIRST.replace("T1", "T2")
    data = opened(folder, form({FIRST: ((64, 48), (10, 6, 30, 26)), other: ((128, 96), (20, 12, 60, 52))}))
    assert boxes(data) == [(10, 6, 30, 26)] * 2
    assert [problem.parameters["trial_id"] for problem in found(data, "scaled-boxes")] == ["S100T2"]
