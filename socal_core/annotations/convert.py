"""The boxes of a data set in another format, as a data folder of its own."""

import codecs
import csv
import io
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from socal_core.annotations import FORMATS, format_of
from socal_core.annotations.rows import Format
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.file_names import chosen_file
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import MOST_TRIALS, plain_title, read_lines, title_positions
from socal_core.disk import check_room
from socal_core.errors import DataError
from socal_core.storage import new_folder

_TABLES = (layout.OUTCOMES_FILE, layout.DEMOGRAPHICS_FILE, layout.MAPPING_FILE)


def convert(
    dataset: Dataset,
    out: Path,
    key: str,
    with_frames: bool,
    progress: Callable[[int, int], None],
    options: OpenOptions | None = None,
) -> None:
    """Write a data set into the new folder `out`, its boxes in the format `key`.

    With the tables of outcomes, demographics and the mapping as they are and, if `with_frames`, copies of the frames
    and videos under their names and in the folder of the same name: then the result opens as a data folder with the
    same trials, frames and boxes (track ids where the format holds them). Without frames it is to be laid beside them.
    `progress` is told (done, total) files, the annotations counting as one. `options` are those that the data set was
    opened with: the columns of the outcomes that they map get SOCAL's titles.

    `out` appears when all is written: a hidden folder beside it is renamed. DataError, with nothing left behind, when
    `out` has something in it or lies in the data folder, the format cannot be written or not hold these boxes, the disk
    is too full, or a file cannot be copied.
    """
    write = _writer(key)
    _check_target(out, dataset.root)
    files = _frame_files(dataset) if with_frames else []
    try:
        _check_space(dataset.root, files, out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(out) as draft:
            write(dataset, draft)
            progress(1, 1 + len(files))
            _copy_tables(dataset.root, draft, dict(options.columns if options else ()))
            _copy_frames(dataset.root, files, draft, progress)
    except OSError as error:
        raise DataError(f"{out.name} cannot be written: {error.strerror or type(error).__name__}.") from error


def writable_formats() -> list[Format]:
    """The formats that can be written."""
    return [form for form in FORMATS if form.write is not None]


def _writer(key: str) -> Callable[[Dataset, Path], None]:
    form = format_of(key)
    if form.write is None:
        able = ", ".join(other.key for other in writable_formats())
        raise DataError(f"{form.title} is read but not written. Choose one of {able}.")
    return form.write


def _check_target(out: Path, root: Path) -> None:
    """Refuse a target that is in use, or in the data folder."""
    if not out.name or out.name == "..":
        raise DataError(f"{out} is no name for a new folder. Give one.")
    try:
        own, data = Path(os.path.realpath(out)), Path(os.path.realpath(root))
        taken = out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir())))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid name"
        raise DataError(f"{printable(out.name)} cannot be written: {reason}.") from error
    if own == data or data in own.parents:
        raise DataError(f"{out.name} lies in the data folder, where nothing is written. Choose a place outside it.")
    if taken:
        raise DataError(f"{out.name} is there already, with something in it. Choose a new folder.")


def _frame_files(dataset: Dataset) -> list[str]:
    """The files of all frames and videos, relative to the data folder."""
    frames = dataset.frames["frame"][~dataset.frames["trial_id"].isin(list(dataset.videos))]
    names = [layout.path_of_frame(dataset.images_dir, frame) for frame in frames]
    return [*names, *sorted(video.path for video in dataset.videos.values())]


def _check_space(root: Path, files: list[str], out: Path) -> None:
    """Say before copying that there is too little room."""
    needed = sum(_size(root / name, name) for name in files)
    check_room(needed, out.parent, out.name, "Make room, choose another disk, or convert without the frames.")


def _copy_tables(root: Path, out: Path, renamed: Mapping[str, str]) -> None:
    """Copy the tables that the data folder has, byte by byte but for the titles of `renamed` outcomes."""
    folder = DataFolder(root)
    for name in _TABLES:
        own = chosen_file(folder, name)
        if folder.is_file(own):
            try:
                data = folder.read(own)
            except DataError as error:
                raise DataError(f"{own} cannot be copied: {error}.") from error
            if name == layout.OUTCOMES_FILE and renamed:
                data = _with_socal_titles(folder, own, data, renamed)
            (out / name).write_bytes(data)


def _with_socal_titles(folder: DataFolder, name: str, data: bytes, renamed: Mapping[str, str]) -> bytes:
    """The bytes of the outcomes file with SOCAL's titles in its header, which is read as for opening it."""
    lines = read_lines(folder, name, ProblemLog(), MOST_TRIALS)
    if lines is None:
        return data
    text, encoding = _decode(data)
    parts = re.split("(\r\n|\r|\n)", text)  # the line ends stay
    place = 2 * (lines.numbers[0] - 1)
    mark = "\ufeff" if parts[place].startswith("\ufeff") else ""
    header = io.StringIO()
    csv.writer(header, delimiter=lines.separator, lineterminator="").writerow(_socal_titles(lines.titles(), renamed))
    parts[place] = mark + header.getvalue()
    return "".join(parts).encode(encoding)


def _decode(data: bytes) -> tuple[str, str]:
    """The text and the encoding that gives the same bytes back, a mark at the beginning included."""
    marks = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    for encoding in (marks.get(data[:2], "utf-8"), "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def _socal_titles(header: list[str], renamed: Mapping[str, str]) -> list[str]:
    """The header with SOCAL's titles for `renamed` columns (SOCAL's title: the file's), so that it means the same."""
    titles = [
        # Another column that happens to have SOCAL's title would be taken for the one that is renamed.
        f"{title} (not used)" if any(plain_title(title) == plain_title(column) for column in renamed) else title
        for title in header
    ]
    meant: dict[int, str] = {}
    for column in layout.OUTCOME_COLUMNS:
        for place in title_positions(renamed.get(column, column), header):
            if place in meant:
                text = f"{meant[place]} and {column} are both read from the column {printable(header[place])}"
                raise DataError(f"{layout.OUTCOMES_FILE}: {text}. Give each a column of its own, then convert again.")
            meant[place] = column
            titles[place] = column if column in renamed else header[place]
    return titles


def _copy_frames(root: Path, files: list[str], out: Path, progress: Callable[[int, int], None]) -> None:
    for done, name in enumerate(files, start=2):
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(root / name, target, name)
        progress(done, 1 + len(files))


def _size(path: Path, name: str) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(name, error) from error


def _copy(source: Path, target: Path, name: str) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.filename == str(source):
            raise _unreadable(name, error) from error
        raise


def _unreadable(name: str, error: OSError) -> DataError:
    return DataError(f"{name} cannot be copied: {error.strerror}. Open the data folder again, then convert.")
