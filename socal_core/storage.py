"""Write files and folders in one step, so that neither a reader nor a crash leaves half of one; and lock them.

The kernel releases a lock when the process that holds it ends, in whichever way. So a dead process is never mistaken
for a living one, and there is nothing to clean up after a crash.
"""

import errno
import fcntl
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from socal_core.drafts import DRAFT, hold, lock_draft, new_draft, remove_leftovers
from socal_core.file_handles import handles_explained, open_handle


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, which replaces the file in one step when the block succeeds.

    A reader sees either the old or the new content. After a failure, the old content and no temporary file remains. The
    temporary file exists, is empty, and is locked, so that `remove_leftovers` can tell whether it is still in use.

    Args:
        path: The file to replace. Several threads and processes may replace it at once; the last one wins.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}{DRAFT}")
    handle = open_handle(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        lock_draft(handle)
        with handles_explained():
            yield draft
        draft.replace(path)
    finally:
        os.close(handle)
        draft.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, private: bool = False) -> None:
    """Replace a file in one step. The file stays intact even if the machine crashes.

    Args:
        path: The file.
        content: Its new content.
        private: Whether only its owner may read it; else as the umask of the process says.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    with replacing(path) as draft, draft.open("wb") as file:
        if private:
            os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step, in UTF-8.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any, private: bool = False) -> None:
    """Replace a JSON file in one step.

    Args:
        path: The file.
        value: Its new content.
        private: Whether only its owner may read it; else as the umask of the process says.

    Raises:
        ValueError: The value contains NaN or infinity, which JSON does not have.
        TooManyFilesError: Too many files are open.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode("utf-8"), private)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder to write to, which is renamed to `path` if the block succeeds and deleted if not.

    Several processes may create the same folder at once: the first one to end the block succeeds.

    Args:
        path: The folder to create. Its parent must exist. At the end of the block, it must not exist or be empty.

    Raises:
        OSError: The folder cannot be created or renamed.
        TooManyFilesError: Too many files are open.
    """
    draft, handle = new_draft(path)
    try:
        with handles_explained():
            yield draft
        draft.replace(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    finally:
        os.close(handle)


@contextmanager
def temporary_folder(beginning: str) -> Iterator[Path]:
    """Yield a temporary folder of the system, which is deleted at the end of the block.

    Those that killed processes left are deleted first.

    Args:
        beginning: The beginning of its name, with a dot.

    Raises:
        OSError: It cannot be created.
        TooManyFilesError: Too many files are open.
    """
    remove_leftovers(Path(tempfile.gettempdir()), beginning)
    handle = None
    while handle is None:
        folder = Path(tempfile.mkdtemp(DRAFT, beginning))
        handle = hold(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


@handles_explained()
def entries_of(folder: Path) -> list[Path]:
    """Return the files and folders directly in a folder, in any order.

    Raises:
        TooManyFilesError: Too many files are open, so that nothing is known of the folder.
        OSError: The folder cannot be read.
    """
    return list(folder.iterdir())


def sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    handle = open_handle(path, os.O_RDONLY)
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

    Raises:
        TooManyFilesError: Too many files are open.
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

    Raises:
        TooManyFilesError: Too many files are open.
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
    """Wait for an exclusive lock, and hold it inside the `with` block.

    Raises:
        TooManyFilesError: Too many files are open.
    """
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
        TooManyFilesError: Too many files are open.
    """
    handle = open_handle(path, os.O_RDONLY)
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
    """Return whether a living process holds a lock exclusively.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    try:
        with kept_free(path) as free:
            return not free
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link to itself, which no process can have opened
            return False
        raise


def _open_lock(path: Path) -> int:
    return open_handle(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
