"""Append events to events.jsonl, also in processes that load no heavy library."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from socal_core.file_handles import handles_explained

if TYPE_CHECKING:
    from socal_core.runs.files.event_types import Event


class EventLog:
    """Appends events to a file."""

    def __init__(self, path: Path, echo: "Callable[[Event], None] | None" = None) -> None:
        """Open the log; if a crash left an incomplete last line, end that line.

        Args:
            path: The file.
            echo: Is called with each event after it is written.
        """
        self._path = path
        self._echo = echo
        if path.is_file() and (content := path.read_bytes()) and not content.endswith(b"\n"):
            self._write(b"\n")

    def append(self, type_: str, **values: Any) -> None:
        """Write an event in one system call, so that readers see only complete lines, also after a crash.

        Args:
            type_: The type of the event.
            **values: Its fields (files/event_types.py).

        Raises:
            OSError: The file cannot be written.
            TooManyFilesError: Too many files are open.
        """
        event = cast("Event", {"type": type_, "time": round(time.time(), 3), **values})
        self._write(json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        if self._echo is not None:
            self._echo(event)

    @handles_explained()
    def _write(self, line: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
