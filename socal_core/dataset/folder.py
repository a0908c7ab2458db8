"""Access to the files of a data folder: nothing outside it is read, no folder is listed twice, nothing is written.

Names in annotation files never become paths. A file is opened only if it is in the listing of its folder, and a
link is followed only if its target is inside the data folder.
"""

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from socal_core.errors import DataError
from socal_core.file_handles import handles_explained, os_reason
from socal_core.presets import SOCAL, Preset

LARGEST_FILE = 400_000_000
"""In bytes. The boxes of 1.3 million frames take 120 MB as CSV; much larger files would only fill the memory."""

_MOST_IN_OTHER_CASE = 10_000
"""Largest number of entries of a folder that is searched without regard to case; tables are not among frames."""


@dataclass(frozen=True)
class Stamp:
    """Shows whether a file or folder is unchanged: size in bytes (0 for a folder) and time of change in ns."""

    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Listing:
    """The direct entries of a folder, each list sorted; entries that begin with a dot are left out."""

    files: list[str]
    folders: list[str]
    others: list[str]
    """Links out of the data folder, broken links, pipes, and names that are not valid text."""


class DataFolder:
    """A data folder while it is read. It remembers which files it has read, to detect later changes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.preset: Preset = SOCAL
        """The names that its files have; `detection.detect_preset` finds it."""
        self.stamps: dict[str, Stamp] = {}
        """The stamp of every file read and every folder listed, by path relative to the root, which is ""."""
        self.digests: dict[str, str] = {}
        """SHA-256 of every file read, by its relative path."""
        self.renamed: dict[str, str] = {}
        """Requested names that have another case on disk, each with its name on disk."""
        self.ambiguous: dict[str, list[str]] = {}
        """Requested names, each with the several names on disk that differ from it only in case."""
        self._listings: dict[str, Listing] = {}
        self._files: dict[str, set[str]] = {}
        self._inside = os.path.realpath(root)

    def listing(self, path: str = "") -> Listing:
        """List a folder, at most once.

        Args:
            path: Relative to the data folder, which is "".

        Returns:
            The entries of the folder.

        Raises:
            OSError: The folder cannot be listed, or is not in the listing of its parent.
        """
        path = self.actual(path)
        if path not in self._listings:
            if path:
                self._check_folder(path)
            self.stamps[path] = stamp_of(os.stat(self.root / path))  # noqa: PTH116, the folder's before its content
            self._listings[path] = self._list(path)
        return self._listings[path]

    def _check_folder(self, path: str) -> None:
        """Raise OSError unless the listing of the parent has this folder, and so on up to the root."""
        parent, slash, own = path.rpartition("/")
        if slash and not parent:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        above = self.listing(parent)
        if own in above.others:
            raise OSError(errno.EPERM, "it is a link that leads out of the data folder, or to nowhere")
        if own in above.files:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if own not in above.folders:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def has(self, name: str) -> bool:
        """Return whether there is an entry of any kind with this name (relative path)."""
        parent, _, own = self.actual(name).rpartition("/")
        try:
            found = self.listing(parent)
        except OSError:
            return False
        return own in found.files or own in found.folders or own in found.others

    def is_file(self, name: str) -> bool:
        """Return whether there is a readable file with this name (relative path)."""
        return self._is_listed(self.actual(name))

    def actual(self, name: str) -> str:
        """Return the name of a file or folder (relative path) as it is on disk.

        A missing name stands for the only one that differs from it in case alone, as on Windows and macOS. A name
        that is missing in every case is returned unchanged.
        """
        if name in self.renamed:
            return self.renamed[name]
        parent, _, own = name.rpartition("/")
        if not own:
            return name
        parent = self.actual(parent)
        spelled = f"{parent}/{own}".lstrip("/")
        if self._is_listed(spelled):
            return spelled
        try:
            found = self.listing(parent)
        except OSError:
            return name
        entries = (*found.files, *found.folders, *found.others)
        if own in entries:
            return spelled
        if len(entries) > _MOST_IN_OTHER_CASE:
            return name
        written = [f"{parent}/{entry}".lstrip("/") for entry in entries if entry.lower() == own.lower()]
        if len(written) == 1:
            self.renamed[name] = written[0]
        elif written:
            self.ambiguous[name] = written
        return self.renamed.get(name, name)

    def chosen(self, name: str) -> str:
        """Return the name on disk of a file of the layout, "" if there is none or several differ only in case."""
        return self.actual(name) if self.has(name) else ""

    def spelled(self, name: str) -> list[str]:
        """List the entries with a name (relative path): the name itself, else the same name in another case."""
        return [self.actual(name)] if self.has(name) else self.ambiguous.get(name, [])

    def _is_listed(self, name: str) -> bool:
        parent, _, own = name.rpartition("/")
        if parent not in self._files:
            try:
                self._files[parent] = set(self.listing(parent).files)
            except OSError:
                return False
        return own in self._files[parent]

    def read(self, name: str, limit: int = LARGEST_FILE) -> bytes:
        """Return the bytes of a file.

        Args:
            name: Relative to the data folder.
            limit: The most bytes that are read.

        Raises:
            DataError: The file cannot be read; the message is only the reason, such as `it is no file`.
            TooManyFilesError: Too many files are open.
        """
        asked, name = name, self.actual(name)
        if not self._is_listed(name):
            raise DataError("it is no file of this folder (links that lead out of it are not followed)")
        try:
            with handles_explained(), (self.root / name).open("rb") as file:
                stamp = stamp_of(os.fstat(file.fileno()))
                if stamp.size > limit:
                    raise DataError(f"it has {stamp.size:,} bytes, more than the {limit:,} that are read")
                data = file.read(limit + 1)
        except OSError as error:
            raise DataError(os_reason(error)) from error
        self.stamps[name] = stamp
        self.digests[asked] = hashlib.sha256(data).hexdigest()
        return data

    def head(self, name: str, size: int) -> bytes:
        """Return the first bytes of a file, which is not added to the fingerprint.

        Raises:
            DataError: It is no file of this folder.
            OSError: It cannot be read.
            TooManyFilesError: Too many files are open.
        """
        name = self.actual(name)
        if not self._is_listed(name):
            raise DataError("it is no file of this folder")
        self.watch(name)
        with handles_explained(), (self.root / name).open("rb") as file:
            return file.read(size)

    def touch(self, name: str) -> None:
        """Record a file that is read by other code, so that later changes to it are detected."""
        self.watch(name)
        self.digests[name] = f"{self.stamps[name].size} bytes"

    def watch(self, name: str) -> None:
        """Record a file as `touch` does, but leave it out of the fingerprint."""
        self.stamps[name] = stamp_of((self.root / name).stat())

    def _list(self, path: str) -> Listing:
        files: list[str] = []
        folders: list[str] = []
        others: list[str] = []
        with handles_explained(), os.scandir(self.root / path) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue  # files of the operating system, such as .DS_Store
                if not _is_text(name) or (entry.is_symlink() and not self._leads_inside(entry)):
                    others.append(name)
                elif entry.is_file():
                    files.append(name)
                elif entry.is_dir():
                    folders.append(name)
                else:
                    others.append(name)
        for names in (files, folders, others):
            names.sort()
        return Listing(files, folders, others)

    def _leads_inside(self, link: os.DirEntry[str]) -> bool:
        target = os.path.realpath(link.path)
        return target.startswith(self._inside + os.sep) and os.path.exists(target)  # noqa: PTH110


def stamp_of(status: os.stat_result) -> Stamp:
    """Return the stamp of a file or folder; the size of a folder is ignored."""
    is_folder = (status.st_mode & 0o170000) == 0o040000
    return Stamp(0 if is_folder else status.st_size, status.st_mtime_ns)


def _is_text(name: str) -> bool:
    """Return whether the name can be encoded, since Linux allows any bytes in a file name."""
    return name.isascii() or name.encode("utf-8", "replace").decode() == name
