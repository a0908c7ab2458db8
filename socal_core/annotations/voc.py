"""Pascal VOC: one XML file per frame in Annotations/, or in a folder below it.

The coordinates are used unchanged. VOC counted pixels from 1, but most tools that write it today do not, and the same
boxes should have the same coordinates in every format. VOC has no track ids.
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from socal_core.annotations.corner_checks import STORED_CORNERS, with_certain_numbers
from socal_core.annotations.frame_matching import match_names
from socal_core.annotations.frame_sizes import to_frame_sizes
from socal_core.annotations.rows import CORNERS, BoxRows, Format, KnownFrames
from socal_core.annotations.shapes import ROTATED_BOX, report_shapes, turn_one
from socal_core.annotations.voc_writer import EDGES, FOLDER, write
from socal_core.annotations.xml_files import (
    HEAD,
    LARGEST_XML,
    MOST_BOXES,
    Element,
    list_xml,
    read_xml,
    to_number,
)
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_lookup import UNUSED
from socal_core.dataset.problem_kinds import annotation_kinds, file_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError

_FOLDERS = (FOLDER, "annotations")
_LARGEST_FILE = 1_000_000
"""Bytes, enough for about 3,000 boxes in a frame."""
_ROOT = "*.xml"
"""Stands for the data folder itself if the files are beside the frames in it."""
_IMAGES = tuple(sorted(layout.IMAGE_SUFFIXES))
_WANTED = frozenset({"folder", "filename", "path", "size", "object"})


def find(folder: DataFolder) -> list[str]:
    """Find the folders with XML files that are not CVAT's: folders of annotations, then folders of frames."""
    found = []
    for parent in dict.fromkeys(map(folder.actual, _FOLDERS)):
        first = next((path for below in _with_folders(folder, parent) for path in list_xml(folder, below)), None)
        if first is not None and not _is_cvat(folder, first):
            found.append(parent)
    parents = (*dict.fromkeys(map(folder.actual, layout.IMAGES_DIRS)), "")
    return found + [parent or _ROOT for parent in parents if any(_beside_frames(folder, parent))]


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """Read the boxes of all files; a file without an object marks a frame without a tool."""
    tables, count = [], 0
    for parent in files:
        found = _Found()
        for path in _files(folder, parent):
            if count + len(found.lines) >= MOST_BOXES:
                log.add(annotation_kinds.TOO_MANY_BOXES, path, limit=MOST_BOXES)
                break
            _read_file(folder, path, found, log)
        count += len(found.lines)
        tables.append(_to_rows(found, parent, known, log))
    return BoxRows(pd.concat([rows.boxes for rows in tables]), pd.concat([rows.without_tool for rows in tables]))


def _files(folder: DataFolder, parent: str) -> list[str]:
    """Return the files of a folder of annotations, or those beside frames."""
    if parent in map(folder.actual, _FOLDERS):
        return [path for below in _with_folders(folder, parent) for path in list_xml(folder, below)]
    return list(_beside_frames(folder, "" if parent == _ROOT else parent))


def _beside_frames(folder: DataFolder, parent: str) -> Iterator[str]:
    """Yield the XML files beside an image of the same stem that are not CVAT's, in a folder and its subfolders."""
    for below in ["", *folder.listing().folders] if parent == "" else _with_folders(folder, parent):
        paths = list_xml(folder, below)
        names = folder.listing(below).files if paths else []
        stems = {name.rpartition(".")[0] for name in names if name.lower().endswith(_IMAGES)}
        for path in paths:
            if path.rpartition("/")[2].rpartition(".")[0] in stems and not _is_cvat(folder, path):
                yield path


