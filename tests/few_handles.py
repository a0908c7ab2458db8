"""Processes that may open only a few more files."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def few_handles(free: int) -> Iterator[None]:
    """Let this process open only so many more files at the same time.

    Args:
        free: Their number.
    """
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(entry.name) for entry in Path("/dev/fd").iterdir())
    fillers = []
    while (handle := os.open(os.devnull, os.O_RDONLY)) < highest:  # the gaps below it
        fillers.append(handle)
    os.close(handle)
    resource.setrlimit(resource.RLIMIT_NOFILE, (handle + free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for filler in fillers:
            os.close(filler)
