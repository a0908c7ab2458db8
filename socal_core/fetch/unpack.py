"""A zip of frames becomes a folder: checked as a whole before anything is written, and once more while writing."""

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
from socal_core.storage import new_folder

ANNOTATION_SUFFIXES = frozenset({".csv", ".xml", ".txt", ".json", ".yaml", ".yml"})

MAX_ENTRIES = 1_400_000
"""A zip with more is refused: the list alone, at 600 bytes an entry, fills a gigabyte of memory."""
MAX_LIST_BYTES = 160_000_000
"""The list of that many entries, with names as long as SOCAL's."""
MAX_RATIO = 100
"""Frames are compressed already; the text of annotations comes to 20 or 30 times."""
RATIO_MATTERS_FROM = 100_000_000
"""Bytes: below, no ratio does harm."""

_BLOCK = 1 << 20
_REPORT_EVERY = 500
_ENTRY_SIGNATURE = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f\\:]")
# What zipfile lets through when the bytes are not what they should be.
_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    RuntimeError,  # also for a feature of zip that zipfile does not know
    ValueError,
)

Tell = Callable[[str], None]


class DamagedArchive(DataError):  # noqa: N818, named by what it is, beside its base
    """The zip is cut off or broken: another copy of it may be sound."""


class _BoundedFile(io.FileIO):
    """A zip on disk whose list of entries, which zipfile reads in one piece, is refused when it is too long."""

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


def unpack(archive: Path, out: Path, progress: Tell | None = None) -> int:
    """Unpack the frames and annotations of a zip into a new folder and return the number of files written.

    `out` must not exist, or be empty; it appears when everything is written (a temporary folder beside it is renamed).
    `progress` is told a line of text now and then. DataError before anything is written when the zip could write
    outside `out`, fill the disk, or is encrypted or not a zip; DamagedArchive when it is cut off or broken.
    """
    with _opened(archive) as opened:
        if out.is_symlink() or (out.exists() and not (out.is_dir() and next(out.iterdir(), None) is None)):
            text = f"{out.name} is there already. Move it away or delete it, then unpack {archive.name} again."
            raise DataError(text)
        entries = _accepted(opened, archive)
        _check_sizes(entries, archive, out.parent)
        out.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(out) as draft:
            _write(opened, entries, draft, archive.name, progress or say_nothing)
    return len(entries)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """An open zip; what goes wrong with it, or with the disk, becomes a DataError."""
    try:
        with _BoundedFile(archive) as file, zipfile.ZipFile(file) as opened:
            yield opened
    except _READ_ERRORS as error:
        text = f"{archive.name} is not a zip file, or is cut off or damaged. Get it anew."
        raise DamagedArchive(text) from error
    except OSError as error:
        raise DataError(f"{archive.name} cannot be unpacked: {error.strerror or type(error).__name__}.") from error


def has_frames(archive: Path) -> bool:
    """Whether a zip lists images; nothing is unpacked. DamagedArchive when it cannot be read."""
    with _opened(archive) as opened:
        return any(_taken(entry, layout.IMAGE_SUFFIXES) for entry in opened.infolist())


def unsafe_name(name: str) -> str | None:
    """Why a relative name may not be written into a folder; None when it may."""
    parts = name.removesuffix("/").split("/")
    if name.startswith("/"):
        return "it is absolute"
    if _NOT_IN_A_NAME.search(name):
        return "it holds a backslash, a colon or a control character"
    if any(part in {"", ".", ".."} for part in parts):
        return "it leads through `..`, `.` or an empty name"
    if not name.isascii() and name.encode("utf-8", "replace").decode() != name:
        return "it is no text"
    if len(name.encode()) > 1000 or max(len(part.encode()) for part in parts) > 255:
        return "it is too long"
    return None


def say_nothing(line: str) -> None:
    """Tell that nobody asked for."""


