"""One worker per run: whoever takes the lock of a run waits out a reader, and is told in words that a worker has it."""

import time
from pathlib import Path

from socal_core.errors import RunError
from socal_core.storage import try_lock

_PATIENCE_SECONDS = 1.0
"""A reader that asks whether a lock is held holds it for some microseconds; whoever takes it waits that out."""


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
