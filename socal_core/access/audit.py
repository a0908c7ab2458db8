"""The audit log: who did what, when, and how it ended. Lines are appended to `audit.jsonl` in the workspace.

The log is never shortened: a full file gets the next number, such as `audit.1.jsonl`, and stays.
"""

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from socal_core.access.permissions import Action, Owned, check_may
from socal_core.access.users import User, local_user
from socal_core.errors import AccessError, SocalError
from socal_core.file_handles import handles_explained
from socal_core.storage import locked
from socal_core.workspace import workspace

logger = logging.getLogger(__name__)

AUDIT_FILE = "audit.jsonl"
LARGEST = 10_000_000
"""Bytes from which a new file is begun."""
LONGEST = 500
"""Characters of a text in the log. Longer texts, which a user may have typed, are cut."""
DONE, REFUSED, FAILED = "done", "refused", "failed"
_NUMBERED = re.compile(r"audit\.(\d+)\.jsonl")


@dataclass(frozen=True)
class Entry:
    """A line of the log."""

    time: str
    """UTC, as in 2026-03-01T12:00:00+00:00."""
    user: str
    """"" for a user without a role."""
    action: str
    what: str
    """What it was done to, such as the name of a run."""
    result: str
    """DONE, REFUSED or FAILED."""
    reason: str = ""
    """Why it was refused or failed."""


def record(user: str, action: str, what: str, result: str = DONE, reason: str = "") -> None:
    """Append a line to the log.

    What cannot be recorded is written to the log of the process instead: a full disk must not keep an admin from
    deleting what fills it.
    """
    time = datetime.now(UTC).isoformat(timespec="seconds")
    entry = Entry(time, *(text[:LONGEST] for text in (user, str(action), what, result, reason)))
    # In ASCII and on one line, whatever the texts contain.
    line = json.dumps(asdict(entry)).encode("ascii") + b"\n"
    try:
        with locked(workspace() / ".audit.lock"):
            _append(workspace() / AUDIT_FILE, line)
    except (OSError, SocalError):
        logger.exception("The audit log cannot be written: %s", line.decode("ascii").strip())


def record_here(action: Action, what: str) -> None:
    """Append a line about what the account that runs this process has done on the command line."""
    record(local_user().name, action, what)


@dataclass
class Deed:
    """What a user is about to do."""

    user: User
    what: str
    """What it is done to, for the log; it may become known while it is done, such as the name of a new run."""


@contextmanager
def acting(user: User | None, action: Action, target: Owned | None = None, what: str = "") -> Iterator[Deed]:
    """Check that a user may carry out an action, which the `with` block does, and record how it ended.

    Args:
        user: The user, None if there is none.
        action: The action.
        target: What it is done to, if that can have an owner.
        what: Its name, for the log.

    Yields:
        The user, and what the log will name.

    Raises:
        AccessError: The user may not do that.
    """
    name = "" if user is None else user.name
    try:
        deed = Deed(check_may(user, action, target), what)
    except AccessError as error:
        record(name, action, what, REFUSED, str(error))
        raise
    try:
        yield deed
    except (SocalError, OSError) as error:
        record(name, action, deed.what, FAILED, str(error))
        raise
    record(name, action, deed.what)


def read_audit() -> tuple[list[Entry], int]:
    """Return the lines of the log, the oldest first, and the number of lines that cannot be read.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    entries, unreadable = [], 0
    for file in _files():
        with handles_explained():
            lines = file.read_bytes().splitlines()
        for line in lines:
            entry = _entry(line)
            if entry is not None:
                entries.append(entry)
            else:
                unreadable += 1
    return entries, unreadable


def _entry(line: bytes) -> Entry | None:
    try:
        found = Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
    texts = asdict(found)
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    # Half of a surrogate pair, as from the name of a file that is no UTF-8, can be shown nowhere.
    return Entry(**{name: text.encode("utf-8", "replace").decode("utf-8") for name, text in texts.items()})


@handles_explained()
def _append(file: Path, line: bytes) -> None:
    if file.exists() and file.stat().st_size + len(line) > LARGEST:
        file.rename(file.with_name(f"audit.{max(_numbers(), default=0) + 1}.jsonl"))
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        end = os.fstat(handle).st_size
        if end and os.pread(handle, 1, end - 1) != b"\n":  # a line that a crash cut off
            line = b"\n" + line
        os.write(handle, line)
        os.fsync(handle)
    finally:
        os.close(handle)


def _files() -> list[Path]:
    """Return the files of the log, the oldest first."""
    root = workspace()
    numbered = [root / f"audit.{number}.jsonl" for number in sorted(_numbers())]
    return [file for file in (*numbered, root / AUDIT_FILE) if file.is_file()]


def _numbers() -> list[int]:
    found = (_NUMBERED.fullmatch(path.name) for path in workspace().glob("audit.*.jsonl"))
    return [int(match[1]) for match in found if match]
