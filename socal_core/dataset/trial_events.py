"""Events and notes that the user adds to trials, kept in the workspace for each data folder.

The data folder itself is never written to. Each change reads the file again under a lock, so that two tabs that add
events at the same time lose none.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.json_files import read_json
from socal_core.storage import locked, write_json
from socal_core.workspace import workspace

FORMAT = 1
"""Version of the file of events."""
LONGEST_EVENT, LONGEST_TAG, LONGEST_NOTE = 300, 300, 2000
"""Limits in characters."""
MOST_TAGS = 20
MOST_EVENTS = 100_000
"""Of one data folder."""
FIRST_MUSCLE, BLEEDING_STOPS, OUT_OF_VIEW, NOTE = "First muscle", "Bleeding stops", "Out of view", "Note"
SEGMENTS = (OUT_OF_VIEW,)
"""Events that have an end; marking one that is open ends it."""
_ID = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class TrialEvent:
    """Something that happens in a trial, at a moment or over some time.

    Raises:
        DataError: A field is wrong. The message names it.
    """

    trial_id: str
    second: float
    """Seconds from the first frame of the trial."""
    event: str
    """What happens, such as FIRST_MUSCLE; free text."""
    end_second: float | None = None
    """The end of a segment; None for a moment, or while a segment is open."""
    note: str = ""
    tags: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        if not isfinite(self.second) or self.second < 0:
            raise DataError(f"second must be a number of seconds from 0 on, got {self.second:g}.")
        end = self.end_second
        if end is not None and not (isfinite(end) and end >= self.second):
            raise DataError(f"end_second must not lie before second ({self.second:g}), got {end:g}.")
        if not 0 < len(self.event) <= LONGEST_EVENT:
            raise DataError(f"event must have 1 to {LONGEST_EVENT} characters, got {len(self.event)}.")
        if len(self.note) > LONGEST_NOTE:
            raise DataError(f"note can have at most {LONGEST_NOTE} characters, got {len(self.note)}.")
        if len(self.tags) > MOST_TAGS or not all(0 < len(tag) <= LONGEST_TAG for tag in self.tags):
            raise DataError(f"tags can be at most {MOST_TAGS}, of 1 to {LONGEST_TAG} characters each.")
        if not _ID.fullmatch(self.id):
            raise DataError("id must consist of hexadecimal digits.")

    @property
    def is_open(self) -> bool:
        """Whether it is a segment without an end yet."""
        return self.event in SEGMENTS and self.end_second is None

    def is_like(self, other: "TrialEvent") -> bool:
        """Return whether both say the same, whatever their ids."""
        return replace(self, id=other.id) == other


def typed_event(trial_id: str, second: float, text: str, tags: str = "", note: str = "", id: str = "") -> TrialEvent:
    """Create an event from what the user typed.

    Args:
        trial_id: The trial.
        second: Seconds from its first frame.
        text: What happens; NOTE if it is empty but there is a note.
        tags: The tags, separated by commas; duplicates are dropped.
        note: The note.
        id: The id; "" for a new one.

    Raises:
        DataError: A field is wrong.
    """
    found = dict.fromkeys(tag for tag in map(_one_line, tags.split(",")) if tag)
    event = _one_line(text) or (NOTE if note.strip() else "")
    return TrialEvent(trial_id, second, event, None, _writable(note).strip(), tuple(found), id or uuid.uuid4().hex)


def read_events(root: Path) -> list[TrialEvent]:
    """Return the events of a data folder, by trial and time.

    Args:
        root: The data folder.

    Raises:
        DataError: The file of events is damaged, or a newer version of the app wrote it.
    """
    return sorted(_read(_file(root)), key=lambda event: (event.trial_id, event.second, event.event))


def add_events(root: Path, events: Sequence[TrialEvent]) -> int:
    """Add events; those that are there already, by id or with the same content, are not added again.

    Returns:
        How many were added.

    Raises:
        DataError: The file cannot be read or written, or holds too many events.
    """
    added = 0

    def add(known: list[TrialEvent]) -> list[TrialEvent]:
        nonlocal added
        ids = {event.id for event in known}
        contents = {replace(event, id="0" * 8) for event in known}
        new = []
        for event in events:
            content = replace(event, id="0" * 8)
            if event.id not in ids and content not in contents:
                new.append(event)
                ids.add(event.id)
                contents.add(content)
        added = len(new)
        if len(known) + added > MOST_EVENTS:
            raise DataError(f"A data folder can have at most {MOST_EVENTS:,} events. Delete some first.")
        return [*known, *new]

    _change(root, add)
    return added


def mark(root: Path, event: TrialEvent) -> None:
    """Add an event, or end the open segment of this kind in the trial if it began no later.

    Raises:
        DataError: The file cannot be read or written.
    """

    def end_or_add(known: list[TrialEvent]) -> list[TrialEvent]:
        if any(other.id == event.id or (other.is_like(event) and not event.is_open) for other in known):
            return known
        begun = [
            other
            for other in known
            if other.is_open
            and (other.trial_id, other.event) == (event.trial_id, event.event)
            and other.second <= event.second
        ]
        if not begun:
            return [*known, event]
        last = max(begun, key=lambda other: other.second)
        return [replace(other, end_second=event.second) if other == last else other for other in known]

    _change(root, end_or_add)


def delete_events(root: Path, ids: Iterable[str]) -> int:
    """Delete events, if they exist.

    Returns:
        How many there were.

    Raises:
        DataError: The file cannot be read or written.
    """
    gone, before = set(ids), 0

    def delete(known: list[TrialEvent]) -> list[TrialEvent]:
        nonlocal before
        before = sum(event.id in gone for event in known)
        return [event for event in known if event.id not in gone]

    _change(root, delete)
    return before


def _one_line(text: str) -> str:
    return " ".join(_writable(text).split())


def _writable(text: str) -> str:
    """Replace halves of characters, which a browser can send and no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _change(root: Path, change: Callable[[list[TrialEvent]], list[TrialEvent]]) -> None:
    file = _file(root)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with locked(file.with_suffix(".lock")):
            events = change(_read(file))
            values = [asdict(event) for event in events]
            write_json(file, {"format": FORMAT, "data": os.path.realpath(root), "events": values})
    except OSError as error:
        raise DataError(
            f"The events cannot be saved: {os_reason(error)}. Check that the app may write to its own folder."
        ) from None


