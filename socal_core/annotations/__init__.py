"""Read and write the boxes of a data set: one module per format, the list of formats, and the checks that they share.

The module of a format defines a `Format`: how to detect it in a folder, how to read it into rows and, where that makes
sense, how to write it. To add a format, write `annotations/<format>.py` and add it to FORMATS.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations import coco, cvat_images, cvat_video, mot, socal_csv, voc, yolo
from socal_core.annotations.repeated_exports import without_repeated
from socal_core.annotations.rows import BOX_DTYPES, BoxRows, Format, KnownFrames
from socal_core.annotations.validate import validate
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
"""The formats in order of preference: the first that a folder has is read, unless the user chose another."""


@dataclass(frozen=True, eq=False)
class LoadedBoxes:
    """The boxes of a data folder; without any boxes file, everything is empty."""

    boxes: pd.DataFrame
    """The valid boxes, with the columns of `Dataset.boxes`."""
    file_of_frame: pd.Categorical
    """The annotation file of each frame, as in `Dataset.frames`."""
    key: str = ""
    """The format of the boxes."""
    keys: tuple[str, ...] = ()
    """All formats of the folder."""


def format_of(key: str) -> Format:
    """Return the format with a key.

    Raises:
        DataError: No format has this key.
    """
    for form in FORMATS:
        if form.key == key:
            return form
    raise DataError(f"There is no box format {key!r}. Choose one of {', '.join(form.key for form in FORMATS)}.")


def find_formats(folder: DataFolder) -> dict[str, list[str]]:
    """Find the formats that a folder has.

    Returns:
        The files of each format by its key, in order of preference.
    """
    found = {form.key: form.find(folder) for form in FORMATS}
    return {key: files for key, files in found.items() if files}


def load_boxes(folder: DataFolder, known: KnownFrames, wanted: str, log: ProblemLog) -> LoadedBoxes:
    """Read and check the boxes of a data folder.

    Args:
        folder: The data folder.
        known: The frames.
        wanted: The key of a format; "" for the first format that has a box or a frame without a tool.
        log: Receives the problems, one of them if there is no boxes file.

    Raises:
        DataError: The folder has no boxes in the wanted format.
    """
    found = find_formats(folder)
    if wanted and format_of(wanted).key not in found:
        there = ", ".join(found) or "none"
        raise DataError(f"The folder has no boxes in the format {wanted}; it has: {there}. Choose one of those.")
    if not found:
        log.add(box_kinds.NO_BOXES_FILE, folder.preset.boxes_file)
        boxes = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in BOX_DTYPES.items()})
        return LoadedBoxes(boxes, _categories(np.full(len(known.frames), -1), []))
    first = wanted or next(iter(found))
    key, (rows, boxes, has_content) = first, _read(folder, first, found[first], known, log)
    for other in () if wanted or has_content else list(found)[1:]:
        other_rows, other_boxes, has_content = _read(folder, other, found[other], known, log)
        if has_content:
            key, rows, boxes = other, other_rows, other_boxes
            break
    if not wanted:
        _report_choice(found, first, key, log)
    return LoadedBoxes(boxes, _file_of_frame(rows, found[key], known), key, tuple(found))


def _read(
    folder: DataFolder, key: str, files: list[str], known: KnownFrames, log: ProblemLog
) -> tuple[BoxRows, pd.DataFrame, bool]:
    """Read one format; return its rows, its valid boxes, and whether it has a box or a frame without a tool."""
    rows = without_repeated(format_of(key).read(folder, files, known, log), log)
    boxes = validate(rows, files[0], known, log, files)
    return rows, boxes, not boxes.empty or bool((known.rows_of_names(rows.without_tool["frame"]) >= 0).any())


def _file_of_frame(rows: BoxRows, files: Sequence[str], known: KnownFrames) -> pd.Categorical:
    """Return the annotation file of each frame, missing if no file has an entry for it.

    `files` are those of the format. If they are folders with a file for each frame, the folder of that file counts.
    """
    if "file" not in rows.boxes:
        return _categories(np.zeros(len(known.frames), np.int64), files[:1])
    both = pd.concat([rows.boxes[["frame", "file"]], rows.without_tool[["frame", "file"]]])
    codes, names = pd.factorize(both["file"])
    units, own = pd.factorize(np.array([_unit(name, files) for name in names], dtype=object))
    frame_rows = known.rows_of_names(both["frame"])
    result = np.full(len(known.frames), -1)
    result[frame_rows[frame_rows >= 0]] = units[codes[frame_rows >= 0]]
    return _categories(result, own.tolist())


def _unit(file: str, files: Sequence[str]) -> str:
    """Return the annotation file of a file of rows, which may also be a part of it or a file in a folder."""
    if file in files:
        return file
    whole = next((name for name in files if file.startswith(f"{name} (")), "")
    return whole or file.rpartition("/")[0] or files[-1]


def _categories(codes: NDArray[np.int64], names: Sequence[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, pd.Index(list(names), dtype="str"))


def _report_choice(found: dict[str, list[str]], first: str, key: str, log: ProblemLog) -> None:
    """Report which of several formats is used: the first, or another because the first has no content."""
    own, preferred = (f"{format_of(name).title} ({found[name][0]})" for name in (key, first))
    if key != first:
        log.add(box_kinds.BOX_FORMAT_WITHOUT_BOXES, found[first][0], preferred=preferred, used=own)
    elif len(found) > 1:
        titles = ", ".join(format_of(other).title for other in found)
        log.add(box_kinds.SEVERAL_BOX_FORMATS, found[key][0], formats=titles, used=format_of(key).title)
