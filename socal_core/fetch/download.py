"""Download a shared Google Drive folder, unpack and check it, and move it into a data folder.

All files are first written to a hidden folder inside the data folder, which readers ignore, and are moved at the end.
So an interrupted download leaves nothing that looks complete, and the next start continues it. Downloads start only
when the user clicks or types the command, with an address that the user gives.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from socal_core.dataset import layout
from socal_core.dataset.detection import detect_preset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError
from socal_core.fetch.drive import Fetch, drive_link, fetch_from_drive
from socal_core.fetch.unpack import DamagedArchive, Report, has_frames, no_progress, unpack
from socal_core.file_handles import os_reason
from socal_core.presets import is_trial
from socal_core.storage import try_lock

ARRIVING = ".arriving"
"""Name of the hidden folder inside the data folder for files that are not complete yet."""

_UNPACKED = ".unpacked"
_LOCK = ".lock"
_ANNOTATION_DIRS = frozenset({"Annotations", "ImageSets", "labels"})
_MAX_NAMES = 5
_HEAD_BYTES = 512


@dataclass(frozen=True)
class Arrived:
    """What a data folder contains after a download."""

    files: tuple[str, ...]
    """The tables of the data set that the folder contains."""
    missing: tuple[str, ...]
    """The tables of the data set, and JPEGImages, that are missing."""
    frames: int
    """Number of frames."""
    problems: tuple[str, ...]
    """Messages that say what is wrong and what to do."""

    @property
    def complete(self) -> bool:
        """Whether all parts of the data set are present and intact."""
        return not self.missing and not self.problems


def download(address: str, out: Path, progress: Report | None = None, fetch: Fetch = fetch_from_drive) -> Arrived:
    """Download a shared Drive folder or file, and unpack the frames in its zips.

    Args:
        address: Link to a folder or file of Google Drive.
        out: The data folder. It is created if it does not exist. Complete files in it are kept, and an interrupted
            download continues.
        progress: Called from time to time with a line of text.
        fetch: Downloads the files.

    Returns:
        What the data folder contains.

    Raises:
        DataError: The address is not a Drive link (then nothing is downloaded or created), the download is
            interrupted, a zip is refused, or a file cannot be written.
    """
    link = drive_link(address)
    report = progress or no_progress
    try:
        with _arriving_folder(out) as arriving:
            fetch(link, arriving, lambda name: _fault_of(out / name) is not None, report)
            problems = _delete_faulty(arriving)
            tree, left_packed = _unpack_all(arriving, out, report)
            report("Checking the files")
            _merge(arriving, out)
            # Frames come last: if the process is killed before this, the next start unpacks the zips again.
            _merge(tree, out)
    except OSError as error:
        raise DataError(f"The download cannot be written: {os_reason(error)}.") from error
    arrived = check_arrived(out)
    return replace(arrived, problems=(*problems, *left_packed, *arrived.problems))


def check_arrived(out: Path) -> Arrived:
    """Check which tables of a data set and how many frames a folder contains, without changing it.

    Raises:
        DataError: The folder cannot be read.
    """
    frames = 0
    faults: dict[str, str] = {}
    elsewhere: set[str] = set()
    try:
        for path in _files_below(out):
            name = path.relative_to(out)
            fault = _fault_of(path, look_inside=not _is_image(path))
            if fault is not None:
                faults[name.as_posix()] = fault
            elif _is_image(path) and len(name.parts) > 1 and not _holds_frames(name.parts[0]):
                elsewhere.add(name.parts[0])
            elif _is_image(path):
                frames += 1
    except OSError as error:
        raise DataError(f"The downloaded files cannot be read: {os_reason(error)}.") from error
    problems = _fault_messages(faults)
    try:
        tables = detect_preset(DataFolder(out), out.name, ProblemLog()).tables
    except DataError as error:  # it holds several data sets
        tables = ()
        problems.append(str(error))
    files = tuple(name for name in tables if (out / name).is_file() and name not in faults)
    missing = tuple(name for name in tables if name not in files)
    problems += [f"{name} is missing. Ask the person who shared the folder to add it." for name in missing]
    if not frames:
        missing = (layout.IMAGES_DIR, *missing)
        problems.append(f"There are no frames. The shared folder must contain {layout.IMAGES_DIR} or frames.zip.")
    if elsewhere:
        text = (
            f"There are images in {', '.join(sorted(elsewhere)[:_MAX_NAMES])}, where the app does not look for frames"
        )
        problems.append(f"{text}. If they are the data, open that folder or use its link; otherwise move them.")
    if (out / ARRIVING).exists():
        problems.append("The download into this folder is incomplete. Start it again to continue.")
    return Arrived(files, missing, frames, tuple(problems))


@contextmanager
def _arriving_folder(out: Path) -> Iterator[Path]:
    """Create and lock the hidden folder for one download, and delete it unless the download fails."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out.name} is a file. Name a folder to download into.")
    arriving = out / ARRIVING
    if arriving.is_symlink():
        raise DataError(f"{ARRIVING} in the folder is a link. Delete it, then start the download again.")
    arriving.mkdir(parents=True, exist_ok=True)
    handle = try_lock(arriving / _LOCK)
    if handle is None:
        raise DataError("Another download into this folder is running. Wait until it ends.")
    try:
        yield arriving
        shutil.rmtree(arriving)
    finally:
        os.close(handle)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, except hidden ones and those behind links to folders."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(Path(entry.path))
            elif entry.is_file():
                yield Path(entry.path)


