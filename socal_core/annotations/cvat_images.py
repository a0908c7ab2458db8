"""CVAT's XML "for images": each image with its boxes, in any XML file of the data folder or of annotations/.

The format: https://docs.cvat.ai/docs/manual/advanced/xml_format/ (version 1.1, "Annotation"). CVAT exports
images without track ids; if a label has an attribute track_id or tracking_id, that is used.
"""

import re
from array import array
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from socal_core.annotations.frame_matching import frame_names, renamed, with_names
from socal_core.annotations.frame_sizes import to_frame_sizes
from socal_core.annotations.repeated_exports import label_again
from socal_core.annotations.rows import CORNERS, BoxRows, Format, KnownFrames, empty_rows
from socal_core.annotations.shapes import ROTATED_BOX, Corners, enclose_cvat, report_shapes, turn_one
from socal_core.annotations.xml_files import (
    MOST_BOXES,
    TRACK_ID_RULE,
    Element,
    find_xml,
    read_xml,
    to_number,
    to_track_id,
)
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds, matching_kinds
from socal_core.dataset.problems import ProblemLog, printable

FOLDERS = ("", "annotations")
"""The folders that are searched for CVAT's files."""
EDGES = ("xtl", "ytl", "xbr", "ybr")
OTHER_SHAPES = frozenset({"polygon", "polyline", "points", "mask", "ellipse", "cuboid", "skeleton", "tag"})
"""What CVAT can annotate besides boxes; a tag belongs to a whole image."""

_TRACK_TITLES = ("track_id", "tracking_id")
_TITLES = frozenset({"name", "source"})
_HOLDERS = frozenset({"task", "job", "original", "meta"})
"""The elements that hold the names of a task and of its recording. The name of a project does not name a trial."""
_WANTED = OTHER_SHAPES | _TITLES | {"image", "box", "mode", "size"}
_OF_VIDEO = re.compile(r"frame_[0-9]{6}(?:\.PNG)?")
"""The name that CVAT gives to a frame of a video."""


def find(folder: DataFolder) -> list[str]:
    """Find the XML files with <annotations> and an <image>."""
    return find_xml(folder, FOLDERS, _has_images)


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """Read the boxes of all files; an image without any shape is a frame without a tool."""
    boxes, toolless, remaining = [empty_rows().boxes], [empty_rows().without_tool], MOST_BOXES
    for path in files:
        xml = read_xml(folder, path, _WANTED, log)
        if xml is None:
            continue
        found = _Found()
        for element in xml:
            if element.level == 2 and element.name == "image":
                found.add_image(element)
            elif element.level == 3 and element.parent is not None and element.parent.name == "image":
                found.add_shape(element, element.parent)
            elif element.name in _TITLES and element.parent is not None and element.parent.name in _HOLDERS:
                found.titles.append(element.text.strip())
            elif element.name == "mode":
                found.is_video = element.text.strip() == "interpolation"
            elif element.name == "size":
                found.frame_count = to_number(element.text.strip())
            if len(found.lines) >= remaining:
                log.add(annotation_kinds.TOO_MANY_BOXES, path, row=element.line, limit=MOST_BOXES)
                break
        remaining -= len(found.lines)
        report_shapes(found.enclosed, found.others, path, log)
        if found.tags:
            log.add(annotation_kinds.IMAGE_TAGS, path, count=found.tags)
        own = BoxRows(found.boxes(path, log).assign(file=path), found.without_tool().assign(file=path))
        names = frame_names(own, path, known, log, found.titles)
        if (
            found.is_video
            and np.isfinite(found.frame_count)
            and _count_other_frames(names, found.frame_count, path, len(own.boxes), known, log)
        ):
            names[:] = pd.NA
        sizes = with_names(found.images().assign(file=path), names)
        own = to_frame_sizes(renamed(own, names), sizes, path, known, log)
        boxes.append(_apart(own.boxes, path))
        toolless.append(_apart(own.without_tool, path))
        if remaining <= 0:
            break
    return BoxRows(pd.concat(boxes[1:] or boxes), pd.concat(toolless[1:] or toolless))


def _apart(rows: pd.DataFrame, path: str) -> pd.DataFrame:
    """Let images that the file lists again, as of two tasks of a project, count as those of another file."""
    return rows.assign(file=rows["file"].mask(rows["again"], label_again(path))).drop(columns="again")


def _count_other_frames(
    names: pd.Series, frame_count: float, path: str, count: int, known: KnownFrames, log: ProblemLog
) -> bool:
    """Return whether CVAT's names for the frames of a video match images by chance; if so, report a problem.

    They mean the images of a trial only if the video has as many frames.
    """
    of_video = [bool(_OF_VIDEO.fullmatch(name)) for name in names.index]
    rows = known.rows_of_names(names[of_video].fillna(""))
    for trial in known.frames["trial_id"].take(rows[rows >= 0]).unique():
        images = len(known.rows_of(trial))
        if not known.has_video(trial) and images != frame_count:
            video = f"a video of {frame_count:,.0f} frames"
            reason = f"the task was made from {video}, and trial {trial} has {images:,} images"
            name = printable(names.index[of_video][0])
            log.add(matching_kinds.VIDEO_FRAME_NAMES, path, count=max(1, count), name=name, reason=reason)
            return True
    return False