def _taken(entry: zipfile.ZipInfo, suffixes: frozenset[str]) -> bool:
    """Whether an entry is a file with one of the endings; what macOS adds (`__MACOSX/`, `._name`) never is."""
    parts = entry.filename.split("/")
    dot = parts[-1].rfind(".")
    hidden = parts[0] == "__MACOSX" or any(part.startswith(".") and part.strip(".") for part in parts)
    return not hidden and dot > 0 and parts[-1][dot:].lower() in suffixes


def _accepted(opened: zipfile.ZipFile, archive: Path) -> list[zipfile.ZipInfo]:
    """The entries to write; DataError when any entry, also one that is left out, is not harmless."""
    entries = opened.infolist()
    for entry in entries:
        fault = _fault(entry)
        if fault is not None:
            name = entry.orig_filename.encode("unicode_escape").decode()[:120]
            raise DataError(f"{archive.name} is refused: its entry {name} {fault}. Nothing was unpacked.")
    if len(opened.NameToInfo) != len(entries):
        raise DataError(f"{archive.name} is refused: two of its entries have the same name. Nothing was unpacked.")
    taken = [entry for entry in entries if _taken(entry, layout.IMAGE_SUFFIXES | ANNOTATION_SUFFIXES)]
    if not taken:
        raise DataError(f"{archive.name} holds neither frames (JPEG, PNG) nor annotations. Is it the right file?")
    return taken


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """What makes an entry one that nobody should unpack."""
    reason = unsafe_name(entry.orig_filename)
    if reason is not None:
        return f"may not be written, {reason}"
    if stat.S_IFMT(entry.external_attr >> 16) not in _KINDS:
        return "is a link or a device, not a file"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted; ask for a zip without a password"
    if entry.compress_type not in _METHODS:
        return "is not packed in the ordinary way (deflate); pack the zip anew"
    return None


def _check_sizes(entries: list[zipfile.ZipInfo], archive: Path, place: Path) -> None:
    """Refuse a bomb, and what does not fit on the disk of `place`."""
    for entry in entries:
        if _is_bomb(entry.file_size, entry.compress_size):
            raise DataError(
                f"{archive.name} is refused: its entry {printable(entry.filename)} would grow from "
                f"{entry.compress_size:,} to {entry.file_size:,} bytes, which no frame does. Nothing was unpacked."
            )
    total = sum(entry.file_size for entry in entries)
    # Entries may share their packed bytes: what counts is the size of the zip itself.
    packed = archive.stat().st_size
    if _is_bomb(total, packed):
        text = f"it would grow from {packed:,} to {total:,} bytes, which no zip of frames does"
        raise DataError(f"{archive.name} is refused: {text}. Nothing was unpacked.")
    check_room(total, place, f"Unpacked, {archive.name}", "Make room, or choose a folder on another disk.")


def _is_bomb(size: int, packed: int) -> bool:
    return size > RATIO_MATTERS_FROM and size > MAX_RATIO * packed


def _write(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo], out: Path, archive: str, tell: Tell) -> None:
    made: set[Path] = set()
    for done, entry in enumerate(entries):
        if done % _REPORT_EVERY == 0:
            tell(f"Unpacking {archive}: {done:,} of {len(entries):,} files")
        target = out / entry.filename
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        try:
            _write_one(opened, entry, target)
        except FileExistsError as error:
            text = f"its entry {printable(entry.filename)} has the same name as another one on this disk"
            raise DataError(f"{archive} is refused: {text}. Nothing was unpacked.") from error
        except _READ_ERRORS as error:
            text = (
                f"its entry {printable(entry.filename)} is cut off or damaged. Nothing was unpacked; get the zip anew."
            )
            raise DamagedArchive(f"{archive}: {text}") from error
    tell(f"Unpacking {archive}: {len(entries):,} of {len(entries):,} files")


def _write_one(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Write one file, never more than its announced size; zipfile compares the checksum at its end."""
    written = 0
    with opened.open(entry) as source, target.open("xb") as file:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > entry.file_size:
                raise zipfile.BadZipFile("more bytes than announced")
            file.write(block)
    if written != entry.file_size:
        raise EOFError("fewer bytes than announced")