@dataclass
class _Found:
    """The content of the files: columns with one entry per file, and columns with one entry per box."""

    paths: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    """Where the frame was when it was annotated: `folder`, then the folders of `path`."""
    widths: "array[float]" = field(default_factory=lambda: array("d"))
    heights: "array[float]" = field(default_factory=lambda: array("d"))
    empty: list[bool] = field(default_factory=list)
    """Whether the file is complete and has no object."""
    corners: "array[float]" = field(default_factory=lambda: array("d"))
    labels: list[str] = field(default_factory=list)
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    of_file: "array[int]" = field(default_factory=lambda: array("q"))
    """The number of the file of each box."""
    shapes: Counter[str] = field(default_factory=Counter)


def _with_folders(folder: DataFolder, parent: str) -> list[str]:
    """Return a folder and its subfolders; only the folder if it does not exist."""
    try:
        below = folder.listing(parent).folders if parent in folder.listing().folders else []
    except OSError:
        below = []
    return [parent, *(f"{parent}/{name}" for name in below)]


def _is_cvat(folder: DataFolder, path: str) -> bool:
    try:
        return b"<annotations" in folder.read(path, LARGEST_XML)[:HEAD].replace(b"\0", b"")
    except DataError:
        return False


def _read_file(folder: DataFolder, path: str, found: _Found, log: ProblemLog) -> None:
    xml = read_xml(folder, path, _WANTED, log, _LARGEST_FILE)
    if xml is None:
        return
    number, name, width, height, objects = len(found.paths), "", 0.0, 0.0, 0
    own_folder, path_folder = "", ""
    for element in xml:
        if element.level != 2 or xml.root != "annotation":
            continue
        if element.name == "object":
            objects += 1
            _read_object(element, number, path, found, log)
        elif element.name == "filename":
            name = element.text.strip()
        elif element.name == "folder":
            own_folder = element.text.strip()
        elif element.name == "path":
            path_folder = element.text.strip().replace("\\", "/").rpartition("/")[0]
        else:
            width, height = to_number(element.child_text("width")), to_number(element.child_text("height"))
    if xml.root not in ("", "annotation"):
        reason = "it is not a Pascal VOC annotation, as its first element is not <annotation>"
        log.add(file_kinds.UNREADABLE_FILE, path, reason=reason)
        return
    found.paths.append(path)
    found.names.append(name)
    found.folders.append(f"{path_folder}/{own_folder}")
    found.widths.append(width)
    found.heights.append(height)
    found.empty.append(xml.complete and not objects)


def _read_object(element: Element, number: int, path: str, found: _Found, log: ProblemLog) -> None:
    """Add the box of an object; boxes of its parts, such as the head of a person, are ignored."""
    label, bounds, rotated, degrees = "", None, None, 0.0
    for child in element.children or ():
        if child.name == "name":
            label = label or child.text.strip()
        elif child.name == "bndbox" and bounds is None:
            bounds = child
        elif child.name == "robndbox" and rotated is None:
            rotated = child
        elif child.name == "attributes":
            degrees = _rotation(child)
    if bounds is None and rotated is None:
        log.add(annotation_kinds.OBJECT_WITHOUT_BOX, path, row=element.line)
        return
    if bounds is not None:
        edges = {edge.name: edge.text for edge in bounds.children or ()}
        corners = tuple(to_number(edges.get(name)) for name in EDGES)
    elif rotated is not None:
        corners, degrees = _from_centre(rotated)
    found.shapes[ROTATED_BOX] += int(degrees != 0)
    found.corners.extend(turn_one(corners, degrees))
    found.labels.append(label)
    found.lines.append(element.line)
    found.of_file.append(number)


def _rotation(attributes: Element) -> float:
    """Return the angle in degrees that CVAT writes beside the box before its rotation; 0 if there is none."""
    for attribute in attributes.children or ():
        if attribute.child_text("name") == "rotation":
            degrees = to_number(attribute.child_text("value"))
            return degrees if np.isfinite(degrees) else 0.0
    return 0.0


def _from_centre(box: Element) -> tuple[tuple[float, ...], float]:
    """Return the corners before the rotation, and the angle in degrees, of a robndbox of roLabelImg (in radians)."""
    cx, cy, width, height, angle = (to_number(box.child_text(name)) for name in ("cx", "cy", "w", "h", "angle"))
    return (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2), float(np.degrees(angle))


