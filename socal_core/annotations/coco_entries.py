"""Read the entries of a COCO file one by one: a value may have any type, and only bad entries are lost."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from socal_core.annotations.class_names import other_start, report_shift
from socal_core.annotations.repeated_exports import label_again
from socal_core.annotations.rows import CORNERS, LARGEST_COORDINATE
from socal_core.annotations.shapes import ROTATED_BOX, Corners, enclose_points, report_shapes, turn_one
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import LARGEST_INTEGER

Key = int | str
"""An id of an image or a category."""

_LONGEST_NAME = 255
"""Characters; each box holds the names of its frame and class, so one long name would be in memory many times."""
_TRACK_KEYS = ("track_id", "tracking_id")
_SIZES = ("width", "height")
_DTYPES = {
    "row": "int64",
    "file": "str",
    "frame": "str",
    "label": "str",
    "track_id": "Int64",
    **dict.fromkeys((*CORNERS, *_SIZES), "float64"),
}


@dataclass
class Collected:
    """The entries of the files of a folder, row by row."""

    nameless: Counter[Key] = field(default_factory=Counter)
    """The number of boxes of each class without a name."""
    box_rows: list[tuple[Any, ...]] = field(default_factory=list)
    empty_rows: list[tuple[Any, ...]] = field(default_factory=list)
    sized_rows: list[tuple[Any, ...]] = field(default_factory=list)

    def boxes(self) -> pd.DataFrame:
        """Return the boxes as BoxRows documents them."""
        return _table(self.box_rows, ("file", "frame", *CORNERS, "label", "track_id"))

    def without_tool(self) -> pd.DataFrame:
        """Return the images that no annotation refers to: file, frame."""
        return _table(self.empty_rows, ("file", "frame"))

    def sized_images(self) -> pd.DataFrame:
        """Return the images whose size a file gives: file, frame, width, height (pixels, float64)."""
        return _table(self.sized_rows, ("file", "frame", *_SIZES))


def collect(content: dict[str, Any], file: str, rows: Collected, log: ProblemLog) -> None:
    """Add the boxes and images of one file.

    Args:
        content: The parsed file.
        file: The name of the file, for problems.
        rows: Receives the boxes and images.
        log: Receives the problems.
    """
    names = _certain_names(_categories(content, file, log), content, file, log)
    images = _images(content, file, rows, log)
    annotated: set[Key] = set()
    shapes: Counter[str] = Counter()
    for number, entry in _entries(content, "annotations", file, log):
        key = _key(entry.get("image_id"))
        if key is None or key not in images:
            log.add(annotation_kinds.BOX_WITHOUT_IMAGE, file, row=number, id=printable(entry.get("image_id")))
            continue
        annotated.add(key)
        corners = _corners(entry, number, file, shapes, log)
        if corners is not None:
            track = _track_id(entry, number, file, log)
            _, own, frame = images[key]
            rows.box_rows.append((number, own, frame, *corners, _label(entry, names, rows), track))
    report_shapes(shapes, Counter(), file, log)
    rows.empty_rows += [image for key, image in images.items() if key not in annotated]


def _table(rows: list[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    names = ("row", *columns)
    values = zip(*rows, strict=True) if rows else ([] for _ in names)
    table = {name: pd.Series(column, dtype=_DTYPES[name]) for name, column in zip(names, values, strict=True)}
    return pd.DataFrame(table).set_index("row")


def _entries(content: dict[str, Any], key: str, file: str, log: ProblemLog) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of one of the lists with their numbers, from 1."""
    entries = content.get(key)
    if not isinstance(entries, list):
        if key != "categories" or entries is not None:
            log.add(annotation_kinds.MISSING_LIST, file, list=key)
        return
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, dict):
            yield number, entry
        else:
            log.add(annotation_kinds.BAD_ENTRY, file, row=number, list=key, value=_shown(entry))


