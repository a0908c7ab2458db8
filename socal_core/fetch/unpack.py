"""Unpack zips of frames, each of which is checked completely before it is unpacked, and again while writing.

A zip may hold zips instead of frames, as in SOSpine, but these no further ones. The limits count all of them together.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from socal_core.dataset import layout
from socal_core.dataset.problems import printable
from socal_core.disk import check_room
from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.storage import new_folder

ANNOTATION_SUFFIXES = frozenset({".csv", ".xml", ".txt", ".json", ".yaml", ".yml"})

MAX_ENTRIES = 1_400_000
"""A zip with more entries is refused. This many need almost a gigabyte of memory, at 600 bytes per entry."""
MAX_LIST_BYTES = 160_000_000
"""Size of the list of MAX_ENTRIES entries with names as long as in SOCAL."""
MAX_RATIO = 100
"""Largest ratio of unpacked to packed size. Frames are compressed already; the text of annotations reaches 20 to 30."""
RATIO_MATTERS_FROM = 100_000_000
"""Unpacked size in bytes below which any ratio is harmless."""

_ZIP = frozenset({".zip"})
_BLOCK = 1 << 20
_REPORT_EVERY = 500
_ENTRY_SIGNATURE = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f\\:]")
# What zipfile raises for damaged files.
_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,  # also for features of zip that zipfile does not support
    ValueError,
)

Report = Callable[[str], None]


class DamagedArchive(DataError):  # noqa: N818, named for what it describes
    """The zip is truncated or damaged; another copy of it may be intact."""


class _BoundedFile(io.FileIO):
    """A zip on disk that refuses to read a list of entries that is too long, since zipfile reads it all at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_LIST_BYTES:
            raise DataError(f"{self._label} is refused: its list of entries claims {size:,} bytes.")
        data = super().read(-1 if size is None else size)
        if data.count(_ENTRY_SIGNATURE) > MAX_ENTRIES:
            raise DataError(f"{self._label} is refused: it has more than {MAX_ENTRIES:,} entries.")
        return data

    @property
    def _label(self) -> str:
        return Path(str(self.name)).name


def unpack(archive: Path, out: Path, progress: Report | None = None, largest: int | None = None) -> int:
    """Unpack the frames and annotations of a zip, and of the zips in a zip without frames, into a new folder.

    Args:
        archive: The zip.
        out: A folder that does not exist or is empty. It appears when all files are written. What an inner zip holds
            is in a folder of its name.
        progress: Called from time to time with a line of text.
        largest: The most bytes that may be written; None for as many as there is room for.

    Returns:
        The number of files written.

    Raises:
        DataError: `out` is not empty, or the zip is refused because it could write outside `out` or fill the disk, is
            encrypted, has neither frames nor annotations, or has zips inside its zips. Nothing is written.
        DamagedArchive: The zip, or one in it, is truncated or damaged, or is not a zip.
    """
    report, packed = progress or no_progress, _size(archive)
    with _opened(archive, archive.name) as opened:
        if out.is_symlink() or (out.exists() and not (out.is_dir() and next(out.iterdir(), None) is None)):
            text = f"{out.name} exists already. Move or delete it, then unpack {archive.name} again."
            raise DataError(text)
        entries = _accepted(opened, archive.name)
        if not entries:
            raise DataError(
                f"{archive.name} contains neither frames (JPEG, PNG) nor annotations. Check that it is the right file."
            )
        inner = [entry for entry in entries if _is_wanted(entry, _ZIP)]
        _check_sizes(entries, archive.name, packed, out.parent)
        _check_total(sum(entry.file_size for entry in entries), largest, archive.name)
        out.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(out) as draft:
            _write(opened, entries, draft, archive.name, report)
            return len(entries) - len(inner) + _unpack_inner(entries, draft, archive.name, packed, report, largest)


