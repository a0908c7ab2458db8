"""Whether a run is active: its states, its process, and the files through which processes communicate.

A run that waits needs only this of its folder. The module therefore loads no heavy library, and no schema of a file.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from socal_core.storage import is_locked

LOCK_FILE = "worker.lock"
"""The file that the worker locks for as long as it lives."""
STOP_FILE = "stop"
"""The file whose presence asks the worker to stop."""
STATUS_FILE = "status.json"
EVENTS_FILE = "events.jsonl"
CROSS_VALIDATION_FILE = "cross_validation.json"
"""The file that makes a run a cross-validation, with its folds as runs in its folder."""

STOPPED_BY_USER = "Stopped by the user. It can be resumed."


class RunState(StrEnum):
    """The states of a run."""

    QUEUED = "queued"
    """Its worker is starting or waits for its turn."""
    RUNNING = "running"
    STOPPING = "stopping"
    """Its worker was asked to stop but has not ended yet."""
    DONE = "done"
    STOPPED = "stopped"
    """Ended by the user; it can be resumed."""
    FAILED = "failed"
    """Ended by an error, which the reason names."""
    INTERRUPTED = "interrupted"
    """Its worker died without recording why; the run can be resumed."""

    @property
    def alive(self) -> bool:
        """Whether the run has a living worker."""
        return self in {RunState.QUEUED, RunState.RUNNING, RunState.STOPPING}


@dataclass(frozen=True)
class ProcessRecord:
    """What identifies a process, although process ids are reused."""

    pid: int
    started: int | None
    """Clock ticks between the boot and the start of the process."""
    boot: str
    """The id of the boot, which differs from boot to boot."""
    oom_counter: str
    """The file in which the kernel counts OOM kills, that of the control group of the process if there is one."""
    oom_kills: int | None
    """The number in that file when the record was written."""


def job_folder(run: Path) -> Path:
    """Return the folder of the active cross-validation that a run is a fold of; that of the run if there is none."""
    whole = run.absolute().parent
    return whole if (whole / CROSS_VALIDATION_FILE).is_file() and is_locked(whole / LOCK_FILE) else run


def stop_requested(run: Path) -> bool:
    """Check whether a run, or the active cross-validation that it is a fold of, was asked to stop."""
    return (run / STOP_FILE).exists() or (job_folder(run) / STOP_FILE).exists()
