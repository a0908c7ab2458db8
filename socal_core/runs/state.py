"""What state a run is really in: derived from what its worker wrote and from whether the worker lives."""

import json
import time
from dataclasses import dataclass
from enum import StrEnum

from socal_core.files import write_json
from socal_core.runs.folder import RunFolder
from socal_core.runs.lock import is_locked


class RunState(StrEnum):
    """The states of a run."""

    QUEUED = "queued"
    """Its worker was started and has not begun yet."""
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """Ended by the user; it can be resumed."""
    FAILED = "failed"
    """Ended by an error, which the reason names."""
    INTERRUPTED = "interrupted"
    """Its worker died without a word; it can be resumed."""

    @property
    def alive(self) -> bool:
        """Whether a worker is at it."""
        return self in {RunState.QUEUED, RunState.RUNNING}


@dataclass(frozen=True)
class RunStatus:
    """A run's true state."""

    state: RunState
    reason: str = ""
    """Why it ended, for the user; empty while it is alive and when it is done."""
    stopping: bool = False
    """Whether a living run was asked to stop."""


def write_status(run: RunFolder, state: RunState, reason: str = "") -> None:
    """Write down a state, with the time."""
    write_json(run.status_file, {"state": state, "reason": reason, "time": round(time.time(), 3)})


def written_status(run: RunFolder) -> RunStatus:
    """The state that was last written down, true or not; queued when there is none or the file is damaged."""
    try:
        written = json.loads(run.status_file.read_text(encoding="utf-8"))
        return RunStatus(RunState(written["state"]), str(written["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return RunStatus(RunState.QUEUED)


def read_status(run: RunFolder) -> RunStatus:
    """The true state: a run whose worker's lock is free is never called alive."""
    # The lock is asked first: a worker that ends between the two looks has then written its last state.
    alive = is_locked(run.lock_file)
    status = written_status(run)
    if alive:
        state = status.state if status.state.alive else RunState.QUEUED
        return RunStatus(state, stopping=run.stop_file.exists())
    if status.state.alive:
        return RunStatus(RunState.INTERRUPTED, "The training process ended without a word. Resume the run.")
    return status
