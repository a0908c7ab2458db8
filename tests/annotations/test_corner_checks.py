"""Numbers of boxes that may mean something else than the format says, and boxes drawn on frames of another size."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from tests.annotations.matching_files import boxes_of, frames
from tests.dataset.editing import found, put, write_frame

NAMES = [f"S102T1_frame_0000000{number}.jpeg" for number in (1, 2, 3)]
Numbers = list[tuple[float, float, float, float]]
"""Four numbers of each box, as the file has them."""


def csv(numbers: Numbers) -> dict[str, str]:
    rows = (f"{name},{','.join(map(str, own))},suction\n" for name, own in zip(NAMES, numbers, strict=True))
    return {layout.BOXES_FILE: "".join(rows)}


def coco(numbers: Numbers) -> dict[str, str]:
    content = {
        "categories": [{"id": 1, "name": "suction"}],
        "images": [{"id": at, "file_name": name} for at, name in enumerate(NAMES)],
        "annotations": [{"image_id": at, "category_id": 1, "bbox": list(own)} for at, own in enumerate(numbers)],
    }
    return {"annotations/instances.json": json.dumps(content)}


def voc(numbers: Numbers) -> dict[str, str]:
    edges = ("xmin", "ymin", "xmax", "ymax")
    return {
        f"Annotations/{name[:-5]}.xml": "<annotation><object><name>suction</name><bndbox>"
        + "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(edges, own, strict=True))
        + "</bndbox></object></annotation>"
        for name, own in zip(NAMES, numbers, strict=True)
    }


def mot(numbers: Numbers) -> dict[str, str]:
    rows = (f"{at},1,{','.join(map(str, own))},1,1,1\n" for at, own in enumerate(numbers, start=1))
    return {"S102T1/gt/gt.txt": "".join(rows), "S102T1/gt/labels.txt": "suction\n"}


def yolo(numbers: Numbers) -> dict[str, str]:
    rows = {
        f"labels/{name[:-5]}.txt": f"0 {' '.join(map(str, own))}\n" for name, own in zip(NAMES, numbers, strict=True)
    }
    return {**rows, "classes.txt": "suction\n"}


Writer = Callable[[Numbers], dict[str, str]]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("write", "numbers", "other"),
    [
        (csv, [(40, 30, 15, 10), (42, 3, 14, 12), (5, 6, 12, 14)], "x, y, width, height"),
        (voc, [(40, 30, 15, 10), (42, 3, 14, 12), (5, 6, 12, 14)], "x, y, width, height"),
        (coco, [(30, 20, 50, 40), (2, 3, 12, 14), (40, 10, 60, 30)], "x1, y1, x2, y2"),
        (mot, [(30, 20, 50, 40), (2, 3, 12, 14), (40, 10, 60, 30)], "x1, y1, x2, y2"),
        (yolo, [(0.6, 0.5, 0.9, 0.9), (0.1, 0.1, 0.2, 0.3), (0.5, 0.6, 0.99, 0.9)], "x1, y1, x2, y2"),
        (yolo, [(0.01, 0.02, 0.3, 0.3), (0.5, 0.1, 0.3, 0.4), (0.2, 0.0, 0.3, 0.2)], "x, y, width, height"),
    ],
)
def test_numbers_that_fit_only_in_another_way_are_not_used(
    tmp_path: Path, write: Writer, numbers: Numbers, other: str
) -> None:
    texts, _, data = boxes_of(put(frames(tmp_path, *NAMES), write(numbers)))
    assert texts == []
    (problem,) = found(data, "other-numbers")
    assert problem.parameters["other"] == other
    assert problem.count == 3


@pytest.mark.parametrize(
    ("write", "numbers", "count"),
    [
        (csv, [(40, 30, 15, 10), (42, 13, 60, 30), (5, 6, 12, 14)], 2),
        (coco, [(30, 20, 50, 40), (32, 23, 12, 14), (40, 10, 10, 30)], 3),
        (yolo, [(0.01, 0.02, 0.3, 0.3), (0.97, 0.9, 0.3, 0.4), (0.2, 0.1, 0.3, 0.2)], 3),
    ],
)
def test_numbers_that_fit_in_no_way_are_single_mistakes(
    tmp_path: Path, write: Writer, numbers: Numbers, count: int
) -> None:
    texts, codes, _ = boxes_of(put(frames(tmp_path, *NAMES), write(numbers)))
    assert len(texts) == count
    assert "other-numbers" not in codes


@pytest.mark.parametrize("write", [csv, coco, voc, mot])
def test_fractions_are_no_pixels(tmp_path: Path, write: Writer) -> None:
    numbers = [(0.1, 0.2, 0.5, 0.6), (-0.01, 0.2, 0.5, 0.6), (0.3, 0.4, 0.7, 0.65)]
    texts, codes, _ = boxes_of(put(frames(tmp_path, *NAMES), write(numbers)))
    assert texts == []
    assert "relative-corners" in codes


def outcomes(width: int, height: int) -> dict[str, str]:
    text = f"trial_id,success,trial_video_width,trial_video_height\nS102T1,1,{width},{height}\n"
    return {layout.OUTCOMES_FILE: text}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("write", "numbers"),
    [
        (csv, [(20, 10, 40, 30), (100, 60, 120, 90), (64, 20, 84, 40)]),
        (coco, [(20, 10, 20, 20), (100, 60, 20, 30), (64, 20, 20, 20)]),
        (mot, [(20, 10, 20, 20), (100, 60, 20, 30), (64, 20, 20, 20)]),
        (voc, [(20, 10, 40, 30), (100, 60, 120, 90), (64, 20, 84, 40)]),
    ],
)
@pytest.mark.parametrize(
    ("stated", "expected", "code"),
    [
        ((128, 96), [f"{NAMES[0]} 10", f"{NAMES[1]} 50", f"{NAMES[2]} 32"], "scaled-boxes"),
        ((128, 128), [], "boxes-of-two-sizes"),
        ((64, 48), [], "boxes-of-larger-frames"),
    ],
)
def test_boxes_of_larger_frames(
    tmp_path: Path, write: Writer, numbers: Numbers, stated: tuple[int, int], expected: list[str], code: str
) -> None:
    put(frames(tmp_path, *NAMES), {**outcomes(*stated), **write(numbers)})
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == expected
    assert code in codes


@pytest.mark.parametrize(
    ("stated", "numbers", "expected"),
    [
        ((128, 96), [(20, 10, 40, 30)] * 3, []),  # frames of 64x48, or of 128x96
        ((32, 24), [(20, 10, 40, 30)] * 3, [f"{name} 20" for name in NAMES]),  # no frame of 32x24 has such a box
        ((32, 24), [(2, 3, 12, 14)] * 3, []),
    ],
)
def test_boxes_that_may_be_of_the_size_in_the_outcomes_file(
    tmp_path: Path, stated: tuple[int, int], numbers: Numbers, expected: list[str]
) -> None:
    put(frames(tmp_path, *NAMES), {**outcomes(*stated), **csv(numbers)})
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == expected
    assert ("boxes-of-two-sizes" in codes) == (not expected)


@pytest.mark.parametrize("titles", ["frame,width,height,label", "filename,width,height,class"])
def test_a_table_gives_the_size_of_its_frames(tmp_path: Path, titles: str) -> None:
    header = f"{titles},xmin,ymin,xmax,ymax\n"
    rows = "".join(f"{name},128,96,suction,20,10,40,30\n" for name in NAMES)
    put(frames(tmp_path, *NAMES), {**outcomes(128, 96), layout.BOXES_FILE: header + rows})
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"{name} 10" for name in NAMES]
    assert "scaled-boxes" in codes


@pytest.mark.parametrize(("size", "expected"), [((128, 96), 10), ((64, 48), 20), ((100, 100), None)])
def test_the_size_of_a_mot_sequence(tmp_path: Path, size: tuple[int, int], expected: int | None) -> None:
    info = f"[Sequence]\nname=S102T1\nseqLength=3\nimWidth={size[0]}\nimHeight={size[1]}\n"
    put(frames(tmp_path, *NAMES), {**mot([(20, 10, 20, 20)] * 3), "S102T1/seqinfo.ini": info})
    assert boxes_of(tmp_path)[0] == ([] if expected is None else [f"{name} {expected}" for name in NAMES])


def test_percentages_are_no_pixels(tmp_path: Path) -> None:
    for name in NAMES:
        write_frame(tmp_path, name, (400, 300))
    put(tmp_path, csv([(10.5, 20, 60, 80), (0, 0, 100, 100), (5, 5, 50, 50)]))
    data = open_dataset(tmp_path)
    assert data.boxes.empty
    assert found(data, "percent-corners")
