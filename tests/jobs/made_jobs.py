"""Jobs at every stage, for the tests of what a page shows of them."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from socal_core.jobs.harness import Work, carry_out
from socal_core.jobs.job import END, LOCK, PROGRESS, REQUEST, Job, JobState
from socal_core.storage import locked, write_json


def ask(job: Job, request: dict[str, Any]) -> None:
    """Write what the job is asked for."""
    job.folder.mkdir(parents=True, exist_ok=True)
    write_json(job.folder / REQUEST, request)


def carry_out_here(job: Job, work: Work, request: dict[str, Any]) -> dict[str, Any]:
    """Do a job's work in this process; returns how it ended."""
    ask(job, request)
    carry_out(work, job.folder)
    return dict(json.loads((job.folder / END).read_text()))


def end(job: Job, state: JobState, request: dict[str, Any] | None = None, error: str = "", **result: Any) -> None:
    """Leave a job as its process does at the end; as it was asked for last, or for something else."""
    ask(job, job.request() or {} if request is None else request)
    write_json(job.folder / END, {"state": state, "result": result, "error": error})


@contextmanager
def running(job: Job, request: dict[str, Any] | None = None, **progress: Any) -> Iterator[None]:
    """Hold a job's lock as the process of another tab does."""
    ask(job, request or {})
    write_json(job.folder / PROGRESS, progress)
    with locked(job.folder / LOCK):
        yield


def wait_for(job: Job) -> None:
    """Wait until the job's process has given its lock back."""
    with (job.folder / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
