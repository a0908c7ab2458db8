"""The log of the server: one JSON object per line, in files that are rotated, beside what the console shows."""

import errno
import fcntl
import json
import logging
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from socal_core import __version__
from socal_core.errors import SocalError
from socal_core.maintenance.locks import lock_problem
from socal_core.workspace import workspace

logger = logging.getLogger(__name__)

FOLDER, FILE = "logs", "server.jsonl"
FILE_BYTES, FILES = 10_000_000, 5
_OURS = ("socal_core", "pages")
_LEFT_OUT = {"uvicorn.access"}
"""Its lines hold the addresses that visitors ask for, with the tokens in them."""


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time (UTC), level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields)  # in ASCII: no character in a message can end the line


class LogFile(RotatingFileHandler):
    """The file of the log, which only its owner may read. What cannot be written is dropped: the server goes on.

    Several servers may write to the same file: each line is one write to its end, one of them rotates the files while
    it holds a lock on their folder, and the others then go on in the new file.
    """

    stream: TextIO | None  # type: ignore[assignment]

    def __init__(self, path: Path, largest: int = FILE_BYTES, files: int = FILES) -> None:
        """Open the file.

        Args:
            path: The file. Older ones get a number: `server.jsonl.1` is the newest of them.
            largest: Bytes from which a new file is begun.
            files: The number of files that are kept.

        Raises:
            OSError: It cannot be opened.
        """
        self._failed = False
        super().__init__(path, maxBytes=largest, backupCount=files - 1, encoding="utf-8")
        self.setFormatter(JsonLines())
        self.setLevel(logging.INFO)

    def _open(self) -> TextIO:  # type: ignore[override]
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        os.fchmod(handle, 0o600)
        return os.fdopen(handle, "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, in a new file if it is time for one."""
        try:
            line = (self.format(record) + self.terminator).encode()
            handle = self._follow()
            if _size(handle) + len(line) > self.maxBytes:
                handle = self._rotate(len(line))
            _write_line(handle, line)
        except Exception:  # noqa: BLE001 - as all handlers of logging do
            self.handleError(record)

    def _follow(self) -> int:
        """Return the handle of the file, opened anew if it was rotated by another server, deleted, or not opened."""
        if self.stream is None:  # the last rotation failed halfway
            self.stream = self._open()
        try:
            same = os.path.samestat(Path(self.baseFilename).stat(), os.fstat(self.stream.fileno()))
        except FileNotFoundError:
            same = False
        if not same:
            opened = self._open()  # before the old one is closed: where it fails, there is still a file to write to
            self.stream.close()
            self.stream = opened
        return self.stream.fileno()

    def _rotate(self, more: int) -> int:
        """Begin a new file, unless another server has begun one meanwhile, and return the handle to write to.

        While another server rotates, the file grows on.
        """
        folder = os.open(Path(self.baseFilename).parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if _lock(folder) and _size(self._follow()) + more > self.maxBytes:
                self.doRollover()
        finally:
            os.close(folder)
        return self._follow()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - a method of logging
        """Say once on the console that the log cannot be written, as on a full disk."""
        if not self._failed:
            self._failed = True
            sys.stderr.write(f"The log of the server cannot be written: {sys.exc_info()[1]}\n")


def _size(handle: int) -> int:
    return os.fstat(handle).st_size


def _lock(folder: int) -> bool:
    """Try to lock a folder; return whether no other process has the lock."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks for folders, such as NFS
    return True


def _write_line(handle: int, line: bytes) -> None:
    """Write a line at once, so that none of another process comes into it; a full disk may cut it."""
    if os.write(handle, line) < len(line):
        with suppress(OSError):
            os.write(handle, b"\n")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def start_server_log() -> None:
    """Write the log of this process into the workspace, and begin it with what the admin should know.

    Without a workspace or a file to write to, the console alone has the log.
    """
    try:
        folder = workspace()
        (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
        attach(LogFile(folder / FOLDER / FILE))
    except (SocalError, OSError) as error:
        logger.warning("There is no log in the workspace: %s", error)
        return
    logger.info("The server of version %s has started", __version__)
    if problem := lock_problem(folder):
        logger.warning("%s", problem)


def attach(file: logging.Handler) -> None:
    """Send to a file what the project, Streamlit and the server log; the console shows what it showed before.

    Args:
        file: The handler that writes it.
    """
    root = logging.getLogger()
    if not root.handlers:
        console = logging.StreamHandler()  # as Python does while there is no handler at all
        console.setLevel(logging.WARNING)
        root.addHandler(console)
    root.addHandler(file)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    # Streamlit's loggers pass nothing on.
    for name, found in logging.root.manager.loggerDict.items():
        if isinstance(found, logging.Logger) and not found.propagate and name not in _LEFT_OUT:
            found.addHandler(file)
