"""The boxes of a data set: one module per format, the list of them, and the checks that all share.

A format is a module with a `Format`: how to see that a folder has it, how to read it into rows and, where that makes
sense, how to write it. To add one, write `annotations/<format>.py` and add it to FORMATS.
"""

import pandas as pd

from socal_core.annotations import coco, cvat_images, cvat_video, mot, socal_csv, voc, yolo
from socal_core.annotations.repeated_exports import without_repeated
from socal_core.annotations.rows import BOX_DTYPES, Format, KnownFrames
from socal_core.annotations.validate import validate
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import box_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError

FORMATS: tuple[Format, ...] = (
    socal_csv.FORMAT,
    cvat_video.FORMAT,
    coco.FORMAT,
    mot.FORMAT,
    cvat_images.FORMAT,
    yolo.FORMAT,
    voc.FORMAT,
)
"""In order of preference: the first that a folder has is read, unless the user chose another."""


def format_of(key: str) -> Format:
    """The format of a key; DataError when there is none."""
    for form in FORMATS:
        if form.key == key:
            return form
    raise DataError(f"There is no box format {key!r}. Choose one of {', '.join(form.key for form in FORMATS)}.")


def find_formats(folder: DataFolder) -> dict[str, list[str]]:
    """The files of each format (by its key) that a folder has, in order of preference."""
    found = {form.key: form.find(folder) for form in FORMATS}
    return {key: files for key, files in found.items() if files}


def load_boxes(
    folder: DataFolder, known: KnownFrames, wanted: str, log: ProblemLog
) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
    """The valid boxes of the frames as Dataset documents them, their format's key, and the keys of all that are there.

    `wanted` is a format's key, "" for the first that is there and says something; DataError when the folder does not
    have that one. Empty, with a problem, when the folder has none.
    """
    found = find_formats(folder)
    if wanted and format_of(wanted).key not in found:
        there = ", ".join(found) or "none"
        raise DataError(f"The folder has no boxes in the format {wanted}; it has: {there}. Choose one of those.")
    if not found:
        log.add(box_kinds.NO_BOXES_FILE, layout.BOXES_FILE)
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in BOX_DTYPES.items()}), "", ()
    first = wanted or next(iter(found))
    key, (boxes, says_something) = first, _read(folder, first, found[first], known, log)
    for other in () if wanted or says_something else list(found)[1:]:
        other_boxes, says_something = _read(folder, other, found[other], known, log)
        if says_something:
            key, boxes = other, other_boxes
            break
    if not wanted:
        _report_choice(found, first, key, log)
    return boxes, key, tuple(found)


def _read(
    folder: DataFolder, key: str, files: list[str], known: KnownFrames, log: ProblemLog
) -> tuple[pd.DataFrame, bool]:
    """The valid boxes of one format, and whether it says anything of a frame: a box, or that there is no tool."""
    rows = without_repeated(format_of(key).read(folder, files, known, log), log)
    boxes = validate(rows, files[0], known, log)
    return boxes, not boxes.empty or bool((known.places(rows.without_tool["frame"]) >= 0).any())


def _report_choice(found: dict[str, list[str]], first: str, key: str, log: ProblemLog) -> None:
    """Say which of several formats is read: the first, or another because the first gave nothing."""
    own, preferred = (f"{format_of(name).title} ({found[name][0]})" for name in (key, first))
    if key != first:
        log.add(box_kinds.BOX_FORMAT_WITHOUT_BOXES, found[first][0], preferred=preferred, used=own)
    elif len(found) > 1:
        titles = ", ".join(format_of(other).title for other in found)
        log.add(box_kinds.SEVERAL_BOX_FORMATS, found[key][0], formats=titles, used=format_of(key).title)
