"""The lock of a run, which ensures that it has only one worker."""

import time
from pathlib import Path

from socal_core.errors import RunError
from socal_core.storage import try_lock

_PATIENCE_SECONDS = 1.0
"""Time to wait for the lock, because a reader that checks it also holds it for some microseconds."""


def take_lock(path: Path, run: str) -> int:
    """Take the lock of a run.

    Args:
        path: The lock file.
        run: The name of the run, for messages.

    Returns:
        A file descriptor that holds the lock while it is open. If a child process inherits it, the lock lives as long
        as the child.

    Raises:
        RunError: A worker has the lock.
        OSError: The file cannot be opened.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (handle := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise RunError(f"Run {run} is already active. Wait until it ends, or stop it.")
        time.sleep(0.01)
    return handle
