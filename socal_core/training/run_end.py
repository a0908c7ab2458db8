"""How a worker's work ended, whatever ended it, in the run's status."""

import errno
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from socal_core.errors import SocalError
from socal_core.lifecycle.state import RunState, write_status, written_status
from socal_core.runs.folder import RunFolder
from socal_core.training.stop import GONE, StopRequested

logger = logging.getLogger(__name__)

DISK_TROUBLES = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG}


class RunEnd(AbstractContextManager["RunEnd"]):
    """Writes down how the work inside ended, whatever ended it; only a user's error is taken as dealt with."""

    def __init__(self, run: RunFolder, report: Callable[..., None], writes: bool) -> None:
        self.state = RunState.RUNNING
        self._run = run
        self._report = report
        self._writes = writes

    def leave_to(self, state: RunState) -> None:
        """Another process has written how the work ended."""
        self.state, self._writes = state, False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None and not self._writes and self.state is not RunState.RUNNING:
            return False
        words = _words_for(error, self._run)
        if error is None:
            self.state, reason = RunState.DONE, ""
        elif isinstance(error, (StopRequested, KeyboardInterrupt)):
            self.state, reason = RunState.STOPPED, "Stopped by the user. It can be resumed."
        else:
            self.state, reason = RunState.FAILED, words or _unexpected(error)
        if self._writes:
            try:
                write_status(self._run, self.state, reason)
                self._report("ended", state=self.state, reason=reason)
            except OSError:
                # Then nobody can be told but by the log: the run is shown as interrupted, with the disk's trouble.
                logger.exception("%s The end of the run could not be written down.", reason)
        return self.state is RunState.STOPPED or bool(words)


def _words_for(error: BaseException | None, run: RunFolder) -> str:
    """Why this error ends a run and what to do, for the user; "" when it is none that was expected."""
    if isinstance(error, SocalError):
        return str(error)
    if isinstance(error, OSError) and not run.path.is_dir():
        return GONE
    if isinstance(error, OSError) and error.errno in DISK_TROUBLES:
        return (
            f"The run's folder cannot be written to: {error.strerror}. The last checkpoint is complete. Make room, or "
            "allow writing there, and resume the run."
        )
    return ""


def _unexpected(error: BaseException) -> str:
    return (
        f"An unexpected error ({type(error).__name__}). The full message is in the output of the training process: "
        "worker.log in the run's folder if the app started it."
    )


def reason_of(run: RunFolder) -> str:
    """Why a run has failed, for whoever waited for it."""
    return written_status(run).reason or "The end of the run could not be recorded: see above."
