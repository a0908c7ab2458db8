"""Folders of frames, and annotations of them in every format whose entries name frames, for the tests of matching."""

import json
from collections.abc import Sequence
from pathlib import Path

from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import put, write_frame

CORNERS = (10, 5, 30, 25)
NAMING = ("csv", "coco", "cvat-images", "yolo", "voc")
"""The formats whose entries, or files, are called after frames."""
SINGLE = ("csv", "coco", "cvat-images")
"""Those with all entries in one file."""


def frames(root: Path, *names: str) -> Path:
    """Write frames of 64x48 pixels, relative to the folder of images."""
    for name in names:
        (root / layout.IMAGES_DIR / name).parent.mkdir(parents=True, exist_ok=True)
        write_frame(root, name)
    return root


def numbered(trial: str, count: int) -> list[str]:
    """The names of frames in the folder of their trial, which say no trial themselves."""
    return [f"{trial}/frame_{number:06d}.jpg" for number in range(count)]


def annotate(root: Path, form: str, names: Sequence[str], own: str = "", left: int = 0) -> None:
    """Write one box a name, each one pixel further to the right; `own` is the name of the file, without ending."""
    boxes = [(name, left + CORNERS[0] + at, 5, left + CORNERS[2] + at, 25) for at, name in enumerate(names)]
    write = {"csv": _csv, "coco": _coco, "cvat-images": _cvat_images, "yolo": _yolo, "voc": _voc}[form]
    put(root, write(boxes, own))


Boxes = list[tuple[str, int, int, int, int]]


def _csv(boxes: Boxes, own: str) -> dict[str, str]:
    return {layout.BOXES_FILE: "".join(f"{','.join(map(str, box))},suction\n" for box in boxes)}


def _coco(boxes: Boxes, own: str) -> dict[str, str]:
    content = {
        "categories": [{"id": 1, "name": "suction"}],
        "images": [{"id": at, "file_name": box[0], "width": 64, "height": 48} for at, box in enumerate(boxes)],
        "annotations": [
            {"image_id": at, "category_id": 1, "bbox": [x, y, right - x, low - y]}
            for at, (_, x, y, right, low) in enumerate(boxes)
        ],
    }
    return {f"annotations/{own or 'instances_default'}.json": json.dumps(content)}


def _cvat_images(boxes: Boxes, own: str) -> dict[str, str]:
    images = "".join(
        f'<image name="{name}" width="64" height="48">'
        f'<box label="suction" xtl="{x}" ytl="{y}" xbr="{right}" ybr="{low}"/></image>\n'
        for name, x, y, right, low in boxes
    )
    meta = "<meta><task><name>day 1</name><mode>interpolation</mode></task></meta>"
    return {f"{own or 'annotations'}.xml": f"<annotations>{meta}\n{images}</annotations>"}


def _yolo(boxes: Boxes, own: str) -> dict[str, str]:
    texts = {
        f"obj_train_data/{_label_file(name)}.txt": (
            f"0 {(x + right) / 128:.8f} {(y + low) / 96:.8f} {(right - x) / 64:.8f} {(low - y) / 48:.8f}\n"
        )
        for name, x, y, right, low in boxes
    }
    return {**texts, "classes.txt": "suction\n"}


def _voc(boxes: Boxes, own: str) -> dict[str, str]:
    return {
        f"Annotations/{_label_file(name)}.xml": (
            f"<annotation><filename>{name}</filename><object><name>suction</name><bndbox><xmin>{x}</xmin>"
            f"<ymin>{y}</ymin><xmax>{right}</xmax><ymax>{low}</ymax></bndbox></object></annotation>"
        )
        for name, x, y, right, low in boxes
    }


def _label_file(name: str) -> str:
    """A valid file name, without `..` and backslashes."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part != "..").rpartition(".")[0]


def boxes_of(root: Path) -> tuple[list[str], set[str], Dataset]:
    """The boxes as `frame left`, the codes of what is worse than info, and the data set."""
    data = open_dataset(root)
    texts = [f"{box.frame} {box.x1}" for box in data.boxes.itertuples()]
    return texts, {problem.code for problem in data.problems if problem.severity != "info"}, data
