"""Write files and folders in one step, so that neither a reader nor a crash leaves half of one; and lock them.

The kernel releases a lock when the process that holds it ends, in whichever way. So a dead process is never mistaken
for a living one, and there is nothing to clean up after a crash.
"""

import errno
import fcntl
import json
import math
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEEPEST = 100
"""How many lists and objects of a JSON file may contain each other."""
_TOO_DEEP = f"it is nested more than {DEEPEST} deep"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, which replaces the file in one step when the block succeeds.

    A reader sees either the old or the new content. After a failure, the old content and no temporary file remains.

    Args:
        path: The file to replace. Several threads and processes may replace it at once; the last one wins.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one step. The file stays intact even if the machine crashes."""
    with replacing(path) as draft, draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step, in UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step.

    Raises:
        ValueError: The value contains NaN or infinity, which JSON does not have.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def parse_json(text: str) -> Any:
    """Read a value from JSON.

    Raises:
        ValueError: The text is not JSON, is nested too deep, or contains NaN, infinity or a number as large.
    """
    try:
        value = json.loads(text, parse_int=_whole_number, parse_float=_number, parse_constant=_number)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level, depth = [value], 0
    while level:
        level = [part for item in level if isinstance(item, (dict, list)) for part in _parts(item)]
        depth += 1
        if depth > DEEPEST:  # whatever walks through it would exceed the limit of Python
            raise ValueError(_TOO_DEEP)
    return value


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: See `parse_json`; or the file is not in UTF-8.
        OSError: The file cannot be read.
    """
    return parse_json(path.read_text(encoding="utf-8"))


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a finite number")
    return value


def _whole_number(text: str) -> int:
    _number(text)  # a larger one could not be converted to a float later
    return int(text)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder to write to, which is renamed to `path` if the block succeeds and deleted if not.

    Args:
        path: The folder to create. Its parent must exist. At the end of the block, it must not exist or be empty.

    Raises:
        OSError: The folder cannot be created or renamed.
    """
    draft = path.with_name(f".{path.name}.tmp")
    if draft.is_symlink():
        raise OSError(errno.ELOOP, f"{draft.name} next to it is a link; delete it")
    if draft.exists():  # left by a process that was killed
        shutil.rmtree(draft)
    draft.mkdir()
    try:
        yield draft
        draft.replace(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def try_lock(path: Path) -> int | None:
    """Take an exclusive lock without waiting.

    Args:
        path: The file of the lock, created if it is missing. A link is not followed.

    Returns:
        The descriptor that holds the lock while it is open, or None if the lock is taken. A child process that inherits
        the descriptor holds the lock as well.
    """
    handle = _open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return handle


def share_lock(path: Path) -> int:
    """Take a shared lock, and wait while another process holds it exclusively.

    Args:
        path: The file of the lock, created if it is missing. A link is not followed.

    Returns:
        The descriptor that holds the lock while it is open.
    """
    handle = _open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
    except OSError:
        os.close(handle)
        raise
    return handle


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for an exclusive lock, and hold it inside the `with` block."""
    handle = _open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def kept_free(path: Path) -> Iterator[bool]:
    """Yield whether no process holds a lock exclusively. If so, none can take it inside the `with` block.

    Raises:
        OSError: The file of the lock does not exist or cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        yield free
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Return whether a living process holds a lock exclusively."""
    try:
        with kept_free(path) as free:
            return not free
    except (FileNotFoundError, NotADirectoryError):
        return False


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
