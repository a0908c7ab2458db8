"""Names of new runs. Several people may start a run in the same second, so a name that is free may be taken."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from socal_core.runs.folder import LONGEST_NAME, RunExistsError, RunFolder


def numbered(folder: Path, stem: str, suffix: str = "") -> Iterator[Path]:
    """Yield paths of runs: the stem with the suffix, then also with `-2`, `-3` and so on.

    Args:
        folder: The folder of the runs.
        stem: The beginning of the name, which is cut off if the name would be too long.
        suffix: Its end, such as `-further`.
    """
    number = 1
    while True:
        ending = suffix if number == 1 else f"{suffix}-{number}"
        yield folder / (stem[: LONGEST_NAME - len(ending)] + ending)
        number += 1


def first_free(paths: Iterable[Path]) -> Path:
    """Return the first path at which there is nothing."""
    return next(path for path in paths if not os.path.lexists(path))


def create_first_free(paths: Iterable[Path], create: Callable[[Path], RunFolder]) -> RunFolder:
    """Create a run under the first name that is free.

    Args:
        paths: Paths to try in this order; infinitely many.
        create: Creates the run at a path; raises RunExistsError if another process was faster.

    Raises:
        SocalError: The run cannot be created, for another reason than its name.
    """
    for path in paths:
        if not os.path.lexists(path):
            try:
                return create(path)
            except RunExistsError:
                continue
    raise AssertionError("there are infinitely many names")
