"""Processes that may open only a few more files."""

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from socal_core.errors import TooManyFilesError

MOST_NEEDED = 12
"""Free handles with which each of these works, also beside threads that read ahead."""


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


def with_few(act: Callable[[], object]) -> int:
    """Do something with no free handle, with one, two, …, until it works; return how many it needed.

    Whenever it fails, it must say what is wrong and what to do. Whenever it works, its result must be the true one.
    """
    for free in range(MOST_NEEDED):
        with few_handles(free):
            try:
                found = act()
            except TooManyFilesError as error:
                said = str(error)
            else:
                break
        assert "Too many files are open" in said
        assert "ulimit -n" in said
    else:
        raise AssertionError("it never works")
    assert found == act()
    return free
