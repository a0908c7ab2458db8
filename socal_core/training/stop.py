"""Ends of a run with an external cause: the user's request to stop, and a folder that is gone."""

from typing import TYPE_CHECKING

from socal_core.runs.cross_validation import stop_requested
from socal_core.runs.folder import RunFolder

if TYPE_CHECKING:
    from accelerate import Accelerator

GONE = "The run's folder was moved or deleted while it trained. Resume the run where it is now."


class StopRequested(BaseException):
    """The user asked the run to stop. This is not an Exception, so that no handler of errors catches it."""


class StopCheck:
    """Checks whether the user asked a run to stop.

    Processes see the request at different times. One that stopped alone would leave the others waiting for it, so all
    of them stop at the same point of their work.
    """

    def __init__(self, run: RunFolder, accelerator: "Accelerator") -> None:
        self._run = run
        self._accelerator = accelerator

    def together(self) -> None:
        """Raise StopRequested in all processes if one of them sees the request. All call this at the same points."""
        if stop_requested(self._run):
            self._accelerator.set_trigger()
        if self._accelerator.check_trigger():
            raise StopRequested

    def early(self) -> None:
        """Wait for the others' next `together` and raise StopRequested there, if this process sees the request.

        For stages in which processes exchange nothing, and after which all call `together`.
        """
        if stop_requested(self._run):
            self.together()

    def alone(self) -> None:
        """Raise StopRequested if this process sees the request.

        For work whose errors reach all processes (`compute_shares`), and for that of the main process alone.
        """
        if stop_requested(self._run):
            raise StopRequested
