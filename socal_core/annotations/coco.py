"""COCO JSON: lists of images, categories and annotations, with the box as x, y, width, height.

CVAT, Label Studio, Roboflow and others write it. Track ids are in an annotation's `attributes` or beside its box.
Source of the field names: the COCO data format page (cocodataset.org).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from socal_core.annotations.coco_entries import Collected, collect
from socal_core.annotations.corner_checks import STORED_SIZES, with_certain_numbers
from socal_core.annotations.frame_matching import frame_names, renamed, with_names
from socal_core.annotations.frame_sizes import to_frame_sizes
from socal_core.annotations.rows import CORNERS, BoxRows, Format, KnownFrames
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import box_kinds, file_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.errors import DataError

ANNOTATIONS_DIR = "annotations"
INSTANCES_FILE = "instances.json"
BESIDE_FRAMES = "_annotations.coco.json"

_MEMORY = 600_000_000
"""The bytes that the parsed files of a folder may occupy together: about 200,000 annotations with their images.

Measured with the worst files within the limit: 0.84 GB for the whole process.
"""
_BYTES_PER_VALUE = 110
"""Measured: lists, objects, numbers and short texts take 22 to 102 bytes for each bracket, comma and colon."""
_BYTES_PER_CHARACTER = 3
_BYTES_PER_WIDE_CHARACTER = 9
"""One character beyond the basic plane makes the whole text, and values from it, take four bytes per character."""
_LONGEST_INTEGER = 18


def find(folder: DataFolder) -> list[str]:
    """Find JSON files with images and annotations: in annotations/, in the folder itself, beside the frames."""
    found = [f"{ANNOTATIONS_DIR}/{name}" for name in _json_files(folder, ANNOTATIONS_DIR)]
    found += _json_files(folder, "")
    for parent in ("", *layout.IMAGES_DIRS):
        found += [name for own in _with_splits(folder, parent) if folder.is_file(name := f"{own}/{BESIDE_FRAMES}")]
    return [name for name in found if _is_sure(name) or _has_keys(folder, name)]


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """Read the boxes of all files; report entries that are not boxes as problems, numbered from 1."""
    rows = Collected()
    remaining = _MEMORY
    for name in files:
        data = _read_bytes(folder, name, log)
        if data is None:
            continue
        cost = _cost(data)
        if cost > remaining:
            log.add(file_kinds.TOO_MUCH_MEMORY, name, size=len(data), limit=_MEMORY)
            continue
        remaining -= cost
        content = _parse(data, name, log)
        if content is not None:
            collect(content, name, rows, log)
    _report(rows, files[0], log)
    return _matched(rows, known, log)


def write(dataset: Dataset, out: Path) -> None:
    """Write annotations/instances.json, with one line per entry and ids from 1; the same data give the same bytes."""
    labels = dataset.preset.labels
    others = sorted(set(dataset.boxes["label"]) - set(labels))
    categories = {label: number for number, label in enumerate((*labels, *others), start=1)}
    numbers = {frame: number for number, frame in enumerate(dataset.frames["frame"], start=1)}
    entries = {
        "licenses": [],
        "categories": [{"id": number, "name": label, "supercategory": "tool"} for label, number in categories.items()],
        "images": _images(dataset, numbers),
        "annotations": _annotations(dataset, numbers, categories),
    }
    info = json.dumps({"description": f"Boxes of a {dataset.preset.title} data folder", "version": "1.0"})
    lists = [f'"{key}": [\n' + ",\n".join(map(json.dumps, values)) + "\n]" for key, values in entries.items()]
    target = out / ANNOTATIONS_DIR
    target.mkdir()
    text = "{\n" + ",\n".join([f'"info": {info}', *lists]) + "\n}\n"
    (target / INSTANCES_FILE).write_text(text, encoding="utf-8", newline="\n")


def _images(dataset: Dataset, numbers: dict[str, int]) -> list[dict[str, Any]]:
    """Return one entry per frame, with its size if it is known."""
    sizes = KnownFrames(dataset.frames, dataset.trials).sizes(np.arange(len(dataset.frames)))
    return [
        {"id": number, "file_name": frame}
        | ({} if np.isnan(size).any() else {"width": int(size[0]), "height": int(size[1])})
        for (frame, number), size in zip(numbers.items(), sizes, strict=True)
    ]


def _annotations(dataset: Dataset, numbers: dict[str, int], categories: dict[str, int]) -> list[dict[str, Any]]:
    """Return one entry per box."""
    entries: list[dict[str, Any]] = []
    columns = dataset.boxes[["frame", *CORNERS, "label", "track_id"]]
    for number, (frame, x1, y1, x2, y2, label, track) in enumerate(columns.itertuples(index=False, name=None), start=1):
        entry: dict[str, Any] = {
            "id": number,
            "image_id": numbers[frame],
            "category_id": categories[label],
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
        }
        if not pd.isna(track):
            entry["attributes"] = {"track_id": int(track)}
        entries.append(entry)
    return entries


def _json_files(folder: DataFolder, path: str) -> list[str]:
    try:
        return [name for name in folder.listing(path).files if name.lower().endswith(".json")]
    except OSError:
        return []


def _with_splits(folder: DataFolder, parent: str) -> list[str]:
    """Return a folder of frames, if it exists, and the folders of a split in it, such as `train`; relative paths."""
    if parent and parent not in folder.listing().folders:
        return []
    try:
        below = folder.listing(parent).folders
    except OSError:
        return []
    splits = [f"{parent}/{own}".lstrip("/") for own in below if own.lower() in layout.SPLIT_FOLDERS]
    return [parent, *splits] if parent else splits


def _is_sure(name: str) -> bool:
    """Return whether the name alone shows that a file is COCO, so that a broken file is reported and not skipped."""
    parent, _, own = name.rpartition("/")
    return own == BESIDE_FRAMES or (parent == ANNOTATIONS_DIR and own.startswith("instances"))


def _has_keys(folder: DataFolder, name: str) -> bool:
    """Return whether the text holds both keys; they may be anywhere in the file, so all of it is searched."""
    try:
        data = folder.read(name)
    except DataError:
        return False
    return b'"images"' in data and b'"annotations"' in data


def _read_bytes(folder: DataFolder, name: str, log: ProblemLog) -> bytes | None:
    try:
        return folder.read(name, _MEMORY // _BYTES_PER_CHARACTER)
    except DataError as error:
        log.add(file_kinds.UNREADABLE_FILE, name, reason=error)
        return None


def _cost(data: bytes) -> int:
    """Return an upper bound of the bytes that a JSON text occupies once it is parsed."""
    values = sum(data.count(mark) for mark in (b"[", b"{", b",", b":"))
    wide = not data.isascii() or b"\\u" in data
    return values * _BYTES_PER_VALUE + len(data) * (_BYTES_PER_WIDE_CHARACTER if wide else _BYTES_PER_CHARACTER)


def _parse(data: bytes, name: str, log: ProblemLog) -> dict[str, Any] | None:
    """Parse the object in a file; return None and report a problem if it is not a JSON object."""
    try:
        content = json.loads(_decode(data, name, log), parse_int=_integer)
    except json.JSONDecodeError as error:
        reason = f"it is no JSON, or cut off, in line {error.lineno}: {error.msg}"
    except RecursionError:
        reason = "its lists are nested too deep"
    else:
        if isinstance(content, dict):
            return content
        reason = "it must be an object with images and annotations"
    log.add(file_kinds.UNREADABLE_FILE, name, reason=reason)
    return None


def _decode(data: bytes, name: str, log: ProblemLog) -> str:
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        log.add(file_kinds.NOT_UTF_8, name, row=row, encoding="Latin-1")
        return data.decode("latin-1")


def _integer(digits: str) -> int | str:
    """Convert digits to a number, or keep the text if it is too long to be an id or a size."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def _matched(rows: Collected, known: KnownFrames, log: ProblemLog) -> BoxRows:
    """Match the rows with the frames and scale them to the sizes of the frames, file by file."""
    boxes, without_tool, sized = rows.boxes(), rows.without_tool(), rows.sized_images()
    found = []
    for file in pd.unique(pd.concat([boxes["file"], without_tool["file"]])):
        own = BoxRows(boxes[boxes["file"] == file], without_tool[without_tool["file"] == file])
        names = frame_names(own, file, known, log)
        sizes = with_names(sized[sized["file"] == file], names)
        own = to_frame_sizes(renamed(own, names), sizes, file, known, log)
        found.append(with_certain_numbers(own, STORED_SIZES, file, known, log, sizes["frame"]))
    if not found:
        return BoxRows(boxes, without_tool)
    return BoxRows(pd.concat([own.boxes for own in found]), pd.concat([own.without_tool for own in found]))


def _report(rows: Collected, path: str, log: ProblemLog) -> None:
    """Report the classes without a name, once for all."""
    if rows.nameless:
        labels = printable(", ".join(f"class {key}" for key in sorted(map(str, rows.nameless))))
        count = sum(rows.nameless.values())
        log.add(box_kinds.CLASS_WITHOUT_NAME, path, count=count, labels=labels, where="the list of categories")


FORMAT = Format("coco", "COCO JSON", find, read, write)
