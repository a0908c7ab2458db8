"""The boxes of a data set in another format, as a data folder of its own."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from socal_core.dataset import layout
from socal_core.dataset.boxes import FORMATS, format_of
from socal_core.dataset.boxes.rows import Format
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import printable
from socal_core.dataset.types import Dataset
from socal_core.errors import DataError

RESERVE = 1_000_000_000
"""Bytes that stay free on the disk; the annotations, whose size is known only when they are written, fit in them."""

_TABLES = (layout.OUTCOMES_FILE, layout.DEMOGRAPHICS_FILE, layout.MAPPING_FILE)


def convert(dataset: Dataset, out: Path, key: str, with_frames: bool, progress: Callable[[int, int], None]) -> None:
    """Write a data set into the new folder `out`, its boxes in the format `key`.

    With the tables of outcomes, demographics and the mapping as they are and, if `with_frames`, copies of the frames
    and videos under their names and in the folder of the same name: then the result opens as a data folder with the
    same trials, frames and boxes (track ids where the format holds them). Without frames it is to be laid beside them.
    `progress` is told (done, total) files, the annotations counting as one.

    `out` appears when all is written: a hidden folder beside it is renamed. DataError, with nothing left behind, when
    `out` has something in it or lies in the data folder, the format cannot be written or not hold these boxes, the disk
    is too full, or a file cannot be copied.
    """
    write = _writer(key)
    _check_target(out, dataset.root)
    files = _frame_files(dataset) if with_frames else []
    temporary = out.with_name(f".{out.name}.converting")
    try:
        _check_space(dataset.root, files, out)
        _remove(temporary)
        temporary.mkdir(parents=True)
        write(dataset, temporary)
        progress(1, 1 + len(files))
        _copy_tables(dataset.root, temporary)
        for done, name in enumerate(files, start=2):
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(dataset.root / name, target, name)
            progress(done, 1 + len(files))
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    except OSError as error:
        raise DataError(f"{out.name} cannot be written: {error.strerror or type(error).__name__}.") from error
    finally:
        if not temporary.is_symlink():
            shutil.rmtree(temporary, ignore_errors=True)


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
    names = [f"{dataset.images_dir}/{frame}".lstrip("/") for frame in frames]
    return [*names, *sorted(video.path for video in dataset.videos.values())]


def _check_space(root: Path, files: list[str], out: Path) -> None:
    """Say before copying that there is too little room."""
    needed = sum(_size(root / name, name) for name in files)
    place = out.absolute().parent
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free - RESERVE:
        text = f"needs {needed / 1e9:,.1f} GB, {free / 1e9:,.1f} GB are free and {RESERVE / 1e9:g} GB stay free"
        raise DataError(f"{out.name} {text}. Make room, choose another disk, or convert without the frames.")


def _remove(folder: Path) -> None:
    """Delete what an earlier, killed start left; never through a link."""
    if folder.is_symlink():
        raise DataError(f"{folder.name} is a link. Delete it, then convert again.")
    if folder.exists():
        shutil.rmtree(folder)


def _copy_tables(root: Path, out: Path) -> None:
    """Copy the tables that the data folder has, byte by byte."""
    folder = DataFolder(root)
    for name in _TABLES:
        if folder.is_file(name):
            try:
                (out / name).write_bytes(folder.read(name))
            except DataError as error:
                raise DataError(f"{name} cannot be copied: {error}.") from error


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
