"""The log of the server: one JSON object per line, in files that are rotated, beside what the console shows."""

import json
import logging
import os
import sys
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
    """The file of the log, which only its owner may read. What cannot be written is dropped: the server goes on."""

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

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - a method of logging
        """Say once on the console that the log cannot be written, as on a full disk."""
        if not self._failed:
            self._failed = True
            sys.stderr.write(f"The log of the server cannot be written: {sys.exc_info()[1]}\n")


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
