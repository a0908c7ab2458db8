"""The true state of a run, derived from the lock of its worker and from the last written state."""

import os
import shutil
import threading
import time
from dataclasses import dataclass, replace

from socal_core.errors import RunError
from socal_core.lifecycle.process import Process, process_of, this_process
from socal_core.runs.activity import RunState
from socal_core.runs.files.records import STATUS, Status
from socal_core.runs.folder import RunFolder
from socal_core.storage import is_locked, kept_free

__all__ = ["RunState", "RunStatus", "read_status", "write_status", "written_status"]

LEAST_FREE = 1_000_000
"""Free bytes below which a disk counts as full."""

_settling = threading.Lock()
"""Excludes other threads; the lock of a run excludes only other processes."""


@dataclass(frozen=True)
class RunStatus:
    """The true state of a run."""

    state: RunState
    reason: str = ""
    """Why the run ended, for the user; empty while it is alive and if it is done."""

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to stop and has not ended yet."""
        return self.state is RunState.STOPPING


def write_status(run: RunFolder, state: RunState, reason: str = "") -> None:
    """Write a state, with the time and the current process.

    Args:
        run: The run.
        state: The state.
        reason: Why the run ended, for the user.

    Raises:
        OSError: The file cannot be written.
    """
    STATUS.write(run.path, Status(state, reason, round(time.time(), 3), this_process()))


def written_status(run: RunFolder) -> RunStatus:
    """Return the state that was last written, which may be out of date; queued if the file is missing or damaged."""
    return _status_of(_read(run))


def read_status(run: RunFolder) -> RunStatus:
    """Return the true state; a run counts as alive only while its worker holds the lock.

    Why a worker died can be inferred only soon afterwards, from the state of the machine, so the first reader records
    it.
    """
    # The lock is checked first: a worker that ends between the two checks has then written its last state.
    alive = is_locked(run.lock_file)
    written = _read(run)
    status = _status_of(written)
    writer = None if written is None else process_of(written.process)
    if alive:
        if run.stop_file.exists():
            return RunStatus(RunState.STOPPING)
        if status.state.alive:
            return RunStatus(status.state)
        # An end is recorded: by a worker that is about to exit, or by an earlier worker of a run that is starting.
        return RunStatus(RunState.RUNNING if writer is not None and writer.lives else RunState.QUEUED)
    if not status.state.alive:
        return status
    reason = _disk_problem(run) or _cause_of_death(writer)
    if written is not None:  # otherwise there was no worker
        _settle(run, written, reason)
    return RunStatus(RunState.INTERRUPTED, reason)


def _disk_problem(run: RunFolder) -> str:
    """Return why the disk prevented the worker from recording its end; "" if the disk can be written to."""
    if not os.access(run.path, os.W_OK):
        return "The run's folder cannot be written to. Allow writing there and resume the run."
    if shutil.disk_usage(run.path).free < LEAST_FREE:
        return "The disk with the run's folder is full, so its end was not recorded. Make room and resume the run."
    return ""


def _cause_of_death(worker: Process | None) -> str:
    """Return what is known about the end of a worker that did not record it, and what to do."""
    if worker is not None and worker.rebooted_since:
        return "The machine was restarted before the run ended. Resume the run."
    if worker is not None and worker.killed_for_memory:
        return (
            "The machine's memory ran out and the system killed the training process (OOM killer). Close other "
            "programs and resume the run. If that happens again, start a new run with more accumulation_steps, with "
            "gradient_checkpointing on, or with fewer frames."
        )
    return "The training process ended unexpectedly: it crashed or was killed. Resume the run."


def _settle(run: RunFolder, written: Status, reason: str) -> None:
    """Record the cause, because a later restart or OOM kill would be mistaken for it."""
    with _settling:
        try:
            # Other readers still see the lock as free, and starting a worker waits for this.
            with kept_free(run.lock_file) as free:
                if free and _read(run) == written:
                    STATUS.write(run.path, replace(written, state=RunState.INTERRUPTED, reason=reason))
        except OSError:
            return  # the file cannot be written: the next reader infers the cause again


def _read(run: RunFolder) -> Status | None:
    try:
        return STATUS.read(run.path, f"Run {run.name}")
    except RunError:
        return None


def _status_of(written: Status | None) -> RunStatus:
    return RunStatus(RunState.QUEUED) if written is None else RunStatus(written.state, written.reason)