def read_shape(shape: Element) -> tuple[str, Corners | None, float]:
    """Read a shape.

    Returns:
        Its kind, "" for an upright box. Its corners, or None if it has none: those of a box before its rotation, or of
        the box around another shape. The rotation of a box in degrees, NaN for another shape.
    """
    if shape.name != "box":
        return shape.name, enclose_cvat(shape.name, shape.attributes), np.nan
    x1, y1, x2, y2 = (to_number(shape.attributes.get(name)) for name in EDGES)
    degrees = to_number(shape.attributes.get("rotation", "0"))
    return (ROTATED_BOX if degrees else ""), ((x1, y1, x2, y2) if np.isfinite(degrees) else None), degrees


def _has_images(head: bytes, data: bytes) -> bool:
    return b"<annotations" in head and (b"<image " in head or b"<image " in data)


@dataclass
class _Found:
    """The content of one file: columns of its images and of its boxes."""

    names: list[str] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    image_lines: list[int] = field(default_factory=list)
    empty: list[bool] = field(default_factory=list)
    again: list[bool] = field(default_factory=list)
    """Whether the file has listed an image of this name before."""
    listed: set[str] = field(default_factory=set)
    frames: list[str] = field(default_factory=list)
    boxes_again: list[bool] = field(default_factory=list)
    corners: "array[float]" = field(default_factory=lambda: array("d"))
    labels: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    enclosed: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    titles: list[str] = field(default_factory=list)
    """The names of tasks and recordings."""
    is_video: bool = False
    """Whether the task was made from a video."""
    frame_count: float = np.nan
    """The number of frames of the task."""
    tags: int = 0
    _last_annotated: Element | None = None
    """The last image with a shape. The element itself is kept, as the id of a freed object could occur again."""

    def add_image(self, image: Element) -> None:
        """Add an image after all its shapes."""
        name = image.attributes.get("name", "")
        self.names.append(name)
        self.again.append(name in self.listed)
        self.listed.add(name)
        self.widths.append(to_number(image.attributes.get("width")))
        self.heights.append(to_number(image.attributes.get("height")))
        self.image_lines.append(image.line)
        self.empty.append(self._last_annotated is not image)

    def add_shape(self, shape: Element, image: Element) -> None:
        """Add a box or another shape."""
        if shape.name == "tag":
            self.tags += 1
            return
        self._last_annotated = image
        kind, corners, degrees = read_shape(shape)
        if kind:
            (self.others if corners is None else self.enclosed)[kind] += 1
        if corners is None:
            return
        name = image.attributes.get("name", "")
        self.frames.append(name)
        self.boxes_again.append(name in self.listed)  # the image itself is added after its shapes
        self.corners.extend(turn_one(corners, degrees) if kind == ROTATED_BOX else corners)
        self.labels.append(shape.attributes.get("label", "").strip())
        self.ids.append(_id_text(shape))
        self.lines.append(shape.line)

    def images(self) -> pd.DataFrame:
        """Return frame, width and height of each image, indexed by line."""
        index = pd.Index(self.image_lines, dtype="int64", name="row")
        names = pd.Series(self.names, index=index, dtype="str")
        sizes = np.array([self.widths, self.heights], np.float64)
        return pd.DataFrame({"frame": names, "width": sizes[0], "height": sizes[1]}, index=index)

    def without_tool(self) -> pd.DataFrame:
        """Return the images without a box or another shape."""
        images = self.images().assign(again=np.array(self.again, bool))
        return images.loc[np.array(self.empty, bool), ["frame", "again"]]

    def boxes(self, path: str, log: ProblemLog) -> pd.DataFrame:
        """Return the boxes as BoxRows documents them."""
        index = pd.Index(np.array(self.lines, np.int64), name="row")
        table = pd.DataFrame({"frame": pd.Series(self.frames, index=index, dtype="str")}, index=index)
        corners = np.array(self.corners, np.float64).reshape(-1, 4)
        table = table.assign(**dict(zip(CORNERS, corners.T, strict=True)))
        table["again"] = np.array(self.boxes_again, bool)
        table["label"] = pd.Series(self.labels, index=index, dtype="str")
        ids = [to_track_id(text) for text in self.ids]
        table["track_id"] = pd.Series(ids, index=index, dtype="Int64")
        bad = [number for number, (text, own) in enumerate(zip(self.ids, ids, strict=True)) if text and own is None]
        for number in bad:
            shown = printable(self.ids[number])
            log.add(box_kinds.BAD_TRACK_ID, path, row=self.lines[number], expected=TRACK_ID_RULE, track_id=shown)
        doubled = table[table["track_id"].notna() & table.duplicated(["frame", "again", "track_id"])]
        log.add_rows(box_kinds.DOUBLED_TRACK_ID, path, doubled)
        return table


def _id_text(box: Element) -> str:
    """Return the value of the attribute for the track id, "" if there is none."""
    return next(
        (
            child.text.strip()
            for child in box.children or ()
            if child.name == "attribute" and child.attributes.get("name", "").lower() in _TRACK_TITLES
        ),
        "",
    )


FORMAT = Format("cvat-images", "CVAT for images", find, read)