def _unpack_inner(
    outer: list[zipfile.ZipInfo], draft: Path, archive: str, packed: int, report: Report, largest: int | None
) -> int:
    """Unpack the zips among the entries of a zip, which are written already, and delete them.

    Returns:
        The number of files written.
    """
    count, total = len(outer), sum(entry.file_size for entry in outer)
    written = 0
    for zipped in (entry for entry in outer if _is_wanted(entry, _ZIP)):
        path, name = draft / zipped.filename, f"{archive}/{printable(zipped.filename)}"
        with _opened(path, name) as opened:
            entries = _accepted(opened, name)
            deeper = next((entry for entry in entries if _is_wanted(entry, _ZIP)), None)
            if deeper is not None:
                text = f"it holds {printable(deeper.filename)}, a zip in a zip in a zip; only one level is unpacked"
                raise DataError(f"{name} is refused: {text}. Unpack {archive} and share what it holds.")
            count += len(entries)
            total += sum(entry.file_size for entry in entries)
            if count > MAX_ENTRIES:
                raise DataError(
                    f"{archive} is refused: it has more than {MAX_ENTRIES:,} entries, with those of its zips."
                )
            _check_growth(total, packed, f"{archive}, with its zips,")
            _check_total(total, largest, f"{archive}, with its zips,")
            _check_sizes(entries, name, zipped.file_size, draft)
            own = f"{path.stem}/"
            inside = all(entry.filename.startswith(own) for entry in entries)
            _write(opened, entries, path.parent if inside else path.with_suffix(""), name, report)
        path.unlink()
        written += len(entries)
    return written


def _size(archive: Path) -> int:
    try:
        return archive.stat().st_size
    except OSError as error:
        raise DataError(f"{archive.name} cannot be unpacked: {os_reason(error)}.") from error


