"""Follow the events of a run: each reading covers only what was added since the previous one."""

import threading
from pathlib import Path

from socal_core.errors import RunError
from socal_core.file_handles import handles_explained, os_reason
from socal_core.runs.events import read_events
from socal_core.runs.files.event_types import Event, event_in


class EventFollower:
    """The events of a growing file. It can be used by several threads; returned lists are never changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._file: tuple[int, int] | None = None
        self._read = 0

    def events(self) -> list[Event]:
        """Return all events in order, as `read_events` does; the same list object while nothing was added.

        Raises:
            RunError: The file cannot be read, an event is damaged, or a newer version of the app wrote it.
            TooManyFilesError: Too many files are open.
        """
        with self._lock:
            try:
                with handles_explained():
                    self._read_news()
            except FileNotFoundError:
                self._events, self._file, self._read = [], None, 0
            except OSError as error:
                run, reason = self._path.parent.name, os_reason(error)
                raise RunError(f"Run {run}: {self._path.name} cannot be read: {reason}.") from None
            return self._events

    def _read_news(self) -> None:
        found = self._path.stat()
        file = (found.st_dev, found.st_ino)
        if file != self._file or found.st_size < self._read:
            self._read_all()
            self._file = file
        elif found.st_size > self._read:
            self._read_on()

    def _read_all(self) -> None:
        # Events added between the two readings are read again by the next `_read_on`, which drops known events.
        read = self._path.read_bytes().rfind(b"\n") + 1
        self._events = read_events(self._path)
        self._read = read

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._read)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]  # an incomplete line is read later
        owner = f"Run {self._path.parent.name}"
        added = [event for line in whole.splitlines() if (event := event_in(line, owner)) is not None]
        if any(event["type"] == "started" for event in added):
            self._read_all()  # a resumed run: events beyond its checkpoint no longer count
            return
        self._read += len(whole)
        known = self._events[-len(added) :] if added else []
        added = [event for event in added if event not in known]
        if added:
            self._events = self._events + added