def _categories(content: dict[str, Any], file: str, log: ProblemLog) -> dict[Key, str]:
    """Return the name of each class by its id."""
    names: dict[Key, str] = {}
    for number, entry in _entries(content, "categories", file, log):
        key, name = _key(entry.get("id")), _text(entry.get("name"))
        if key is None or not name:
            _report_incomplete("categories", "name", entry, number, file, log)
        elif names.setdefault(key, name) != name:
            used, ignored = printable(names[key]), printable(name)
            log.add(annotation_kinds.DOUBLED_CLASS, file, row=number, id=printable(key), used=used, ignored=ignored)
    return names


def _certain_names(names: dict[Key, str], content: dict[str, Any], file: str, log: ProblemLog) -> dict[Key, str]:
    """Return the names of the classes; none, with a problem, if the annotations seem to count them from elsewhere."""
    annotations = content.get("annotations")
    entries = [entry for entry in annotations if isinstance(entry, dict)] if isinstance(annotations, list) else []
    used = {_key(entry.get("category_id")) for entry in entries}
    numbers, numbered = ({key for key in keys if isinstance(key, int)} for keys in (used, names))
    by_number = {key: name for key, name in names.items() if isinstance(key, int)}
    if len(numbered) < len(names) or not other_start(numbers, by_number):
        return names
    report_shift(numbers, by_number, file, len(entries), log)
    return {}


def _report_incomplete(of_list: str, key: str, entry: dict[str, Any], number: int, file: str, log: ProblemLog) -> None:
    """Report an entry that lacks its id or the text `key`."""
    own, value = _shown(entry.get("id")), _shown(entry.get(key))
    log.add(annotation_kinds.INCOMPLETE_ENTRY, file, row=number, list=of_list, key=key, id=own, value=value)


def _images(content: dict[str, Any], file: str, rows: Collected, log: ProblemLog) -> dict[Key, tuple[int, str, str]]:
    """Return the entry number, the file and the frame of each image by its id.

    A frame that the file lists again, as after a merge, belongs to another file, so that the two are compared.
    """
    images: dict[Key, tuple[int, str, str]] = {}
    listed: set[str] = set()
    for number, entry in _entries(content, "images", file, log):
        key, frame = _key(entry.get("id")), _text(entry.get("file_name"))
        if key is None or not frame:
            _report_incomplete("images", "file_name", entry, number, file, log)
        elif key in images:
            log.add(annotation_kinds.DOUBLED_IMAGE_ID, file, row=number, id=printable(key), first=images[key][0])
        else:
            own = label_again(file) if frame in listed else file
            listed.add(frame)
            images[key] = number, own, frame
            size = [_number(entry.get(name)) for name in _SIZES]
            if all(length is not None and 0 < length <= LARGEST_COORDINATE for length in size):
                rows.sized_rows.append((number, own, frame, *size))
    return images


def _corners(entry: dict[str, Any], number: int, file: str, shapes: Counter[str], log: ProblemLog) -> Corners | None:
    """Return left, top, right, bottom in pixels; None, with a problem, if the entry is not a single box.

    `shapes` counts the shapes that are not upright boxes, by kind.
    """
    outline, mask = entry.get("segmentation"), isinstance(entry.get("segmentation"), dict)
    if entry.get("iscrowd") in (1, "1") and not mask:
        log.add(annotation_kinds.CROWD_ANNOTATION, file, row=number)
        return None
    around = _enclose(outline)
    bbox = entry.get("bbox")
    if not bbox and outline:
        if around is None:
            log.add(annotation_kinds.MASK_WITHOUT_BOX, file, row=number)
        else:
            shapes["polygon"] += 1
        return around
    values = [_number(value) for value in bbox] if isinstance(bbox, list) and len(bbox) == 4 else []
    x, y, width, height = values or [None] * 4
    if x is None or y is None or width is None or height is None:
        log.add(annotation_kinds.BAD_BBOX, file, row=number, bbox=_shown(bbox))
        return None
    corners, kind = _upright((x, y, x + width, y + height), entry, around)
    shapes.update([kind or "mask"] if kind or mask else [])
    return corners