def _read(file: Path) -> list[TrialEvent]:
    try:
        content = read_json(file)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"The events cannot be read: {os_reason(error)}.") from None
    except ValueError:
        raise _damaged(file, "it is damaged") from None
    events = content.get("events") if isinstance(content, dict) else None
    if not isinstance(events, list):
        raise _damaged(file, "it has no events")
    if content.get("format") != FORMAT:
        raise DataError(
            f"events/{file.name} has format {content.get('format')!r}, this version reads {FORMAT}. Update the app."
        )
    return [_event(file, number, values) for number, values in enumerate(events, start=1)]


def _event(file: Path, number: int, values: Any) -> TrialEvent:
    try:
        end = values["end_second"]
        return TrialEvent(
            str(values["trial_id"]),
            float(values["second"]),
            str(values["event"]),
            None if end is None else float(end),
            str(values["note"]),
            tuple(map(str, values["tags"])),
            str(values["id"]),
        )
    except (TypeError, KeyError, ValueError) as error:
        raise _damaged(file, f"event {number} has a missing or wrong field ({error})") from None
    except DataError as error:
        raise _damaged(file, f"event {number}: {error}") from None


def _damaged(file: Path, problem: str) -> DataError:
    return DataError(
        f"The events cannot be read: {problem}. Correct events/{file.name} in the app's own folder, or move it away "
        "and import your last export."
    )


def _file(root: Path) -> Path:
    digest = hashlib.sha256(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()
    return workspace() / "events" / f"{digest[:16]}.json"
