"""A shared Google Drive folder becomes a data folder: fetched, unpacked, checked, and only then put in its place.

Everything lands in a hidden folder inside the one that the user names, which readers pass over, and is moved out of it
at the end. So a download that was killed leaves nothing that looks complete, and goes on at the next start.
Nothing calls this but the user's own click or command, and there is no address that it knows by itself.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from socal_core.dataset import layout
from socal_core.errors import DataError
from socal_core.fetch.drive import Fetch, drive_link, fetch_from_drive
from socal_core.fetch.unpack import DamagedArchive, Tell, has_frames, say_nothing, unpack
from socal_core.storage import try_lock

ARRIVING = ".arriving"
"""Inside the data folder: what is not complete yet."""
EXPECTED_FILES = (layout.OUTCOMES_FILE, layout.BOXES_FILE, layout.MAPPING_FILE, layout.DEMOGRAPHICS_FILE)

_UNPACKED = ".unpacked"
_LOCK = ".lock"
_ANNOTATION_DIRS = frozenset({"Annotations", "ImageSets", "labels"})
_NAMED = 5
_HEAD = 512
_AGAIN = "Start the download again to get it anew."


@dataclass(frozen=True)
class Arrived:
    """What lies in a data folder after a download."""

    files: tuple[str, ...]
    """Those of SOCAL's tables that are there."""
    missing: tuple[str, ...]
    """Those of SOCAL's tables, and JPEGImages, that are not."""
    frames: int
    problems: tuple[str, ...]
    """What is wrong and what to do, a sentence or two each."""

    @property
    def complete(self) -> bool:
        """Whether all that SOCAL releases is there and sound."""
        return not self.missing and not self.problems


def download(address: str, out: Path, progress: Tell | None = None, fetch: Fetch = fetch_from_drive) -> Arrived:
    """Fetch a shared Drive folder or file into the folder `out`, unpack its zips of frames, and say what arrived.

    `out` is made when it is missing; complete files in it are kept, and a start after one that broke off goes on.
    `progress` is told a line of text now and then. DataError when the address is no Drive link (then nothing is
    fetched or made), when the download breaks off, or when a zip is refused. `fetch` gets the files.
    """
    link = drive_link(address)
    tell = progress or say_nothing
    try:
        with _arriving_folder(out) as arriving:
            fetch(link, arriving, lambda name: _fault_of(out / name) is not None, tell)
            problems = _drop_unsound(arriving)
            tree, left_packed = _unpack_all(arriving, out, tell)
            tell("Checking what arrived")
            _merge(arriving, out)
            # Last: a start that is killed before this finds the zips in their place and unpacks them again.
            _merge(tree, out)
    except OSError as error:
        raise DataError(f"The download cannot be written: {error.strerror or type(error).__name__}.") from error
    arrived = check_arrived(out)
    return replace(arrived, problems=(*problems, *left_packed, *arrived.problems))


def check_arrived(out: Path) -> Arrived:
    """Which of SOCAL's files lie in a folder, how many frames, and what is wrong with any of them; nothing is changed.

    One `stat` a file. DataError when the folder cannot be read.
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
        raise DataError(f"What arrived cannot be read: {error.strerror or type(error).__name__}.") from error
    files = tuple(name for name in EXPECTED_FILES if (out / name).is_file() and name not in faults)
    missing = tuple(name for name in EXPECTED_FILES if name not in files)
    problems = _in_words(faults)
    problems += [f"{name} did not arrive. Ask whoever shared the folder to add it." for name in missing]
    if not frames:
        missing = (layout.IMAGES_DIR, *missing)
        problems.append(f"No frame arrived. The shared folder has to hold {layout.IMAGES_DIR} or frames.zip.")
    if elsewhere:
        text = f"There are images in {', '.join(sorted(elsewhere)[:_NAMED])}, where frames are not looked for"
        problems.append(f"{text}. If that is the data, open that folder or give its link; else move them.")
    if (out / ARRIVING).exists():
        problems.append("The download into this folder has not ended. Start it again to go on.")
    return Arrived(files, missing, frames, tuple(problems))


@contextmanager
def _arriving_folder(out: Path) -> Iterator[Path]:
    """The hidden folder, for one download at a time; it is gone afterwards unless something went wrong."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out.name} is a file. Name a folder to download into.")
    arriving = out / ARRIVING
    if arriving.is_symlink():
        raise DataError(f"{ARRIVING} in the folder is a link. Delete it, then start the download again.")
    arriving.mkdir(parents=True, exist_ok=True)
    handle = try_lock(arriving / _LOCK)
    if handle is None:
        raise DataError("A download into this folder is running already. Wait for it to end.")
    try:
        yield arriving
        shutil.rmtree(arriving)
    finally:
        os.close(handle)


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file, hidden ones and links to folders left out; OSError when a folder cannot be listed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(Path(entry.path))
            elif entry.is_file():
                yield Path(entry.path)