@contextmanager
def _opened(archive: Path, name: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip, and turn its errors and those of the disk into DataError, which gives it this name."""
    try:
        with _BoundedFile(archive) as file, zipfile.ZipFile(file) as opened:
            yield opened
    except _READ_ERRORS as error:
        text = f"{name} is not a zip file, or is truncated or damaged. Download it again."
        raise DamagedArchive(text) from error
    except OSError as error:
        raise DataError(f"{name} cannot be unpacked: {os_reason(error)}.") from error


def has_frames(archive: Path) -> bool:
    """Whether a zip contains images, or zips that may contain them, according to its list of entries.

    Raises:
        DamagedArchive: The zip cannot be read.
    """
    with _opened(archive, archive.name) as opened:
        return any(_is_wanted(entry, layout.IMAGE_SUFFIXES | _ZIP) for entry in opened.infolist())


def unsafe_name(name: str) -> str | None:
    """Say why a relative name must not be written into a folder; None if it is safe."""
    parts = name.removesuffix("/").split("/")
    if name.startswith("/"):
        return "it is absolute"
    if _NOT_IN_A_NAME.search(name):
        return "it contains a backslash, a colon or a control character"
    if any(part in {"", ".", ".."} for part in parts):
        return "it contains `..`, `.` or an empty part"
    if not name.isascii() and name.encode("utf-8", "replace").decode() != name:
        return "it is not valid text"
    if len(name.encode()) > 1000 or max(len(part.encode()) for part in parts) > 255:
        return "it is too long"
    return None


def no_progress(line: str) -> None:
    """Ignore a line of progress."""


def _is_wanted(entry: zipfile.ZipInfo, suffixes: frozenset[str]) -> bool:
    """Whether an entry is a file with one of the suffixes, and not one that macOS adds (`__MACOSX/`, `._name`)."""
    parts = entry.filename.split("/")
    dot = parts[-1].rfind(".")
    hidden = parts[0] == "__MACOSX" or any(part.startswith(".") and part.strip(".") for part in parts)
    return not hidden and dot > 0 and parts[-1][dot:].lower() in suffixes


def _accepted(opened: zipfile.ZipFile, archive: str) -> list[zipfile.ZipInfo]:
    """Select the entries to write, zips only if there are no frames.

    Raises:
        DataError: An entry is unsafe, even one that is not written.
    """
    entries = opened.infolist()
    for entry in entries:
        fault = _fault(entry)
        if fault is not None:
            name = entry.orig_filename.encode("unicode_escape").decode()[:120]
            raise DataError(f"{archive} is refused: its entry {name} {fault}. Nothing was unpacked.")
    if len(opened.NameToInfo) != len(entries):
        raise DataError(f"{archive} is refused: two of its entries have the same name. Nothing was unpacked.")
    has_images = any(_is_wanted(entry, layout.IMAGE_SUFFIXES) for entry in entries)
    suffixes = ANNOTATION_SUFFIXES | (layout.IMAGE_SUFFIXES if has_images else _ZIP)
    return [entry for entry in entries if _is_wanted(entry, suffixes)]


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """Say why an entry must not be unpacked; None if it is safe."""
    reason = unsafe_name(entry.orig_filename)
    if reason is not None:
        return f"has an unsafe name: {reason}"
    if stat.S_IFMT(entry.external_attr >> 16) not in _KINDS:
        return "is a link or a device, not a file"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted. Ask for a zip without a password"
    if entry.compress_type not in _METHODS:
        return "uses an unsupported compression. Create the zip again with deflate"
    return None


def _check_sizes(entries: list[zipfile.ZipInfo], archive: str, packed: int, folder: Path) -> None:
    """Refuse a zip bomb, and a zip that does not fit on the disk of `folder`."""
    for entry in entries:
        if _is_bomb(entry.file_size, entry.compress_size):
            raise DataError(
                f"{archive} is refused: its entry {printable(entry.filename)} would grow from "
                f"{entry.compress_size:,} to {entry.file_size:,} bytes, unlike any frame. Nothing was unpacked."
            )
    total = sum(entry.file_size for entry in entries)
    # Entries may use the same packed bytes, so compare with the size of the zip.
    _check_growth(total, packed, archive)
    check_room(total, folder, f"Unpacked, {archive}", "Free some space, or choose a folder on another disk.")


def _check_growth(total: int, packed: int, archive: str) -> None:
    if _is_bomb(total, packed):
        text = f"it would grow from {packed:,} to {total:,} bytes, unlike any zip of frames"
        raise DataError(f"{archive} is refused: {text}. Nothing was unpacked.")


def _check_total(total: int, largest: int | None, archive: str) -> None:
    if largest is not None and total > largest:
        raise DataError(f"{archive} is refused: unpacked, it has more than {largest:,} bytes. Nothing was unpacked.")


def _is_bomb(size: int, packed: int) -> bool:
    return size > RATIO_MATTERS_FROM and size > MAX_RATIO * packed


def _write(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo], out: Path, archive: str, report: Report) -> None:
    created: set[Path] = set()
    for done, entry in enumerate(entries):
        if done % _REPORT_EVERY == 0:
            report(f"Unpacking {archive}: {done:,} of {len(entries):,} files")
        target = out / entry.filename
        if target.parent not in created:
            target.parent.mkdir(parents=True, exist_ok=True)
            created.add(target.parent)
        try:
            _write_one(opened, entry, target)
        except FileExistsError as error:
            text = f"its entry {printable(entry.filename)} has the same name as another one on this disk"
            raise DataError(f"{archive} is refused: {text}. Nothing was unpacked.") from error
        except _READ_ERRORS as error:
            text = f"{archive}: its entry {printable(entry.filename)} is truncated or damaged. Nothing was unpacked"
            raise DamagedArchive(f"{text}; download the zip again.") from error
    report(f"Unpacking {archive}: {len(entries):,} of {len(entries):,} files")


def _write_one(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Write one file, at most up to its announced size. zipfile checks its checksum at the end."""
    written = 0
    with opened.open(entry) as source, target.open("xb") as file:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > entry.file_size:
                raise zipfile.BadZipFile("more bytes than announced")
            file.write(block)
    if written != entry.file_size:
        raise EOFError("fewer bytes than announced")