def _upright(corners: Corners, entry: dict[str, Any], around: Corners | None) -> tuple[Corners, str]:
    """Return the upright box of a bbox, and the kind of shape that it encloses ("" for none).

    CVAT writes a rotated box as it was before the rotation, and the angle beside it. An outline that is not an upright
    rectangle is the shape itself, so its bbox is used unchanged, unless the outline leaves it, as that of a box that
    was rotated afterwards.
    """
    attributes = entry.get("attributes")
    degrees = _number(attributes.get("rotation")) if isinstance(attributes, dict) else None
    if around is not None and not _is_rectangle(entry["segmentation"], around):
        inside = all(low >= own - 1 for low, own in zip(around[:2], corners[:2], strict=True))
        inside &= all(high <= own + 1 for high, own in zip(around[2:], corners[2:], strict=True))
        return (corners if inside and not degrees else around), "polygon"
    if degrees and math.isfinite(degrees):
        return turn_one(corners, degrees), ROTATED_BOX
    return corners, ""


def _enclose(outline: object) -> Corners | None:
    """Enclose all parts of an outline (lists of x, y, x, y, …); return None if it is not an outline."""
    if not isinstance(outline, list) or not all(isinstance(part, list) and len(part) % 2 == 0 for part in outline):
        return None
    values = [_number(value) for part in outline for value in part]
    if None in values:
        return None
    numbers = [value for value in values if value is not None]
    box = enclose_points(numbers[::2], numbers[1::2])
    return None if math.isnan(box[0]) else box


def _is_rectangle(outline: list[list[float]], around: Corners) -> bool:
    """Return whether an outline is its own enclosing box: four or five points, all at the corners."""
    corners = {(x, y) for x in around[::2] for y in around[1::2]}
    return len(outline) == 1 and set(zip(outline[0][::2], outline[0][1::2], strict=True)) == corners


def _label(entry: dict[str, Any], names: dict[Key, str], rows: Collected) -> str:
    """Return the name of the class of an annotation; "" if it has none."""
    key = _key(entry.get("category_id"))
    if key is None:
        return ""
    if key not in names:
        rows.nameless[key] += 1
    return names.get(key, f"class {key}")


def _track_id(entry: dict[str, Any], number: int, file: str, log: ProblemLog) -> int | None:
    """Return the track id of an annotation, from its attributes or beside its box."""
    attributes = entry.get("attributes")
    holders = [attributes, entry] if isinstance(attributes, dict) else [entry]
    given = next((own[name] for own in holders for name in _TRACK_KEYS if own.get(name) is not None), None)
    if given is None:
        return None
    key = _key(given)
    if isinstance(key, int) and abs(key) <= LARGEST_INTEGER:
        return key
    log.add(box_kinds.BAD_TRACK_ID, file, row=number, expected="a whole number", track_id=_shown(given))
    return None


def _key(value: object) -> Key | None:
    """Return an id as a number if it is one, also if written as text or as 1.0; None if it is not an id."""
    if type(value) is int:  # true and false are not ids
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= LARGEST_INTEGER else None
    text = _text(value)
    return int(text) if text.isdecimal() and len(text) < len(str(LARGEST_INTEGER)) else text or None


def _number(value: object) -> float | None:
    return float(value) if type(value) in (int, float) else None  # type: ignore[arg-type]


def _text(value: object) -> str:
    """Strip a text; return "" if it is not a text or too long for a name.

    JSON may hold lone surrogates, which no file name has; they are replaced.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return ""
    return value.strip() if value.isascii() else value.encode("utf-8", "replace").decode().strip()


def _shown(value: object) -> str:
    """Format a value of any type for a message, without the content of nested values."""
    if isinstance(value, list) and len(value) <= 4:
        return f"[{', '.join(map(_shown_plainly, value))}]"
    return _shown_plainly(value)


def _shown_plainly(value: object) -> str:
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    return "an object" if isinstance(value, dict) else printable(value)
