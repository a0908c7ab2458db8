"""Write files and folders so that a reader, or a crash, never meets half of one; and lock them.

A lock lives exactly as long as the process that holds it: the kernel gives it back when the process ends, however it
ends. So a dead process is never taken for a living one, and there is nothing to clean up after a crash.
"""

import errno
import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new name beside a file to write to; the file is replaced in one step when the block ends well.

    A reader sees the old content or the new. After a failure the old content stays, and nothing else.

    Args:
        path: The file to replace. Any number of threads and processes may do so at once: the last one wins.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one step, also across a crash of the machine."""
    with replacing(path) as draft, draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step, in UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` to write to, renamed to `path` when the block ends well and deleted otherwise.

    Args:
        path: A name that is free, or an empty folder, by the end of the block. Its parent exists.

    Raises:
        OSError: The folder cannot be made or renamed.
    """
    draft = path.with_name(f".{path.name}.tmp")
    if draft.is_symlink():
        raise OSError(errno.ELOOP, f"{draft.name} beside it is a link, delete that")
    if draft.exists():  # left by a process that was killed
        shutil.rmtree(draft)
    draft.mkdir()
    try:
        yield draft
        draft.replace(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the system put a file, or the entries of a folder, on the disk before anything later."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def try_lock(path: Path) -> int | None:
    """Take a lock that nobody else has; returns None when somebody has it.

    Args:
        path: The lock's file, made when it is missing. A link is not followed.

    Returns:
        The descriptor that holds the lock while it is open. A child process that inherits it holds the lock as well.
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
    """Wait until nobody holds a lock alone, and hold it together with others; returns the descriptor that holds it."""
    handle = _open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
    except OSError:
        os.close(handle)
        raise
    return handle


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for a lock, and hold it inside the `with`."""
    handle = _open_lock(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def kept_free(path: Path) -> Iterator[bool]:
    """Tell whether nobody holds a lock alone; nobody can take it so inside the `with`. OSError without a file."""
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
    """Whether a living process holds a lock alone."""
    try:
        with kept_free(path) as free:
            return not free
    except (FileNotFoundError, NotADirectoryError):
        return False


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
