"""A process that works for the pages: started by one tab, watched by all, also by those of another server.

It shares files of the workspace with them, all named after it: a lock, which lives exactly as long as the process, what
it is asked and what it tells, as JSON, and its log.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from socal_core.lifecycle.background import start_module
from socal_core.lifecycle.lock import take_lock
from socal_core.storage import is_locked, write_json
from socal_core.workspace import workspace


class Background:
    """One kind of work, of which a workspace does one at a time."""

    def __init__(self, name: str) -> None:
        self.name = name

    def file(self, name: str) -> Path:
        """A file that the process and the pages share."""
        return workspace().resolve() / f"{self.name}.{name}"

    @property
    def at_work(self) -> bool:
        """Whether the process lives."""
        return is_locked(self.file("lock"))

    @property
    def stopping(self) -> bool:
        """Whether the process was asked to stop."""
        return self.file("stop").exists()

    def request_stop(self) -> None:
        """Ask the process to stop, where it is one that looks for the file `stop`."""
        self.file("stop").touch()

    def read(self, name: str = "progress") -> dict[str, Any] | None:
        """One of its JSON files; empty when it is damaged, None when it is not there."""
        try:
            return dict(json.loads(self.file(f"{name}.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except ValueError:
            return {}

    def start(
        self,
        arguments: list[str],
        files: Mapping[str, dict[str, Any]],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Write its JSON files, by name, and start `python -m arguments…`.

        RunError when another tab was quicker; OSError when it cannot be started.
        """
        lock = take_lock(self.file("lock"), self.name)
        try:
            self.file("stop").unlink(missing_ok=True)  # meant for an earlier process
            for name, values in files.items():
                write_json(self.file(f"{name}.json"), values)
            start_module(arguments, self.file("log"), lock, environment)
        finally:
            # The process has its own copy: the lock lives exactly as long as it does.
            os.close(lock)
