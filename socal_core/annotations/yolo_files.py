"""Find YOLO's label files, and read their rows as numbers."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.yolo_outlines import LONGEST_BOX, PARTS, interpret, measure
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds, file_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import to_integers, to_numbers
from socal_core.errors import DataError

LABEL_DIRS = ("labels", "obj_train_data", "obj_valid_data", "obj_test_data")
"""The names of dedicated folders of label files."""
_FIELDS = ("class", *PARTS, "sixth")
_LOWEST, _HIGHEST = -0.5, 1.5
_DEPTH = 3
_OTHER_STEMS = frozenset({"classes", "labels", "names", "train", "val", "valid", "test", "license", "licence"})
_IMAGES = tuple(sorted(layout.IMAGE_SUFFIXES))
_LARGEST_FILE = 1_000_000
_MOST_ROWS = 3_000_000
"""1.3 million frames of SOCAL have 2.7 million boxes; more would only fill the memory."""
_CHUNK = 2_000_000
"""The number of characters to split into fields at a time."""


def label_files(folder: DataFolder, parent: str) -> list[str]:
    """Return the label files of a folder and its subfolders, sorted; among frames, only files with a frame's stem."""
    if parent.rpartition("/")[2] in LABEL_DIRS:
        return sorted(_texts_below(folder, parent, _DEPTH))
    try:
        below = folder.listing(parent).folders
    except OSError:
        return []
    inside = [name for name in below if folder.preset.is_trial(name) or name.lower() in layout.SPLIT_FOLDERS]
    return sorted(file for own in ("", *inside) for file in _texts_beside_frames(folder, f"{parent}/{own}".strip("/")))


def _texts_below(folder: DataFolder, parent: str, depth: int) -> Iterator[str]:
    try:
        listing = folder.listing(parent)
    except OSError:
        return
    yield from (f"{parent}/{name}" for name in listing.files if _may_hold_labels(name))
    for name in listing.folders if depth > 1 else ():
        yield from _texts_below(folder, f"{parent}/{name}", depth - 1)


def _texts_beside_frames(folder: DataFolder, parent: str) -> list[str]:
    try:
        files = folder.listing(parent).files
    except OSError:
        return []
    texts = [name for name in files if _may_hold_labels(name)]
    stems = {name.rpartition(".")[0] for name in files if name.lower().endswith(_IMAGES)} if texts else set()
    return [f"{parent}/{name}".lstrip("/") for name in texts if name.rpartition(".")[0] in stems]


def _may_hold_labels(name: str) -> bool:
    if not name.endswith((".txt", ".TXT")):
        return False
    stem = name[:-4].lower()
    return stem not in _OTHER_STEMS and not stem.startswith("readme")


