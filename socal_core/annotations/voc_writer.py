"""Write Pascal VOC: one XML file per frame."""

from pathlib import Path

import numpy as np
import pandas as pd

from socal_core.annotations.rows import CORNERS, KnownFrames
from socal_core.annotations.xml_files import xml_text
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset

FOLDER = "Annotations"
EDGES = ("xmin", "ymin", "xmax", "ymax")
"""The elements of the corners of a box."""


def write(dataset: Dataset, out: Path) -> None:
    """Write Annotations/<stem>.xml for each frame, in the same folders as the frames, without track ids."""
    known = KnownFrames(dataset.frames, dataset.trials).sizes(np.arange(len(dataset.frames)))
    sizes = np.nan_to_num(known).astype(int).tolist()
    objects = _objects(dataset.boxes)
    used: set[str] = set()
    for frame, (width, height) in zip(dataset.frames["frame"], sizes, strict=True):
        stem = frame.rpartition(".")[0] or frame
        stem = frame if stem in used else stem  # a.jpeg beside a.png
        used.add(stem)
        path = out / FOLDER / f"{stem}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = _document(frame, dataset.images_dir, (width, height), objects.get(frame, []))
        path.write_text(text, encoding="utf-8", newline="\n")


def _objects(boxes: pd.DataFrame) -> dict[str, list[str]]:
    """Return the <object> of each box, by frame."""
    objects: dict[str, list[str]] = {}
    columns = [boxes[name].tolist() for name in ("frame", "label", *CORNERS)]
    for frame, label, *corners in zip(*columns, strict=True):
        edges = "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(EDGES, corners, strict=True))
        objects.setdefault(frame, []).append(
            f"\t<object>\n\t\t<name>{xml_text(label)}</name>\n\t\t<pose>Unspecified</pose>\n"
            "\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n"
            f"\t\t<bndbox>{edges}</bndbox>\n\t</object>"
        )
    return objects


def _document(frame: str, images_dir: str, size: tuple[int, int], objects: list[str]) -> str:
    parent, _, own = frame.rpartition("/")
    lines = [
        "<annotation>",
        f"\t<folder>{xml_text(parent.rpartition('/')[2] or images_dir or layout.IMAGES_DIR)}</folder>",
        f"\t<filename>{xml_text(own)}</filename>",
        f"\t<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>",
        "\t<segmented>0</segmented>",
        *objects,
        "</annotation>",
        "",
    ]
    return "\n".join(lines)
