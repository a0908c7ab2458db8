"""What state a run is really in: derived from its worker's lock, from what was written, and from who wrote it."""

import os
import shutil
import threading
import time
from dataclasses import dataclass, replace

from socal_core.errors import RunError
from socal_core.lifecycle.process import Process, process_of, this_process
from socal_core.runs.files.records import STATUS, RunState, Status
from socal_core.runs.folder import RunFolder
from socal_core.storage import is_locked, kept_free

__all__ = ["RunState", "RunStatus", "read_status", "write_status", "written_status"]

LEAST_FREE = 1_000_000
"""Bytes below which a disk counts as full."""

_settling = threading.Lock()
"""The lock of a run keeps processes apart, not the threads of one."""


@dataclass(frozen=True)
class RunStatus:
    """A run's true state."""

    state: RunState
    reason: str = ""
    """Why it ended, for the user; empty while it is alive and when it is done."""

    @property
    def stopping(self) -> bool:
        """Whether a living run was asked to stop."""
        return self.state is RunState.STOPPING


def write_status(run: RunFolder, state: RunState, reason: str = "") -> None:
    """Write down a state, with the time and who says so."""
    STATUS.write(run.path, Status(state, reason, round(time.time(), 3), this_process()))


def written_status(run: RunFolder) -> RunStatus:
    """The state that was last written down, true or not; queued when there is none or the file is damaged."""
    return _status_of(_read(run))


def read_status(run: RunFolder) -> RunStatus:
    """The true state: a run whose worker's lock is free is never called alive.

    Why a worker died is told by the state of the machine right after: the first who looks writes it down.
    """
    # The lock is asked first: a worker that ends between the two looks has then written its last state.
    alive = is_locked(run.lock_file)
    written = _read(run)
    status = _status_of(written)
    writer = None if written is None else process_of(written.process)
    if alive:
        if run.stop_file.exists():
            return RunStatus(RunState.STOPPING)
        if status.state.alive:
            return RunStatus(status.state)
        # An end is written: by the worker that is just leaving, or by an earlier one of a run that is just starting.
        return RunStatus(RunState.RUNNING if writer is not None and writer.lives else RunState.QUEUED)
    if not status.state.alive:
        return status
    reason = _disk_trouble(run) or _why_it_died(writer)
    if written is not None:  # else nobody wrote anything: there was no worker
        _settle(run, written, reason)
    return RunStatus(RunState.INTERRUPTED, reason)


def _disk_trouble(run: RunFolder) -> str:
    """What a worker could not write down because of the disk; "" when a few bytes can be written."""
    if not os.access(run.path, os.W_OK):
        return "The run's folder cannot be written to. Allow writing there and resume the run."
    if shutil.disk_usage(run.path).free < LEAST_FREE:
        return "The disk with the run's folder is full, so its end was not written down. Make room and resume the run."
    return ""


def _why_it_died(worker: Process | None) -> str:
    """What is known of the end of a worker that wrote none, and what to do."""
    if worker is not None and worker.rebooted_since:
        return "The machine was restarted before the run had ended. Resume the run."
    if worker is not None and worker.killed_for_memory:
        return (
            "The machine's memory ran out and the system killed the training process (OOM killer). Close other "
            "programs and resume the run. If that happens again, start a new run with more accumulation_steps, with "
            "gradient_checkpointing on, or with fewer frames."
        )
    return "The training process ended unexpectedly: it crashed or was killed. Resume the run."


def _settle(run: RunFolder, written: Status, reason: str) -> None:
    """Keep the verdict: a restart or an OOM kill later on says nothing of this worker any more."""
    with _settling:
        try:
            # For other readers the lock stays free, and whoever starts a worker waits for this.
            with kept_free(run.lock_file) as free:
                if free and _read(run) == written:
                    STATUS.write(run.path, replace(written, state=RunState.INTERRUPTED, reason=reason))
        except OSError:
            return  # the disk takes nothing: it is worked out again at the next look


def _read(run: RunFolder) -> Status | None:
    try:
        return STATUS.read(run.path, f"Run {run.name}")
    except RunError:
        return None


def _status_of(written: Status | None) -> RunStatus:
    return RunStatus(RunState.QUEUED) if written is None else RunStatus(written.state, written.reason)
