"""Ends of a run with an external cause: the user's request to stop, and a folder that is gone."""

GONE = "The run's folder was moved or deleted while it trained. Resume the run where it is now."


class StopRequested(BaseException):
    """The user asked the run to stop. This is not an Exception, so that no handler of errors catches it."""
