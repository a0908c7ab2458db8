"""The one way to the files of a data folder: nothing outside it is read, nothing is listed twice, nothing written.

Names in annotation files never become paths. A file is opened only when the listing of its folder gave its name, and
a link counts only when it leads to a place inside the data folder.
"""

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from socal_core.errors import DataError

LARGEST_FILE = 400_000_000
"""Bytes. The boxes of 1.3 million frames are 120 MB as CSV; what goes far beyond would only fill the memory."""

_MOST_IN_OTHER_CASE = 10_000
"""Entries of a folder in which a name is looked for in upper and lower case; tables do not lie among the frames."""


@dataclass(frozen=True)
class Stamp:
    """What tells that a file or folder is as it was: size in bytes (0 for a folder) and time of change in ns."""

    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Listing:
    """What lies directly in a folder, each list sorted; entries that begin with a dot are left out."""

    files: list[str]
    folders: list[str]
    others: list[str]
    """Links out of the data folder or to nowhere, pipes, names that are no text."""


class DataFolder:
    """A data folder while it is read: remembers what was looked at, so that it can be told whether it has changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stamps: dict[str, Stamp] = {}
        """Of every file read and every folder listed, by its path relative to the root ("" is the root itself)."""
        self.digests: dict[str, str] = {}
        """SHA-256 of every file read, by its relative path."""
        self.renamed: dict[str, str] = {}
        """Names that were asked for and are written otherwise on disk, in upper or lower case."""
        self.ambiguous: dict[str, list[str]] = {}
        """Names that were asked for, each with the names of which it differs in case alone."""
        self._listings: dict[str, Listing] = {}
        self._files: dict[str, set[str]] = {}
        self._inside = os.path.realpath(root)

    def listing(self, path: str = "") -> Listing:
        """What lies in a folder (relative path, "" is the root), listed once; OSError when that cannot be done."""
        path = self.actual(path)
        if path not in self._listings:
            if path:
                self._check_folder(path)
            self.stamps[path] = stamp_of(os.stat(self.root / path))  # noqa: PTH116, the folder's before its content
            self._listings[path] = self._list(path)
        return self._listings[path]

    def _check_folder(self, path: str) -> None:
        """OSError unless the listing of the folder above gave this one, and so on up to the root."""
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
        """Whether there is something of this name (relative path), of whatever kind."""
        parent, _, own = self.actual(name).rpartition("/")
        try:
            found = self.listing(parent)
        except OSError:
            return False
        return own in found.files or own in found.folders or own in found.others

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name (relative path) that may be read."""
        return self._is_listed(self.actual(name))

    def actual(self, name: str) -> str:
        """How the name of a file or folder (relative path) is written on disk.

        A name that is not there stands for the only one that differs from it in upper and lower case alone, as on
        Windows and macOS. What is not there in any case is returned as it is.
        """
        if name in self.renamed:
            return self.renamed[name]
        parent, _, own = name.rpartition("/")
        if not own or self._is_listed(name):
            return name
        try:
            found = self.listing(parent)
        except OSError:
            return name
        entries = (*found.files, *found.folders, *found.others)
        if own in entries or len(entries) > _MOST_IN_OTHER_CASE:
            return name
        written = [f"{self.actual(parent)}/{entry}".lstrip("/") for entry in entries if entry.lower() == own.lower()]
        if len(written) == 1:
            self.renamed[name] = written[0]
        elif written:
            self.ambiguous[name] = written
        return self.renamed.get(name, name)

    def _is_listed(self, name: str) -> bool:
        parent, _, own = name.rpartition("/")
        if parent not in self._files:
            try:
                self._files[parent] = set(self.listing(parent).files)
            except OSError:
                return False
        return own in self._files[parent]

    def read(self, name: str, limit: int = LARGEST_FILE) -> bytes:
        """The bytes of a file; DataError with the bare reason, such as `it is no file`, when it cannot be read."""
        asked, name = name, self.actual(name)
        if not self._is_listed(name):
            raise DataError("it is no file of this folder (links that lead out of it are not followed)")
        try:
            with (self.root / name).open("rb") as file:
                stamp = stamp_of(os.fstat(file.fileno()))
                if stamp.size > limit:
                    raise DataError(f"it has {stamp.size:,} bytes, more than the {limit:,} that are read")
                data = file.read(limit + 1)
        except OSError as error:
            raise DataError(error.strerror or type(error).__name__) from error
        self.stamps[name] = stamp
        self.digests[asked] = hashlib.sha256(data).hexdigest()
        return data

    def touch(self, name: str) -> None:
        """Note a file that is read by other means, so that a change of it is seen later."""
        self.watch(name)
        self.digests[name] = f"{self.stamps[name].size} bytes"

    def watch(self, name: str) -> None:
        """As touch, of a file that is no part of what tells one data set from another."""
        self.stamps[name] = stamp_of((self.root / name).stat())

    def _list(self, path: str) -> Listing:
        files: list[str] = []
        folders: list[str] = []
        others: list[str] = []
        with os.scandir(self.root / path) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue  # what the operating system keeps beside the files, such as .DS_Store
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
    """The stamp of a file or folder; a folder's own size says nothing."""
    is_folder = (status.st_mode & 0o170000) == 0o040000
    return Stamp(0 if is_folder else status.st_size, status.st_mtime_ns)


def _is_text(name: str) -> bool:
    """Whether the name can be encoded: Linux allows any bytes in a file name."""
    return name.isascii() or name.encode("utf-8", "replace").decode() == name
