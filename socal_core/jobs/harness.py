"""What the process of every job shares: it reads the request, reports, stops when asked, and writes how that ended."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from socal_core.errors import SocalError
from socal_core.jobs.job import END, PROGRESS, REQUEST, STOP, JobState
from socal_core.storage import write_json
from socal_core.training.stop import StopRequested

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.2
"""Counts are written no more often: a page asks twice per second, and each write goes to the disk."""


class Report:
    """Tells the pages how far a job is. Both methods raise StopRequested once the user has asked for an end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0.0

    def count(self, done: int, total: int) -> None:
        """Tell how much of the work is done."""
        self._check_stop()
        now = time.monotonic()
        if now >= self._next or done == total:
            write_json(self._folder / PROGRESS, {"done": done, "total": total})
            self._next = now + REPORT_SECONDS

    def say(self, what: str) -> None:
        """Tell in words what the job does now."""
        self._check_stop()
        write_json(self._folder / PROGRESS, {"what": what})

    def _check_stop(self) -> None:
        if (self._folder / STOP).exists():
            raise StopRequested


Work = Callable[[dict[str, Any], Report], dict[str, Any]]
"""Does what a request asks for and returns the job's result, JSON-ready; a SocalError is for the user to read."""


def carry_out(work: Work, folder: Path) -> JobState:
    """Do what the request in a job's folder asks for, and write there how that ended.

    Any other error than a SocalError is left to the caller: a process that ends by it has died, and its log says why.
    """
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    state, result, words = JobState.DONE, {}, ""
    try:
        result = work(request, Report(folder))
    except StopRequested:
        state = JobState.STOPPED
    except SocalError as error:
        logger.exception("The job failed")
        state, words = JobState.FAILED, str(error)
    write_json(folder / END, {"state": state, "result": result, "error": words})
    return state


def main(work: Work) -> None:
    """Run a job's process: `python -m MODULE FOLDER`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    sys.exit(carry_out(work, Path(sys.argv[1])) is JobState.FAILED)


@contextmanager
def path_shown_as(path: Path, name: str) -> Iterator[None]:
    """Replace a path in the message of a SocalError: where things lie is not for everybody to read."""
    try:
        yield
    except SocalError as error:
        raise SocalError(str(error).replace(str(path), name)) from error
