"""Temporary files and folders, which get their final name only when they are complete.

Each is locked while it is being written. One without a lock was left by a killed process, and can be deleted.
"""

import errno
import fcntl
import itertools
import os
import shutil
from contextlib import suppress
from pathlib import Path

from socal_core.errors import TooManyFilesError
from socal_core.file_handles import open_handle

DRAFT = ".tmp"
"""The end of the names of temporary files and folders, which begin with a dot."""
_CANNOT_TELL = {errno.EWOULDBLOCK, errno.EBADF, errno.ENOLCK, errno.ENOTSUP}
"""The lock is taken, or the file system (such as NFS) cannot lock a folder."""


def new_draft(path: Path) -> tuple[Path, int]:
    """Create a temporary folder next to a folder, and lock it; replace one that was left by a killed process.

    Args:
        path: The folder, whose parent must exist.

    Returns:
        The temporary folder, and the descriptor that holds its lock while it is open.

    Raises:
        OSError: It cannot be created.
        TooManyFilesError: Too many files are open.
    """
    for number in itertools.count(1):
        draft = path.with_name(f".{path.name}{DRAFT}" if number == 1 else f".{path.name}.{number}{DRAFT}")
        if draft.is_symlink():
            raise OSError(errno.ELOOP, f"{draft.name} next to it is a link; delete it")
        if draft.exists() and not _remove_draft(draft):
            continue  # another process writes to it
        try:
            draft.mkdir()
        except (FileExistsError, FileNotFoundError):
            if not path.parent.is_dir():
                raise
            continue  # another process has created it, or taken it for a leftover, since
        handle = hold(draft)
        if handle is not None:
            return draft, handle
    raise AssertionError("there are infinitely many names")


def hold(folder: Path) -> int | None:
    """Lock a temporary folder that this process has just created.

    Args:
        folder: The folder, still empty. It is deleted if no more files can be opened.

    Returns:
        The descriptor that holds the lock while it is open; None if another process has taken it for a leftover.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    try:
        handle = open_handle(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    except TooManyFilesError:
        folder.rmdir()
        raise
    if lock_draft(handle) and os.fstat(handle).st_nlink:
        return handle
    os.close(handle)
    return None


def lock_draft(handle: int) -> bool:
    """Lock a temporary file or folder while it is written; return False if another process is deleting it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _CANNOT_TELL:
            raise
    return True


def remove_leftovers(folder: Path, beginning: str = ".") -> None:
    """Delete temporary files and folders that killed processes left in a folder, but none that is being written.

    Args:
        folder: The folder.
        beginning: The beginning of their names, with a dot.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        drafts = [folder / name for name in names if name.startswith(beginning) and name.endswith(DRAFT)]
    except OSError:
        return
    for draft in drafts:
        if not draft.is_symlink():
            with suppress(OSError, TooManyFilesError):
                _remove_draft(draft)


def _remove_draft(draft: Path) -> bool:
    """Delete a temporary file or folder unless it is being written; return whether it is gone."""
    try:
        handle = open_handle(draft, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), draft.lstat()):
            return False  # it was renamed when it was complete, and another process writes another one
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in _CANNOT_TELL:
            return False
        raise
    finally:
        os.close(handle)
    return True
