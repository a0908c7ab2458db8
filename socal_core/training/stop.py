"""Ends of a run that come from outside: the user's wish, and a folder that is gone."""

GONE = "The run's folder was moved or deleted while it trained. Resume the run where it is now."


class StopRequested(BaseException):
    """The user asked the run to stop; no error, and nothing between here and the end may take it for one."""
