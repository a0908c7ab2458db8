"""Run work for the pages in a separate process. One tab starts it; all tabs, also of other servers, can follow it.

The process (harness.py) and the pages share a folder in the workspace. It holds a lock, which exists exactly as long as
the process, the request, the progress, how the job ended, and the log.
"""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from socal_core.errors import RunError, SocalError
from socal_core.file_handles import os_reason
from socal_core.json_files import read_json
from socal_core.lifecycle.background import start_module
from socal_core.lifecycle.lock import take_lock
from socal_core.runs.log_tail import LINES, tail_of
from socal_core.storage import is_locked, write_json
from socal_core.workspace import tidy_workspace, workspace

LOCK, LOG, STOP = "lock", "log", "stop"
REQUEST, PROGRESS, END = "request.json", "progress.json", "end.json"
ID, OWNER = "id.json", "owner.json"


class JobState(StrEnum):
    """The state of a job."""

    IDLE = "idle"
    """Not started yet."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """Stopped by a user."""
    FAILED = "failed"
    """Ended with an error that has a message for the user."""
    DIED = "died"
    """The process was killed, or ended with an unexpected error."""


_ENDS = {JobState.DONE.value, JobState.STOPPED.value, JobState.FAILED.value}
"""The states that a process writes when it ends."""


@dataclass(frozen=True)
class JobStatus:
    """The progress of a job, or how it ended."""

    state: JobState
    done: int = 0
    total: int = 0
    """0 while the total is unknown."""
    what: str = ""
    """What the job is doing, in words, if it reports that."""
    id: str = ""
    """What tells this process of the job from earlier and later ones."""
    stopping: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)
    """The result of a job that is done."""
    error: str = ""
    """Why the job failed or died, for the user."""

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self.state is JobState.RUNNING

    @property
    def fraction(self) -> float:
        """The fraction of the work that is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class Job:
    """One kind of work. A workspace runs at most one process of each kind.

    Args:
        name: The name of the job's folder.
        module: The module that the process runs; it ends with a call of `harness.main`.
        title: The work, as the subject of a sentence such as "... ended unexpectedly".
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
        """Whether the process is running."""
        return is_locked(self.folder / LOCK)

    @property
    def ended_unexpectedly(self) -> str:
        """The message for a process that died."""
        return f"{self._title} ended unexpectedly."

    def status(self) -> JobStatus:
        """Return the progress of the job, or how it ended."""
        if self.running:
            progress = _read(self.folder / PROGRESS) or {}
            done, total = (_count(progress.get(name)) for name in ("done", "total"))
            what, stopping = _text(progress.get("what")), (self.folder / STOP).exists()
            return JobStatus(JobState.RUNNING, done, total, what, self._id(), stopping)
        # Read this after the lock: a process writes how it ended before it releases the lock.
        end = _read(self.folder / END)
        if end is None and not (self.folder / REQUEST).exists():
            return JobStatus(JobState.IDLE)
        if not end or str(end.get("state")) not in _ENDS or not isinstance(end.get("result"), dict):
            return JobStatus(JobState.DIED, error=self.ended_unexpectedly)
        return JobStatus(
            JobState(end["state"]), result=_Result(end["result"], self._title), error=_text(end.get("error"))
        )

    def request(self) -> dict[str, Any] | None:
        """Return the last request, or None if there was none."""
        return _read(self.folder / REQUEST)

    def result_of(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the result if this request is the last one and is done, else None."""
        status = self.status()
        return status.result if status.state is JobState.DONE and self.request() == request else None

    def read_owner(self) -> str | None:
        """Return the name of the user who started the job; None if that is not known."""
        name = (_read(self.folder / OWNER) or {}).get("name")
        return name if isinstance(name, str) else None

    def start(
        self, request: Mapping[str, Any], environment: Mapping[str, str] | None = None, owner: str | None = None
    ) -> bool:
        """Start the process.

        Args:
            request: What the process is to do, as values for JSON.
            environment: Variables to add to those of this process.
            owner: The name of the user who starts it.

        Returns:
            True if the process was started, False if the job is already running.

        Raises:
            SocalError: The process cannot be started.
        """
        tidy_workspace()  # an earlier process may have been killed
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
            write_json(self.folder / ID, {"id": uuid.uuid4().hex})
            write_json(self.folder / OWNER, {"name": owner})
            write_json(self.folder / REQUEST, request)
            start_module([self._module, str(self.folder)], self.folder / LOG, lock, environment)
        except OSError as error:
            raise self._cannot_start(error) from None
        finally:
            # The process has its own copy of the descriptor, so the lock lasts as long as the process.
            os.close(lock)
        return True

    def stop(self, id: str = "") -> None:
        """Ask the process to stop. It stops when it next reports its progress.

        Args:
            id: That of the process (JobStatus.id); "" for any.

        Raises:
            RunError: Another process of the job runs now, or none.
        """
        if id and (not self.running or self._id() != id):
            raise RunError(f"{self._title} is over, or another one has been started. Nothing was stopped.")
        (self.folder / STOP).touch()

    def forget(self) -> None:
        """Delete the request and how the job ended, unless the job is running."""
        if not self.running:
            for name in (REQUEST, END):
                (self.folder / name).unlink(missing_ok=True)

    def log_tail(self, lines: int = LINES) -> list[str]:
        """Return the last lines of the log, without paths of the server."""
        return tail_of(self.folder / LOG, {self.folder: self.name}, lines)

    def _id(self) -> str:
        return _text((_read(self.folder / ID) or {}).get("id"))

    def _cannot_start(self, error: OSError) -> SocalError:
        return SocalError(f"{self._title} cannot be started: {os_reason(error)}.")


class _Result(dict[str, Any]):
    """The result of a job, which an earlier version or a damaged file may lack parts of."""

    def __init__(self, values: Mapping[str, Any], title: str) -> None:
        super().__init__(values)
        self._title = title

    def __missing__(self, key: str) -> Any:
        raise RunError(f"{self._title}: its {END} has no {key}. Start it again.")


def _read(file: Path) -> dict[str, Any] | None:
    """Read a JSON file; empty if it is damaged, None if it does not exist."""
    try:
        values = read_json(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _count(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
