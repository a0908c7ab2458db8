"""Files that are not read and look as if they should be: other versions of tables, and annotations of other tools."""

import re
from collections.abc import Iterator

from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.errors import DataError
from socal_core.presets import Preset

_VERSION = r"(?: ?\([0-9]+\)|[ _-]+(?:copy|kopie|copie|old|new|final|backup|v?[0-9]{1,4})(?: ?\(?[0-9]+\)?)?)"
"""What people and systems add to the name of another version of a file."""
_OTHER_KINDS = "xlsx?|xlsm|ods|numbers|tsv|txt"
"""The endings of tables that are not CSV files."""

_DEPTH = 4
_MOST_FOLDERS = 200
_MOST_FILES = 50
_HEAD = 65_536
_KINDS = (".json", ".csv", ".xml", ".txt")
_NUMBERS = re.compile(rb"^\s*-?[0-9]+(?:[ ,;\t]+-?[0-9.eE+-]+){4,}\s*$")

_TOOLS: tuple[tuple[str, tuple[bytes, ...], str, str], ...] = (
    (".json", (b'"shapes"', b'"shape_type"'), "LabelMe's JSON", "convert it to COCO, such as with labelme2coco"),
    (".json", (b'"classTitle"',), "Supervisely's JSON", "export the project as COCO"),
    (".json", (b'"region_attributes"',), "VIA's JSON", "export it as COCO"),
    (".json", (b'"assets"', b'"regions"'), "VoTT's JSON", "export it as CSV, and name that {boxes_file}"),
    (".json", (b'"result"', b'"original_width"'), "Label Studio's JSON", "export it as COCO or YOLO"),
    (".json", (b'"image_id"', b'"bbox"'), "COCO's results", "export them with images and categories"),
    (".csv", (b"region_shape_attributes",), "VIA's CSV", "export it as COCO"),
    (".csv", (b"xmin", b"xmax"), "a table of boxes", "name it {boxes_file}, in the data folder"),
    (".xml", (b"<annotations", b"<"), "CVAT's XML", "move it into the data folder or into annotations/"),
    (".xml", (b"<annotation", b"<object"), "Pascal VOC", "move its folder into the data folder, as Annotations/"),
)
"""Annotations that are not read, or not there: ending, texts that all occur, name, and the step that helps."""


def _tables(preset: Preset) -> tuple[str, ...]:
    """Return the tables that are read from a data folder."""
    names = (preset.boxes_file, preset.outcomes_file, preset.mapping_file, preset.surgeons_file, layout.TRACKS_FILE)
    return tuple(filter(None, names))


def report_other_versions(folder: DataFolder, log: ProblemLog) -> None:
    """Report files that look like another version of a table; the table itself is read, if it exists."""
    files = folder.listing().files
    for table in _tables(folder.preset):
        stem = re.escape(table.removesuffix(".csv"))
        other = re.compile(rf"{stem}(?:{_VERSION}\.(?:csv|{_OTHER_KINDS})|\.(?:{_OTHER_KINDS}))", re.IGNORECASE)
        for name in filter(other.fullmatch, files):
            log.add(file_kinds.OTHER_VERSION, printable(name), table=table)


def report_other_annotations(folder: DataFolder, log: ProblemLog) -> None:
    """Report annotations in a folder without boxes: their tool, and the step that helps."""
    found: dict[tuple[str, str], list[str]] = {}
    for count, path in enumerate(_candidates(folder)):
        if count == _MOST_FILES:
            break
        tool = _tool_of(folder, path)
        if tool is not None:
            found.setdefault(tool, []).append(path)
    for (name, step), paths in found.items():
        log.add(file_kinds.OTHER_ANNOTATIONS, paths[0], count=len(paths), tool=name, step=step)


def _candidates(folder: DataFolder) -> Iterator[str]:
    """Yield files that may be annotations, a few of each folder and ending."""
    preset = folder.preset
    known = {name.lower() for name in (*_tables(preset), *preset.other_files)}
    waiting, seen = [("", 0)], 0
    while waiting and seen < _MOST_FOLDERS:
        path, depth = waiting.pop(0)
        seen += 1
        try:
            listing = folder.listing(path)
        except OSError:
            continue
        for kind in _KINDS:
            own = [name for name in listing.files if name.lower().endswith(kind)]
            yield from (f"{path}/{name}".lstrip("/") for name in own[:3] if name.lower() not in known)
        if depth < _DEPTH:
            waiting += [(f"{path}/{name}".lstrip("/"), depth + 1) for name in listing.folders]


def _tool_of(folder: DataFolder, path: str) -> tuple[str, str] | None:
    """Return what a file seems to be, and the step that helps; None if it is something else."""
    try:
        head = folder.head(path, _HEAD)
    except (DataError, OSError):
        return None
    for ending, texts, tool, step in _TOOLS:
        if path.lower().endswith(ending) and all(text in head for text in texts):
            return tool, step.format(boxes_file=folder.preset.boxes_file)
    lines = [line for line in head.splitlines()[:5] if line.strip()]
    if not path.lower().endswith(".txt") or not lines or not all(map(_NUMBERS.match, lines)):
        return None
    if b"," in lines[0]:
        return "MOT text", "put the file of each trial at S102T1/gt/gt.txt, named after the trial"
    return "YOLO label files", "move their folder into the data folder, as labels/"