def read_files(
    folder: DataFolder, files: list[str], path: str, log: ProblemLog
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Read the rows of label files.

    Args:
        folder: The data folder.
        files: The label files.
        path: The folder to name in problems.
        log: Receives the problems.

    Returns:
        The rows and, for each file, whether it marks a frame without a tool (bool; (files,)). The rows have the index
        `row` (line) and the columns number (int32, the index of the file in `files`), class (int32), cx, cy, w, h
        (float64, fractions of the frame), sixth (float64, NaN if not a number), has_sixth and is_whole (bool, whether
        the sixth field exists and is written as a whole number), track (float64, the id at the end of the row, or NaN).
    """
    tables: list[pd.DataFrame] = []
    long: list[pd.DataFrame] = []
    without_tool = np.zeros(len(files), bool)
    texts: dict[int, str] = {}
    rows = size = 0
    for number, file in enumerate(files):
        text = _read_file(folder, file, log)
        if text is not None:
            without_tool[number] = not text.strip()
            texts[number] = text
            rows += text.count("\n")
            size += len(text)
        if rows > _MOST_ROWS:
            log.add(annotation_kinds.TOO_MANY_ROWS, path, count=len(files) - number, limit=_MOST_ROWS, file=file)
            without_tool[number:] = False
            texts.pop(number, None)
            break
        if size > _CHUNK:
            tables.append(_split(texts, files, path, long, log))
            texts, size = {}, 0
    tables.append(_split(texts, files, path, long, log))
    outlines = interpret(pd.concat(long), path, log)
    if outlines is None:
        return pd.concat(tables)[:0], np.zeros(len(files), bool)
    if not outlines.empty:
        tables.append(outlines.assign(sixth=np.nan, has_sixth=False, is_whole=False))
    return pd.concat(tables), without_tool


def _read_file(folder: DataFolder, file: str, log: ProblemLog) -> str | None:
    """Read a label file with a line feed after each line; return None and report a problem if it cannot be read."""
    try:
        data = folder.read(file, _LARGEST_FILE)
    except DataError as error:
        log.add(file_kinds.UNREADABLE_FILE, file, reason=error)
        return None
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = data.decode(encoding, "replace")  # rows are numbers: replaced bytes are reported as a bad field
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if not text or text.endswith("\n") else f"{text}\n"


def _split(
    texts: dict[int, str], files: list[str], path: str, long_rows: list[pd.DataFrame], log: ProblemLog
) -> pd.DataFrame:
    """Split texts, by the index of each file in `files`, into rows as in read_files; add long rows to `long_rows`."""
    lines = [line.split() for line in "".join(texts.values()).split("\n")[:-1]]
    counts = np.array([text.count("\n") for text in texts.values()], np.int64)
    number = np.repeat(np.array(list(texts), np.int32), counts)
    row = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    fields = np.array([len(line) for line in lines], np.int64)

    def table_of(chosen: NDArray[np.intp], columns: dict[str, object]) -> pd.DataFrame:
        file = pd.Index(files, dtype="str").take(number[chosen])
        return pd.DataFrame({"file": file, **columns}).set_index(pd.Index(row[chosen], name="row"))

    short = np.flatnonzero((fields > 0) & (fields < len(_FIELDS) - 1))
    rows = table_of(short, {"fields": fields[short]})
    log.add_rows(file_kinds.WRONG_NUMBER_OF_FIELDS, path, rows, expected="5 (class, centre, size) or 6")
    long = np.flatnonzero(fields > LONGEST_BOX)
    measured = measure([lines[n] for n in long])
    long_rows.append(
        table_of(long, {"number": number[long], **{str(name): column.to_numpy() for name, column in measured.items()}})
    )
    fit = np.flatnonzero((fields >= len(_FIELDS) - 1) & (fields <= len(_FIELDS)))
    columns = list(zip(*((*lines[n], "")[: len(_FIELDS)] for n in fit), strict=True)) or [()] * len(_FIELDS)
    cells = {name: pd.Series(column, dtype="str") for name, column in zip(_FIELDS, columns, strict=True)}
    return _to_numbers(table_of(fit, {"number": number[fit], **cells}), path, log)


def _to_numbers(cells: pd.DataFrame, path: str, log: ProblemLog) -> pd.DataFrame:
    """Convert the fields to numbers; leave out rows with invalid fields and report them."""
    parts = np.stack([to_numbers(cells[name]).to_numpy() for name in PARTS], axis=1)
    bad: NDArray[np.bool_] = np.logical_not(
        ((parts >= _LOWEST) & (parts <= _HIGHEST)).all(axis=1)
    )  # NaN compares as false
    log.add_rows(annotation_kinds.BAD_CENTRE_AND_SIZE, path, cells[bad])
    classes = to_integers(cells["class"]).fillna(-1).to_numpy(np.int32)
    classless: NDArray[np.bool_] = ~bad & (classes < 0)
    log.add_rows(box_kinds.BAD_CLASS, path, cells[classless], expected="a whole number of at least 0")
    sound = ~bad & ~classless
    sixth = cells["sixth"]
    columns = {
        "number": cells["number"].to_numpy(),
        "class": classes,
        **dict(zip(PARTS, parts.T, strict=True)),
        "sixth": to_numbers(sixth).to_numpy(),
        "has_sixth": (sixth != "").to_numpy(bool),
        "is_whole": sixth.str.fullmatch("[0-9]{1,9}").to_numpy(bool),
        "track": np.full(len(cells), np.nan),
    }
    return pd.DataFrame({name: column[sound] for name, column in columns.items()}, index=cells.index[sound])
