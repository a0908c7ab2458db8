"""MOT text: a file per trial, `<trial>/gt/gt.txt`, one row per box: `frame,id,x,y,w,h,flag,class,visibility`.

Class numbers are the lines of `gt/labels.txt`, from 1. Frames should be counted from 1 through the recording, but tools
also count from 0 or use the numbers in the names; `frame_numbers.py` finds the numbering. seqinfo.ini may give the name
of the recording, its number of frames and their size.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.class_names import NO_CLASS, list_names, to_labels
from socal_core.annotations.corner_checks import STORED_SIZES, with_certain_numbers
from socal_core.annotations.frame_numbers import read_numbers
from socal_core.annotations.frame_sizes import to_frame_sizes
from socal_core.annotations.rows import BoxRows, Format, KnownFrames, empty_rows
from socal_core.annotations.trial_hints import TrialHint, find_hint
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_lookup import UNUSED
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds, file_kinds, frame_kinds, matching_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import Lines, is_missing, read_lines, to_cells, to_integers, to_numbers
from socal_core.errors import DataError

_OWN = "gt/gt.txt"
_NAMES_FILE = "labels.txt"
_INFO_FILE = "seqinfo.ini"
_LARGEST_INFO = 10_000
_PARENTS = ("mot", "train", "test")
"""The folders that may contain the folders of the trials."""
_COLUMNS = ("number", "id", "x", "y", "w", "h", "flag", "class", "visibility", "other")
_FEWEST = 6
_LARGEST_FILE = 50_000_000
_MOST_ROWS = 1_000_000
"""An hour at 30 frames per second with three boxes per frame has 324,000."""


@dataclass(frozen=True)
class Sequence:
    """What seqinfo.ini states about a recording; "" and None if not given."""

    name: str = ""
    length: int | None = None
    width: int | None = None
    height: int | None = None


def find(folder: DataFolder) -> list[str]:
    """Find the gt.txt of each trial by its folder; one in the data folder itself comes first."""
    files = [_OWN] if folder.is_file(_OWN) else []
    for parent in ("", *_PARENTS):
        try:
            inside = folder.listing(parent).folders
        except OSError:
            continue
        own = (f"{parent}/{name}/{_OWN}".lstrip("/") for name in inside if parent or name not in layout.IMAGES_DIRS)
        files += [file for file in own if folder.is_file(file)]
    return files


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """Read the rows of all files; the name of the folder gives the trial. Rows that are not boxes become problems."""
    tables = [empty_rows().boxes.assign(file=pd.Series(dtype="str"))]
    for file in files:
        sequence = read_sequence(folder, file)
        trial = _trial_of(file, sequence.name, known, log)
        lines = _read_lines(folder, file, log) if trial else None
        if trial is not None and lines is not None:
            own = _read_boxes(folder, lines, trial, sequence.length, known, log)
            tables.append(_in_pixels(own, sequence, file, known, log))
    boxes = pd.concat([table for table in tables if len(table)] or tables)
    return BoxRows(boxes, boxes.loc[boxes.index[:0], ["frame", "file"]])


def _trial_of(file: str, sequence: str, known: KnownFrames, log: ProblemLog) -> TrialHint | None:
    """Find the trial of a file by its folder and seqinfo.ini; return None and report a problem if uncertain."""
    name = file.removesuffix(_OWN).rstrip("/").rpartition("/")[2]
    hint = find_hint((name, sequence), file, known, log, 1)
    if hint is None or hint.trial:
        return hint
    if not name and len(known.trial_ids) == 1:
        return TrialHint(known.trial_ids[0])
    log.add(annotation_kinds.FILE_WITHOUT_TRIAL, file, folder=printable(name) or "none")
    return None


def _read_lines(folder: DataFolder, file: str, log: ProblemLog) -> Lines | None:
    """Read the lines of a file; return None and report a problem if it is too long or cannot be read."""
    try:
        data = folder.read(file, _LARGEST_FILE)
        rows = data.count(b"\n") + data.count(b"\r")
        if rows > 2 * _MOST_ROWS:
            raise DataError(f"it has {rows:,} lines, more than the {_MOST_ROWS:,} that are read")
    except DataError as error:
        log.add(file_kinds.UNREADABLE_FILE, file, reason=error)
        return None
    return read_lines(folder, file, log)


def _read_boxes(
    folder: DataFolder, lines: Lines, trial: TrialHint, length: int | None, known: KnownFrames, log: ProblemLog
) -> pd.DataFrame:
    """Read the boxes of one file, as BoxRows documents them."""
    file = lines.path
    cells = _without_bad(_to_fields(lines, log), file, log)
    ignored = int((cells["flag"] == 0).sum())
    if ignored:
        log.add(annotation_kinds.IGNORED_BOXES, file, count=ignored)
    # Ignored rows are evidence for the numbering of the frames, too.
    frame_rows = _frame_rows(cells["number"].to_numpy(np.int64), file, trial, length, known, log)
    used = (frame_rows >= 0) & (cells["flag"] != 0).to_numpy()
    frame = known.frames["frame"].take(frame_rows[used]).to_numpy()
    cells = cells[used].assign(frame=pd.Series(frame, cells.index[used], dtype="str"))
    names_file = f"{file.rpartition('/')[0]}/{_NAMES_FILE}"
    names = list_names(folder, names_file, 1, log) if folder.is_file(names_file) else {}
    labels = to_labels(cells["class"].to_numpy(np.int64), names, file, names_file, log)
    return pd.DataFrame(
        {
            "frame": cells["frame"],
            "x1": cells["x"],
            "y1": cells["y"],
            "x2": cells["x"] + cells["w"],
            "y2": cells["y"] + cells["h"],
            "label": labels,
            "track_id": cells["id"].where(cells["id"] >= 0),
            "file": pd.Series(file, cells.index, dtype="str"),
        }
    )


def _to_fields(lines: Lines, log: ProblemLog) -> pd.DataFrame:
    """Split rows of any allowed length into fields; missing fields are empty."""
    widths = np.array([line.rstrip(", \t").count(",") + 1 for line in lines.texts], np.int64)
    tables = [pd.DataFrame(columns=list(_COLUMNS), index=pd.Index([], dtype="int64", name="row"), dtype="str")]
    for width in range(_FEWEST, len(_COLUMNS) + 1):
        chosen = np.flatnonzero(widths == width)
        if chosen.size:
            part = Lines(lines.path, [lines.texts[row] for row in chosen], [lines.numbers[row] for row in chosen])
            cells = to_cells(part, width, log).set_axis(_COLUMNS[:width], axis="columns")
            tables.append(cells.reindex(columns=list(_COLUMNS), fill_value=""))
    odd = (widths < _FEWEST) | (widths > len(_COLUMNS))
    rows = pd.DataFrame({"fields": widths[odd]}, index=pd.Index(np.array(lines.numbers)[odd], name="row"))
    expected = f"{_FEWEST} to {len(_COLUMNS)}"
    log.add_rows(file_kinds.WRONG_NUMBER_OF_FIELDS, lines.path, rows, expected=expected)
    return pd.concat(tables).sort_index()


def _without_bad(cells: pd.DataFrame, file: str, log: ProblemLog) -> pd.DataFrame:
    """Return the valid rows: number, id (Int64), class (int64), x, y, w, h, flag (float64)."""
    number = to_integers(cells["number"])
    bad = (number.isna() | (number < 0)).to_numpy(bool)
    log.add_rows(frame_kinds.BAD_FRAME_NUMBER, file, cells[bad], least=0)
    measures = {name: to_numbers(cells[name]) for name in ("x", "y", "w", "h")}
    measures["flag"] = to_numbers(cells["flag"].mask(is_missing(cells["flag"]), "1"))
    odd = pd.DataFrame(measures).isna().any(axis=1).to_numpy() & ~bad
    log.add_rows(annotation_kinds.BAD_CORNER_AND_SIZE, file, cells[odd])
    classes = to_integers(cells["class"].mask(is_missing(cells["class"]), str(NO_CLASS)))
    classless = classes.isna().to_numpy() & ~bad & ~odd
    log.add_rows(box_kinds.BAD_CLASS, file, cells[classless], expected="a whole number")
    sound = ~bad & ~odd & ~classless
    ids = to_integers(cells["id"])
    nameless = cells[sound & ids.isna().to_numpy()].rename(columns={"id": "track_id"})
    log.add_rows(box_kinds.BAD_TRACK_ID, file, nameless, expected="a whole number")
    classes = classes.clip(lower=NO_CLASS)
    return cells[[]].assign(number=number, id=ids, **measures, **{"class": classes})[sound]


def _frame_rows(
    numbers: NDArray[np.int64], file: str, trial: TrialHint, length: int | None, known: KnownFrames, log: ProblemLog
) -> NDArray[np.intp]:
    """Return the row of each frame number; UNUSED for all, with a problem, if the numbering is uncertain."""
    if not len(numbers):
        return np.empty(0, np.intp)
    numbering = read_numbers(numbers, trial.trial, trial.part, length, known)
    if numbering.doubt:
        kind = matching_kinds.AMBIGUOUS_FRAME_NUMBERS
        log.add(kind, file, count=len(numbers), trial_id=trial.title, reason=numbering.doubt)
        return np.full(len(numbers), UNUSED, np.intp)
    log.add_evidence(file, numbering.interpretation, numbering.basis)
    between = int((numbering.rows == UNUSED).sum())
    if between:
        log.add(annotation_kinds.BOX_BETWEEN_FRAMES, file, count=between)
    return numbering.rows


def _in_pixels(boxes: pd.DataFrame, sequence: Sequence, file: str, known: KnownFrames, log: ProblemLog) -> pd.DataFrame:
    """Scale the boxes to their frames if seqinfo.ini gives a size; leave out those that may mean something else."""
    rows = BoxRows(boxes, boxes.loc[boxes.index[:0], ["frame", "file"]])
    sized = None
    if sequence.width and sequence.height:
        sizes = boxes[["frame", "file"]].assign(width=float(sequence.width), height=float(sequence.height))
        rows, sized = to_frame_sizes(rows, sizes, file, known, log, f"{file} (by {_INFO_FILE})"), boxes["frame"]
    return with_certain_numbers(rows, STORED_SIZES, file, known, log, sized).boxes


def read_sequence(folder: DataFolder, file: str) -> Sequence:
    """Read what seqinfo.ini states about the recording of a gt.txt."""
    path = f"{file.removesuffix(_OWN)}{_INFO_FILE}"
    try:
        text = folder.read(path, _LARGEST_INFO).decode("utf-8", "replace")
    except DataError:
        return Sequence()
    keys = ("name", "seqlength", "imwidth", "imheight")
    found = (re.search(rf"(?im)^\s*{key}\s*=\s*(.*?)\s*$", text) for key in keys)
    name, *numbers = (match[1] if match else "" for match in found)
    return Sequence(name, *(int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None for text in numbers))


FORMAT = Format("mot", "MOT text", find, read)