def _to_rows(found: _Found, parent: str, known: KnownFrames, log: ProblemLog) -> BoxRows:
    frames = _frames_of(found, parent, known, log)
    first = pd.Index(np.ones(len(frames), np.int64), name="row")
    files = pd.DataFrame({"frame": frames, "file": pd.Series(found.paths, dtype="str")}).set_index(first)
    sizes = files.assign(width=np.array(found.widths), height=np.array(found.heights))
    report_shapes(+found.shapes, Counter(), parent, log)
    of_file = np.array(found.of_file, np.int64)
    boxes = files.take(of_file).set_index(pd.Index(np.array(found.lines, np.int64), name="row"))
    corners = np.array(found.corners, np.float64).reshape(-1, 4)
    boxes = boxes.assign(**dict(zip(CORNERS, corners.T, strict=True)))
    boxes["label"] = pd.Series(found.labels, index=boxes.index, dtype="str")
    boxes["track_id"] = pd.Series(pd.NA, index=boxes.index, dtype="Int64")
    empty = files[np.array(found.empty, bool)]
    rows = BoxRows(boxes[boxes["frame"].notna()], empty[empty["frame"].notna()])
    sizes = sizes[sizes["frame"].notna()]
    rows = to_frame_sizes(rows, sizes, parent, known, log)
    return with_certain_numbers(rows, STORED_CORNERS, parent, known, log, sizes.loc[sizes["width"] > 0, "frame"])


def _frames_of(found: _Found, parent: str, known: KnownFrames, log: ProblemLog) -> pd.Series:
    """Return the frame of each file, by the name of the file or else by its `filename`.

    A file is usually renamed along with its frame, but its content is not, so its own name takes precedence. If that
    does not give the trial, the folder of the frame in the file may. A name that matches no frame is unchanged. A name
    that must not be used is NA.
    """
    own = [path.removeprefix(f"{parent}/").rpartition(".")[0] for path in found.paths]
    own = [_with_trial(stem, below, known) for stem, below in zip(own, found.folders, strict=True)]
    folders = [stem.rpartition("/")[0] for stem in own]
    given = [f"{below}/{name}".lstrip("/") if name else "" for below, name in zip(folders, found.names, strict=True)]
    by_stem = [known.lookup.find(f"{stem}.xml").row for stem in own]
    by_name = [
        row if row >= 0 else known.lookup.find(name).row
        for name, row in zip(given, known.rows_of_names(given).tolist(), strict=True)
    ]
    uses_name = [stem < 0 <= name for stem, name in zip(by_stem, by_name, strict=True)]
    chosen = [name if uses else f"{stem}.xml" for name, stem, uses in zip(given, own, uses_name, strict=True)]
    codes, names = pd.factorize(pd.Series(chosen, dtype="str"))
    rows = match_names(names, parent, known, log, count=len(found.lines), one_file=False)[codes]
    for number, (stem, name) in enumerate(zip(by_stem, by_name, strict=True)):
        if stem >= 0 and name >= 0 and stem != name:
            frame, other = known.frames["frame"].iloc[[stem, name]]
            log.add(annotation_kinds.OTHER_FRAME_NAME, found.paths[number], frame=frame, other=other)
    declared = pd.Series([name or stem for name, stem in zip(given, own, strict=True)], dtype="str")
    frames = known.frames["frame"].take(np.maximum(rows, 0)).set_axis(declared.index)
    return declared.where(rows < 0, frames).mask(rows == UNUSED).astype("str")


def _with_trial(stem: str, folders: str, known: KnownFrames) -> str:
    """Put the trial in front of a name without one if the folders in the file name it."""
    if known.lookup.names_trial(stem):
        return stem
    trials = (known.lookup.trial_in(part) for part in reversed(folders.split("/")))
    trial = next(filter(None, trials), "")
    return f"{trial}/{stem}" if trial else stem


FORMAT = Format("voc", "Pascal VOC", find, read, write)
