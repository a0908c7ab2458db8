"""Sees what a reader does to the disk: by Python's own audit events, and by the kernel for code that is not Python."""

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_ACCESS, _IN_OPEN, _EVENT = 0x1, 0x20, struct.Struct("iIII")
_LISTED = frozenset({"open", "os.listdir", "os.scandir", "glob.glob"})
_NEVER = frozenset(
    (
        "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
        "os.chown", "os.utime", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen",
        "socket.connect", "socket.getaddrinfo", "shutil.rmtree", "shutil.copyfile", "shutil.move",
        "tempfile.mkstemp", "tempfile.mkdtemp",
    )
)  # fmt: skip
_PRIVATE = ("/etc/", "/proc/", f"{Path.home()}/.ssh/")


class Watch:
    """While `looking`, notes what is opened inside one folder and all that has no business to happen."""

    def __init__(self, outside: Path) -> None:
        """`outside` is the folder above the data folders; the files directly in it are canaries."""
        self._outside = os.path.realpath(outside) + os.sep
        self._inside = ""
        self._on = False
        self.opened: set[str] = set()
        """Relative paths in the data folder."""
        self.misdeeds: list[str] = []
        self._kernel = _Canaries([path for path in outside.iterdir() if path.is_file()])
        sys.addaudithook(self._hear)

    @contextmanager
    def looking(self, folder: Path) -> Iterator[None]:
        """Reading of a data folder goes on; `opened` and `misdeeds` begin anew."""
        self._inside = os.path.realpath(folder) + os.sep
        self.opened, self.misdeeds = set(), []
        self._kernel.touched()
        self._on = True
        try:
            yield
        finally:
            self._on = False
            if self._kernel.touched():
                self.misdeeds.append("a canary was opened")

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._on:
            return
        if event in _NEVER:
            self.misdeeds.append(f"{event} {arguments!r:.200}")
        elif event in _LISTED and isinstance(arguments[0], str | bytes | os.PathLike):
            self._on = False  # what is asked here is no deed of the reader
            self._note(event, os.fsdecode(arguments[0]), arguments)
            self._on = True

    def _note(self, event: str, path: str, arguments: tuple[object, ...]) -> None:
        real = os.path.realpath(path)
        if (real + os.sep).startswith(self._inside):
            self.opened.add(real[len(self._inside) :])
            if event == "open" and arguments[1] not in ("r", "rb", None):
                self.misdeeds.append(f"opened to write: {real}")
        elif real.startswith((self._outside, *_PRIVATE)):
            self.misdeeds.append(f"{event} outside the folder: {real}")


class _Canaries:
    """Files that nobody may open, watched by the kernel (inotify)."""

    def __init__(self, paths: list[Path]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = libc.inotify_init1(os.O_NONBLOCK)
        assert self._file >= 0
        for path in paths:
            assert libc.inotify_add_watch(self._file, os.fsencode(path), _IN_ACCESS | _IN_OPEN) >= 0

    def touched(self) -> int:
        """How many times since the last call."""
        try:
            return len(os.read(self._file, 1 << 16)) // _EVENT.size
        except BlockingIOError:
            return 0


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Kind, size and time of change of everything in a folder, by relative path."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in ("", *folders, *files):
            path = f"{parent}/{name}"
            status = os.lstat(path)
            found[path] = status.st_mode, status.st_size, status.st_mtime_ns
    return found
