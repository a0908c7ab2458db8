"""MOT text: a file for each trial, `<trial>/gt/gt.txt`, one row a box: `frame,id,x,y,w,h,flag,class,visibility`.

Frames count from 1 through the recording, class numbers from 1 through `gt/labels.txt`. What seqinfo.ini says of
lengths and sizes is not used: the frames themselves say it.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.class_names import NO_CLASS, list_names, to_labels
from socal_core.annotations.rows import BoxRows, Format, KnownFrames, empty_rows
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds, file_kinds, frame_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import Lines, is_missing, read_lines, to_cells, to_integers, to_numbers
from socal_core.errors import DataError

_OWN = "gt/gt.txt"
_NAMES_FILE = "labels.txt"
_PLACES = ("mot", "train", "test")
"""Folders in which the folders of the trials may lie."""
_COLUMNS = ("number", "id", "x", "y", "w", "h", "flag", "class", "visibility", "other")
_FEWEST = 6
_LARGEST_FILE = 50_000_000
_MOST_ROWS = 1_000_000
"""An hour at 30 frames a second has 324,000 boxes at SOCAL's two a frame and more."""


def find(folder: DataFolder) -> list[str]:
    """The gt.txt of each trial, by folder; one at the top first."""
    files = [_OWN] if folder.is_file(_OWN) else []
    for place in ("", *_PLACES):
        try:
            inside = folder.listing(place).folders
        except OSError:
            continue
        own = (f"{place}/{name}/{_OWN}".lstrip("/") for name in inside if place or name not in layout.IMAGES_DIRS)
        files += [file for file in own if folder.is_file(file)]
    return files


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """The rows of all files, in the frames of the trial that the folder names; what is no box becomes problems."""
    tables = [empty_rows().boxes.assign(file=pd.Series(dtype="str"))]
    for file in files:
        trial = _trial_of(file, known, log)
        lines = _read_lines(folder, file, log) if trial else None
        if lines is not None:
            tables.append(_read_boxes(folder, lines, trial, known, log))
    boxes = pd.concat([table for table in tables if len(table)] or tables)
    return BoxRows(boxes, boxes.loc[boxes.index[:0], ["frame", "file"]])


def _trial_of(file: str, known: KnownFrames, log: ProblemLog) -> str:
    """The trial of a file, "" and a problem when there is none."""
    name = file.removesuffix(_OWN).rstrip("/").rpartition("/")[2]
    trials = known.trial_ids
    if not name and len(trials) == 1:
        return trials[0]
    if name in trials:
        return name
    log.add(annotation_kinds.FILE_WITHOUT_TRIAL, file, folder=printable(name) or "none")
    return ""


def _read_lines(folder: DataFolder, file: str, log: ProblemLog) -> Lines | None:
    """The lines of a file that is not too long to be one; None, and a problem, when there are none."""
    try:
        data = folder.read(file, _LARGEST_FILE)
        rows = data.count(b"\n") + data.count(b"\r")
        if rows > 2 * _MOST_ROWS:
            raise DataError(f"it has {rows:,} lines, more than the {_MOST_ROWS:,} that are read")
    except DataError as error:
        log.add(file_kinds.UNREADABLE_FILE, file, reason=error)
        return None
    return read_lines(folder, file, log)


def _read_boxes(folder: DataFolder, lines: Lines, trial: str, known: KnownFrames, log: ProblemLog) -> pd.DataFrame:
    """The boxes of one file, as BoxRows has them."""
    file = lines.path
    cells = _without_bad(_to_fields(lines, log), file, log)
    ignored = int((cells["flag"] == 0).sum())
    if ignored:
        log.add(annotation_kinds.IGNORED_BOXES, file, count=ignored)
    cells = cells[cells["flag"] != 0]
    frame, unsampled = _frames(cells["number"].to_numpy(np.int64), trial, known)
    if unsampled.any():
        log.add(annotation_kinds.BOX_BETWEEN_FRAMES, file, count=int(unsampled.sum()))
    cells = cells.assign(frame=pd.Series(frame, cells.index, dtype="str"))[~unsampled]
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
    """The text of all fields; rows may be of several lengths, and what a row does not have is empty."""
    widths = np.array([line.rstrip(", \t").count(",") + 1 for line in lines.texts], np.int64)
    tables = [pd.DataFrame(columns=list(_COLUMNS), index=pd.Index([], dtype="int64", name="row"), dtype="str")]
    for width in range(_FEWEST, len(_COLUMNS) + 1):
        chosen = np.flatnonzero(widths == width)
        if chosen.size:
            part = Lines(
                lines.path, [lines.texts[place] for place in chosen], [lines.numbers[place] for place in chosen]
            )
            cells = to_cells(part, width, log).set_axis(_COLUMNS[:width], axis="columns")
            tables.append(cells.reindex(columns=list(_COLUMNS), fill_value=""))
    odd = (widths < _FEWEST) | (widths > len(_COLUMNS))
    rows = pd.DataFrame({"fields": widths[odd]}, index=pd.Index(np.array(lines.numbers)[odd], name="row"))
    expected = f"{_FEWEST} to {len(_COLUMNS)}"
    log.add_rows(file_kinds.WRONG_NUMBER_OF_FIELDS, lines.path, rows, expected=expected)
    return pd.concat(tables).sort_index()


def _without_bad(cells: pd.DataFrame, file: str, log: ProblemLog) -> pd.DataFrame:
    """The rows whose fields are what they should be: number, id (Int64), class (int64), x, y, w, h, flag (float64)."""
    number = to_integers(cells["number"])
    bad = (number.isna() | (number < 1)).to_numpy(bool)
    log.add_rows(frame_kinds.BAD_FRAME_NUMBER, file, cells[bad], least=1)
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


def _frames(
    numbers: NDArray[np.int64], trial: str, known: KnownFrames
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """The frame of each number in the recording, and which numbers lie between the frames that are there.

    A number beyond the recording gives a text that is no frame's name, which validate then reports.
    """
    indices = known.recording_indices(trial)
    names = known.frames_of(trial)["frame"].to_numpy()
    place = np.searchsorted(indices, numbers - 1).clip(max=len(indices) - 1)
    found = indices[place] == numbers - 1
    # The recording goes on for almost a second after the last frame that is sampled.
    step = int(np.diff(indices).max()) if len(indices) > 1 else 1
    between = ~found & (numbers - 1 < indices[-1] + step)
    beyond = [f"{number} of {trial}" for number in numbers[~found & ~between].tolist()]
    frames = names[place].astype(object)
    frames[~found & ~between] = beyond
    return frames, between


FORMAT = Format("mot", "MOT text", find, read)
