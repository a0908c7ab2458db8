"""One worker a run: a lock that lives exactly as long as the worker's process.

The kernel gives the lock back when the process ends, however it ends, so a dead worker is never taken for a living
one, a reused process number cannot mislead, and there is nothing to clean up after a crash.
"""

import fcntl
import os
import time
from pathlib import Path

from socal_core.errors import RunError

_PATIENCE_SECONDS = 1.0
"""A reader asking `is_locked` holds the lock for some microseconds; whoever takes it waits that out."""


def take_lock(path: Path, run: str) -> int:
    """Take the lock and return its file descriptor, which holds it while open; RunError when a worker has it.

    The descriptor may be handed down to a child process: the lock then lives as long as the child.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (handle := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise RunError(f"Run {run} is already active. Wait until it ends, or stop it.")
        time.sleep(0.01)
    return handle


def try_lock(path: Path) -> int | None:
    """Take the lock as `take_lock` does, without patience; None when somebody has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return handle


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
