"""The common part of all job processes: read the request, report progress, stop on request, write how the job ended."""

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
from socal_core.startup import prepare_process
from socal_core.storage import write_json
from socal_core.training.stop import StopRequested

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.2
"""Shortest time between two writes of the progress. Each write goes to the disk, and pages read it twice per second."""


class Report:
    """Reports the progress of a job to the pages. Its methods raise StopRequested once the user has stopped the job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0.0

    def count(self, done: int, total: int) -> None:
        """Report how much of the work is done."""
        self._check_stop()
        now = time.monotonic()
        if now >= self._next or done == total:
            write_json(self._folder / PROGRESS, {"done": done, "total": total})
            self._next = now + REPORT_SECONDS

    def stage(self, what: str, done: int, total: int) -> None:
        """Report how much of a stage is done, and the stage in words."""
        self._check_stop()
        now = time.monotonic()
        if now >= self._next or done == total:
            write_json(self._folder / PROGRESS, {"what": what, "done": done, "total": total})
            self._next = now + REPORT_SECONDS

    def describe(self, what: str) -> None:
        """Report in words what the job is doing."""
        self._check_stop()
        write_json(self._folder / PROGRESS, {"what": what})

    def _check_stop(self) -> None:
        if (self._folder / STOP).exists():
            raise StopRequested


Work = Callable[[dict[str, Any], Report], dict[str, Any]]
"""A function that carries out a request and returns a result for JSON. Its SocalErrors are shown to the user."""


def carry_out(work: Work, folder: Path) -> JobState:
    """Carry out the request in a job's folder, and write there how the job ended.

    Errors other than SocalError are not caught. A process that ends with one counts as died, and its log has the
    traceback.

    Args:
        work: The function that carries out the request.
        folder: The job's folder, with the request.

    Returns:
        How the job ended: DONE, STOPPED or FAILED.
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
    """Run the process of a job, started as `python -m MODULE FOLDER`."""
    prepare_process()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    sys.exit(carry_out(work, Path(sys.argv[1])) is JobState.FAILED)


@contextmanager
def path_shown_as(path: Path, name: str) -> Iterator[None]:
    """Replace a path by a name in the message of a SocalError, so that pages show no path of the server."""
    try:
        yield
    except SocalError as error:
        raise SocalError(str(error).replace(str(path), name)) from error