def _fault_of(path: Path, look_inside: bool = True) -> str | None:
    """Why a file is not a complete one: missing, empty, a part, or a web page under another name; None when it is."""
    if path.suffix == ".part":
        return "is the beginning of a file whose download broke off"
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "is not there"
    if not stat.S_ISREG(status.st_mode):
        return "is no file"
    if status.st_size == 0:
        return "is empty"
    if look_inside and path.suffix.lower() not in {".html", ".htm"}:
        with path.open("rb") as file:
            head = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        if head.startswith((b"<!doctype html", b"<html")):
            return (
                "is a web page, not data: Drive sends one where a file is not shared or its download limit is used up"
            )
    return None


def _in_words(faults: dict[str, str]) -> list[str]:
    """A sentence for each kind of fault, with the first few names."""
    by_kind: dict[str, list[str]] = {}
    for name, fault in sorted(faults.items()):
        by_kind.setdefault(fault, []).append(name)
    texts = []
    for fault, names in by_kind.items():
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        texts.append(f"{', '.join(names[:_NAMED])}{more}: it {fault}. {_AGAIN}")
    return texts


def _drop_unsound(arriving: Path) -> list[str]:
    """Delete what is no complete file, so that the next start gets it anew, and say so."""
    faults = {}
    for path in list(_files_below(arriving)):
        fault = _fault_of(path)
        if fault is not None:
            faults[path.relative_to(arriving).as_posix()] = fault
            path.unlink()
    return _in_words(faults)


def _unpack_all(arriving: Path, out: Path, tell: Tell) -> tuple[Path, list[str]]:
    """Unpack the zips of frames, new ones and those in the folder, all of them or none; the folder with what they hold.

    Where there are frames already, nothing is unpacked; a zip that has just arrived is then named as a problem.
    """
    shutil.rmtree(arriving / _UNPACKED, ignore_errors=True)
    tree = arriving / _UNPACKED / "tree"
    tree.mkdir(parents=True)
    new = _zips_in(arriving)
    if any(_has_entries(folder / name) for folder in (out, arriving) for name in layout.IMAGES_DIRS):
        text = "was not unpacked, there are frames already. Delete their folder and start again to have it unpacked."
        return tree, [f"{path.name} {text}" for path in new]
    names = {path.name for path in new}
    for number, path in enumerate([*new, *(path for path in _zips_in(out) if path.name not in names)]):
        folder = tree.with_name(str(number))
        try:
            if has_frames(path):
                unpack(path, folder, tell)
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
    """Move what a zip held to its place in a data folder: frames under JPEGImages, however the zip was packed."""
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
        elif path.stem in frames:  # a frame, or the annotation beside it
            target = images / path.name
        target.parent.mkdir(exist_ok=True)
        kept += _move(path, target)
    if kept:
        text = f"holds {kept[0]}, which another zip, or another folder in it, holds as well"
        raise DataError(f"{archive} {text}. Keep one of them and start the download again.")


def _has_meaning(name: str) -> bool:
    """Whether a folder's name tells what is in it, so that it is no mere wrapping."""
    return _holds_frames(name) or name in _ANNOTATION_DIRS | layout.SPLIT_FOLDERS


def _holds_frames(folder: str) -> bool:
    """Whether frames are looked for in a folder of this name."""
    return folder in layout.IMAGES_DIRS or layout.TRIAL_ID.fullmatch(folder) is not None


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in layout.IMAGE_SUFFIXES


def _merge(source: Path, target: Path) -> list[str]:
    """Move what is in a folder into another one, its frames last; the names that the other one holds already, complete.

    Hidden names stay. A folder that the other one does not have moves in one step.
    """
    paths = sorted(source.iterdir(), key=lambda path: (path.name in layout.IMAGES_DIRS, path.name))
    return [kept for path in paths if not path.name.startswith(".") for kept in _move(path, target / path.name)]


def _move(path: Path, target: Path) -> list[str]:
    """Move a file or folder; the names that stayed where they were, because the target has a complete file there."""
    if path.is_dir() and _has_entries(target):
        return _merge(path, target)
    if path.is_file() and _fault_of(target) is None:
        return [target.name]
    path.replace(target)
    return []
