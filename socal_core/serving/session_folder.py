"""Folders for what a session of the app has uploaded. They are deleted when the session ends.

Streamlit does not report the end of a session, and Python may keep its objects for hours. A thread therefore checks
from time to time whether the sessions of the folders are still there. A folder is locked while the server that made it
runs, so that the next one can tell which were left behind by a server that was killed.
"""

import os
import secrets
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.storage import is_locked, locked, try_lock
from socal_core.workspace import workspace

_FOLDER, _LOCK, _CONTENT = "uploads", "lock", "content"
_TOKEN_BYTES = 12
GRACE_SECONDS = 150.0
"""Time for a browser to come back after its connection was lost; Streamlit keeps a session for 120 s."""
_CHECK_SECONDS = 30.0


class SessionFolder:
    """A folder that is deleted with its content when its session ends, the process ends, or the object is freed."""

    def __init__(self, is_alive: Callable[[], bool] = lambda: True) -> None:
        """Create the folder.

        Args:
            is_alive: Returns whether the session is there; it must not refer to this object.

        Raises:
            SocalError: It cannot be created.
        """
        try:
            root = _root()
            with locked(root / _LOCK):  # no other server may take it for a folder that was left behind
                folder = root / secrets.token_hex(_TOKEN_BYTES)
                folder.mkdir(mode=0o700)
                handle = try_lock(folder / _LOCK)
        except OSError as error:
            raise SocalError(f"There is no folder for uploads: {os_reason(error)}. Free some space.") from None
        self._folder = folder
        self._end = weakref.finalize(self, _delete, folder, handle)
        self._is_alive = is_alive
        self._gone_since: float | None = None
        _kept.add(self)
        _start_checks()

    @property
    def path(self) -> Path:
        """The place for the content."""
        return self._folder / _CONTENT

    def clear(self) -> Path:
        """Delete the content, and return the place for new content, an empty folder.

        Raises:
            SocalError: It cannot be created.
        """
        shutil.rmtree(self.path, ignore_errors=True)
        try:
            self.path.mkdir()
        except OSError as error:
            raise SocalError(f"There is no folder for uploads: {os_reason(error)}. Free some space.") from None
        return self.path

    def delete(self) -> None:
        """Delete the folder now."""
        self._end()

    def check(self, now: float) -> None:
        """Delete the folder if its session has been away for GRACE_SECONDS.

        Args:
            now: The time of a clock that never goes back, in seconds.
        """
        if self._is_alive():
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = now
        elif now - self._gone_since >= GRACE_SECONDS:
            self.delete()


_kept: "weakref.WeakSet[SessionFolder]" = weakref.WeakSet()
_checking = threading.Event()


def _start_checks() -> None:
    if not _checking.is_set():
        _checking.set()
        threading.Thread(target=_check_forever, name="session folders", daemon=True).start()


def _check_forever() -> None:
    while True:
        time.sleep(_CHECK_SECONDS)
        for folder in list(_kept):
            folder.check(time.monotonic())


def remove_left_folders() -> int:
    """Delete the folders of servers that were killed, and return their number.

    Raises:
        SocalError: The workspace cannot be used.
    """
    root, removed = _root(), 0
    try:
        with locked(root / _LOCK):
            for folder in root.iterdir():
                if folder.is_dir() and not folder.is_symlink() and not is_locked(folder / _LOCK):
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
    except OSError as error:
        raise SocalError(f"The folder of uploads cannot be cleaned up: {os_reason(error)}.") from None
    return removed


def _root() -> Path:
    root = workspace() / _FOLDER
    root.mkdir(exist_ok=True)
    return root.resolve()


def _delete(folder: Path, handle: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if handle is not None:
        os.close(handle)