def _fault_of(path: Path, look_inside: bool = True) -> str | None:
    """Say why a file is not complete (missing, empty, partial, or a web page in its place); None if it is."""
    if path.suffix == ".part":
        return "is the beginning of a file whose download was interrupted"
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    if not stat.S_ISREG(status.st_mode):
        return "is not a file"
    if status.st_size == 0:
        return "is empty"
    if look_inside and path.suffix.lower() not in {".html", ".htm"}:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        if head.startswith((b"<!doctype html", b"<html")):
            return "is a web page, not data: Drive sends one if a file is not shared or its download limit is reached"
    return None


def _fault_messages(faults: dict[str, str]) -> list[str]:
    """Write a message for each kind of fault, with the first few names."""
    by_kind: dict[str, list[str]] = {}
    for name, fault in sorted(faults.items()):
        by_kind.setdefault(fault, []).append(name)
    texts = []
    for fault, names in by_kind.items():
        more = f" and {len(names) - _MAX_NAMES:,} more" if len(names) > _MAX_NAMES else ""
        texts.append(f"{', '.join(names[:_MAX_NAMES])}{more}: it {fault}. Start the download again.")
    return texts


def _delete_faulty(arriving: Path) -> list[str]:
    """Delete files that are not complete, so that the next start downloads them again; return messages."""
    faults = {}
    for path in list(_files_below(arriving)):
        fault = _fault_of(path)
        if fault is not None:
            faults[path.relative_to(arriving).as_posix()] = fault
            path.unlink()
    return _fault_messages(faults)


def _unpack_all(arriving: Path, out: Path, report: Report) -> tuple[Path, list[str]]:
    """Unpack all zips with frames, those just downloaded and those in the data folder, or none of them.

    If there are frames already, nothing is unpacked, and zips that were just downloaded are reported.

    Returns:
        The folder with the unpacked files, and messages about zips that were not unpacked.
    """
    shutil.rmtree(arriving / _UNPACKED, ignore_errors=True)
    tree = arriving / _UNPACKED / "tree"
    tree.mkdir(parents=True)
    new = _zips_in(arriving)
    if any(_has_entries(folder / name) for folder in (out, arriving) for name in layout.IMAGES_DIRS):
        text = "was not unpacked because there are frames already. To unpack it, delete their folder and start again."
        return tree, [f"{path.name} {text}" for path in new]
    names = {path.name for path in new}
    for number, path in enumerate([*new, *(path for path in _zips_in(out) if path.name not in names)]):
        folder = tree.with_name(str(number))
        try:
            if has_frames(path):
                unpack(path, folder, report)
                _arrange(folder, tree, path.name)
        except DamagedArchive as error:
            if path in new:
                path.unlink()
                raise DataError(f"{error} It was deleted: start the download again.") from error
            raise
    return tree, []


def _zips_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".zip" and path.is_file())


def _has_entries(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is not None


def _arrange(folder: Path, tree: Path, archive: str) -> None:
    """Move the content of a zip into the layout of a data folder: frames into JPEGImages, however it was packed."""
    entries = list(folder.iterdir())
    while len(entries) == 1 and entries[0].is_dir() and not _has_meaning(entries[0].name):
        entries = list(entries[0].iterdir())
    images = tree / layout.IMAGES_DIR
    frames = {path.stem for path in entries if _is_image(path)}
    kept: list[str] = []
    for path in entries:
        target = tree / path.name
        if path.is_dir():
            if path.name in layout.IMAGES_DIRS:
                target = images
            elif path.name not in _ANNOTATION_DIRS and any(map(_is_image, _files_below(path))):
                target = images / path.name
        elif path.stem in frames:  # a frame, or an annotation with the same name
            target = images / path.name
        target.parent.mkdir(exist_ok=True)
        kept += _move(path, target)
    if kept:
        text = f"contains {kept[0]}, which is also in another zip or in another of its folders"
        raise DataError(f"{archive} {text}. Keep one of them and start the download again.")


def _has_meaning(name: str) -> bool:
    """Whether the layout of a data folder gives a meaning to a folder's name; otherwise its content is moved up."""
    return _holds_frames(name) or name in _ANNOTATION_DIRS | layout.SPLIT_FOLDERS


def _holds_frames(folder: str) -> bool:
    """Whether readers look for frames in a folder of this name."""
    return folder in layout.IMAGES_DIRS or is_trial(folder)


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in layout.IMAGE_SUFFIXES


def _merge(source: Path, target: Path) -> list[str]:
    """Move the content of a folder into another one, frames last. Hidden files stay.

    Returns:
        Names that were not moved, since the other folder has complete files with these names.
    """
    paths = sorted(source.iterdir(), key=lambda path: (path.name in layout.IMAGES_DIRS, path.name))
    return [kept for path in paths if not path.name.startswith(".") for kept in _move(path, target / path.name)]


def _move(path: Path, target: Path) -> list[str]:
    """Move a file or folder; return the names that were not moved because the target has complete files there."""
    if path.is_dir() and _has_entries(target):
        return _merge(path, target)
    if path.is_file() and _fault_of(target) is None:
        return [target.name]
    path.replace(target)
    return []
