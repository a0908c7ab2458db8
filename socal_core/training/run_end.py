"""Record in the status of a run how its work ended, for any cause."""

import errno
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from socal_core.errors import SocalError, TooManyFilesError
from socal_core.file_handles import handles_used_up, os_reason, too_many_files
from socal_core.lifecycle.state import RunState, write_status, written_status
from socal_core.runs.activity import STOPPED_BY_USER
from socal_core.runs.folder import RunFolder
from socal_core.training.stop import GONE, StopRequested

logger = logging.getLogger(__name__)

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG}


class RunEnd(AbstractContextManager["RunEnd"]):
    """A context manager that records how the work inside ended; it suppresses errors that it explains to the user."""

    def __init__(self, run: RunFolder, report: Callable[..., None], writes: bool) -> None:
        self.state = RunState.RUNNING
        self.reason = ""
        self._run = run
        self._report = report
        self._writes = writes

    def leave_to(self, state: RunState) -> None:
        """Take over the state from another process, which has already recorded it."""
        self.state, self.reason, self._writes = state, written_status(self._run).reason, False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None and not self._writes and self.state is not RunState.RUNNING:
            return False
        explanation = _explain(error, self._run)
        if error is None:
            self.state = RunState.DONE
        elif isinstance(error, (StopRequested, KeyboardInterrupt)):
            self.state, self.reason = RunState.STOPPED, STOPPED_BY_USER
        else:
            self.state, self.reason = RunState.FAILED, explanation or _unexpected(error)
        if self._writes:
            try:
                write_status(self._run, self.state, self.reason)
                self._report("ended", state=self.state, reason=self.reason)
            except (OSError, TooManyFilesError):
                # Only the log can report it: the run is shown as interrupted, with the problem of the disk.
                logger.exception("%s The end of the run could not be recorded.", self.reason)
        return self.state is RunState.STOPPED or bool(explanation)


def _explain(error: BaseException | None, run: RunFolder) -> str:
    """Explain to the user why an error ended the run and what to do; "" for unexpected errors."""
    if isinstance(error, SocalError):
        return str(error)
    if error is not None and handles_used_up(error):
        return str(too_many_files())
    if isinstance(error, OSError) and not run.path.is_dir():
        return GONE
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return (
            f"The run's folder cannot be written to: {os_reason(error)}. The last checkpoint is complete. Make room, "
            "or allow writing there, and resume the run."
        )
    return ""


def _unexpected(error: BaseException) -> str:
    return (
        f"An unexpected error ({type(error).__name__}). The full message is in the output of the training process: "
        "worker.log in the run's folder if the app started it."
    )


def reason_of(run: RunFolder) -> str:
    """Return why a run has failed, for the user."""
    return written_status(run).reason or "The end of the run could not be recorded; see the messages above."
