"""Convert the boxes of a data set to another format, in a new data folder."""

import csv
import io
import os
import re
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from socal_core.annotations import FORMATS, format_of
from socal_core.annotations.rows import Format
from socal_core.annotations.table_rows import without_trials
from socal_core.annotations.text_bytes import decode
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filter_text import filter_in_words
from socal_core.dataset.filters import TrialFilter, apply, passing
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import MOST_TRIALS, plain_title, read_lines, title_positions
from socal_core.disk import check_room
from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.presets import Preset
from socal_core.presets.preset import TRIAL
from socal_core.storage import new_folder

EVERYTHING = TrialFilter()


def convert(
    dataset: Dataset,
    out: Path,
    key: str,
    with_frames: bool,
    progress: Callable[[int, int], None],
    options: OpenOptions | None = None,
    view: TrialFilter = EVERYTHING,
) -> None:
    """Write a data set into the new folder `out`, its boxes in the format `key`.

    The new folder also gets the tables of outcomes and demographics and the mapping. With the frames, it opens as a
    data folder with the same trials, frames and boxes, and track ids if the format has them. Without the frames, the
    user puts it beside them. `out` appears only when all files are written: a hidden folder beside it is renamed.

    Args:
        dataset: The data set.
        out: The folder to create.
        key: The key of the format.
        with_frames: Whether to copy the frames and videos, under the same names and in a folder of the same name.
        progress: Called with the numbers of finished files and of all files; the annotations count as one file.
        options: The options for opening the data set. Columns of the outcomes that they map get the titles of the
            preset.
        view: The trials to write, as `filters.apply` chooses them; others are in no file of the new folder.

    Raises:
        DataError: `out` is not empty or lies in the data folder, the format cannot be written or cannot hold these
            boxes, the view matches no trial, the disk is too full, or a file cannot be copied. Nothing is left behind.
    """
    write = _writer(key)
    _check_target(out, dataset.root)
    left_out, dataset = _trials_outside(dataset, view), apply(dataset, view)
    if dataset.trials.empty:
        raise DataError(f"No trial matches the view ({filter_in_words(view)}). Choose another one.")
    files = _frame_files(dataset) if with_frames else []
    try:
        _check_space(dataset.root, files, out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(out) as draft:
            write(dataset, draft)
            progress(1, 1 + len(files))
            _copy_tables(dataset, draft, dict(options.columns if options else ()), left_out)
            _copy_frames(dataset.root, files, draft, progress)
    except OSError as error:
        raise DataError(f"{out.name} cannot be written: {os_reason(error)}.") from error


def _trials_outside(dataset: Dataset, view: TrialFilter) -> set[str]:
    return set(dataset.trials.index[~passing(dataset, view)])


def writable_formats() -> list[Format]:
    """Return the formats that can be written."""
    return [form for form in FORMATS if form.write is not None]


def _writer(key: str) -> Callable[[Dataset, Path], None]:
    form = format_of(key)
    if form.write is None:
        able = ", ".join(other.key for other in writable_formats())
        raise DataError(f"{form.title} is read but not written. Choose one of {able}.")
    return form.write


def _check_target(out: Path, root: Path) -> None:
    """Raise DataError if the target is in use or lies in the data folder."""
    if not out.name or out.name == "..":
        raise DataError(f"{out} is no name for a new folder. Give one.")
    try:
        own, data = Path(os.path.realpath(out)), Path(os.path.realpath(root))
        taken = out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir())))
    except (OSError, ValueError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "not a valid name"
        raise DataError(f"{printable(out.name)} cannot be written: {reason}.") from error
    if own == data or data in own.parents:
        raise DataError(f"{out.name} lies in the data folder, where nothing is written. Choose a folder outside it.")
    if taken:
        raise DataError(f"{out.name} is there already, with something in it. Choose a new folder.")


def _frame_files(dataset: Dataset) -> list[str]:
    """Return the files of all frames and videos, relative to the data folder."""
    frames = dataset.frames["frame"][~dataset.frames["trial_id"].isin(list(dataset.videos))]
    names = [layout.path_of_frame(dataset.images_dir, frame) for frame in frames]
    videos = (video.path for trial, video in dataset.videos.items() if trial in dataset.trials.index)
    return [*names, *sorted(videos)]


def _check_space(root: Path, files: list[str], out: Path) -> None:
    """Raise DataError before copying if the disk has too little space."""
    needed = sum(_size(root / name, name) for name in files)
    check_room(needed, out.parent, out.name, "Make room, choose another disk, or convert without the frames.")


def _copy_tables(dataset: Dataset, out: Path, renamed: Mapping[str, str], left_out: Collection[str]) -> None:
    """Copy the tables of the data folder, without the rows of trials that are left out.

    The rest is unchanged, except for the titles of `renamed` columns of the outcomes.
    """
    folder, preset = DataFolder(dataset.root), dataset.preset
    for name in filter(None, (preset.outcomes_file, preset.surgeons_file, preset.mapping_file)):
        own = folder.chosen(name)
        if folder.is_file(own):
            try:
                data = folder.read(own)
            except DataError as error:
                raise DataError(f"{own} cannot be copied: {error}.") from error
            if name == preset.outcomes_file and renamed:
                data = _with_own_titles(folder, own, data, renamed, preset)
            if left_out and name != preset.surgeons_file:
                title = TRIAL if name == preset.mapping_file else renamed.get(TRIAL, preset.title_of(TRIAL))
                data = without_trials(folder, own, data, title, left_out)
            (out / name).write_bytes(data)


def _with_own_titles(folder: DataFolder, name: str, data: bytes, renamed: Mapping[str, str], preset: Preset) -> bytes:
    """Return the bytes of the outcomes file with the titles of the preset in its header."""
    lines = read_lines(folder, name, ProblemLog(), MOST_TRIALS)
    if lines is None:
        return data
    text, encoding = decode(data)
    parts = re.split("(\r\n|\r|\n)", text)  # keep the line ends
    header_index = 2 * (lines.numbers[0] - 1)
    mark = "\ufeff" if parts[header_index].startswith("\ufeff") else ""
    header = io.StringIO()
    titles = _own_titles(lines.titles(), renamed, preset)
    csv.writer(header, delimiter=lines.separator, lineterminator="").writerow(titles)
    parts[header_index] = mark + header.getvalue()
    return "".join(parts).encode(encoding)


def _own_titles(header: list[str], renamed: Mapping[str, str], preset: Preset) -> list[str]:
    """Return the header with the titles of the preset for `renamed` columns (by name, the title in the file)."""
    own = [plain_title(preset.title_of(name)) for name in renamed]
    titles = [
        # Another column that happens to have the title of the preset must not be mistaken for the renamed column.
        f"{title} (not used)" if plain_title(title) in own else title
        for title in header
    ]
    meant: dict[int, str] = {}
    for column in preset.outcomes:
        for index in title_positions(renamed.get(column.name, column.title), header):
            if index in meant:
                text = f"{meant[index]} and {column.name} are both read from the column {printable(header[index])}"
                raise DataError(f"{preset.outcomes_file}: {text}. Give each its own column, then convert again.")
            meant[index] = column.name
            titles[index] = column.title if column.name in renamed else header[index]
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
    return DataError(f"{name} cannot be copied: {os_reason(error)}. Open the data folder again, then convert.")
