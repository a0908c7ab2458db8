"""Work for the pages in a process of its own: started by one tab, watched by all, also by those of another server.

A job has a folder in the workspace, which the process (harness.py) and the pages share: a lock, which lives exactly as
long as the process, the request, how far the work is, how it ended, and the log.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from socal_core.errors import RunError, SocalError
from socal_core.lifecycle.background import start_module
from socal_core.lifecycle.lock import take_lock
from socal_core.runs.log_tail import LINES, tail_of
from socal_core.storage import is_locked, write_json
from socal_core.workspace import workspace

LOCK, LOG, STOP = "lock", "log", "stop"
REQUEST, PROGRESS, END = "request.json", "progress.json", "end.json"


class JobState(StrEnum):
    """What is to be said of a job as a whole."""

    IDLE = "idle"
    """Nobody has started it yet."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """Ended because somebody asked for it."""
    FAILED = "failed"
    """Ended with an error in words for the user."""
    DIED = "died"
    """The process ended without a word: it was killed, or it met an error that nobody foresaw."""


@dataclass(frozen=True)
class JobStatus:
    """A job at one moment."""

    state: JobState
    done: int = 0
    total: int = 0
    """0 while it is not known."""
    what: str = ""
    """What the job is doing, in words, where it says so."""
    stopping: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)
    """What a job that is done has to tell."""
    error: str = ""
    """Why a job failed or died, for the user."""

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.state is JobState.RUNNING

    @property
    def fraction(self) -> float:
        """The part of the work that is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class Job:
    """One kind of work, of which a workspace does one at a time.

    Args:
        name: The name of its folder.
        module: What the process runs; it ends with a call of `harness.main`.
        title: What it does, as the beginning of a sentence that says how it ended.
    """

    def __init__(self, name: str, module: str, title: str) -> None:
        self.name = name
        self._module = module
        self._title = title

    @property
    def folder(self) -> Path:
        """The folder that the process and the pages share."""
        return workspace().resolve() / "jobs" / self.name

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return is_locked(self.folder / LOCK)

    @property
    def ended_unexpectedly(self) -> str:
        """What is to be said of a process that died."""
        return f"{self._title} ended unexpectedly."

    def status(self) -> JobStatus:
        """Return how far the job is or how it ended."""
        if self.running:
            told = _read(self.folder / PROGRESS) or {}
            stopping = (self.folder / STOP).exists()
            return JobStatus(
                JobState.RUNNING, told.get("done", 0), told.get("total", 0), told.get("what", ""), stopping
            )
        # After the lock: whoever gives it back has written the end before.
        end = _read(self.folder / END)
        if end is None and not (self.folder / REQUEST).exists():
            return JobStatus(JobState.IDLE)
        if not end:
            return JobStatus(JobState.DIED, error=self.ended_unexpectedly)
        return JobStatus(JobState(end["state"]), result=end["result"], error=end["error"])

    def request(self) -> dict[str, Any] | None:
        """Return what the job was last asked for; None when nobody has asked."""
        return _read(self.folder / REQUEST)

    def start(self, request: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> bool:
        """Start the process.

        Args:
            request: What the process has to know, JSON-ready.
            environment: Variables that it has beside those of this process.

        Returns:
            Whether it was started; False when the job runs already, such as for another tab.

        Raises:
            SocalError: It cannot be started.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = take_lock(self.folder / LOCK, self.name)
        except RunError:
            return False
        except OSError as error:
            raise self._cannot_start(error) from None
        try:
            for name in (STOP, END, PROGRESS):  # of an earlier process
                (self.folder / name).unlink(missing_ok=True)
            write_json(self.folder / REQUEST, request)
            start_module([self._module, str(self.folder)], self.folder / LOG, lock, environment)
        except OSError as error:
            raise self._cannot_start(error) from None
        finally:
            # The process has its own copy: the lock lives exactly as long as it does.
            os.close(lock)
        return True

    def stop(self) -> None:
        """Ask the process to stop; it does so when it next reports how far it is."""
        (self.folder / STOP).touch()

    def forget(self) -> None:
        """Forget how the job ended, unless it runs."""
        if not self.running:
            for name in (REQUEST, END):
                (self.folder / name).unlink(missing_ok=True)

    def log_tail(self, lines: int = LINES) -> list[str]:
        """Return the last lines that the processes printed, without the server's paths."""
        return tail_of(self.folder / LOG, {self.folder: self.name}, lines)

    def _cannot_start(self, error: OSError) -> SocalError:
        return SocalError(f"{self._title} cannot be started: {error.strerror}.")


def _read(file: Path) -> dict[str, Any] | None:
    """The content of a JSON file; empty when it is damaged, None when it is not there."""
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
