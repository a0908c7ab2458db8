"""The end that a user asks for."""


class StopRequested(BaseException):
    """The user asked the run to stop; no error, and nothing between here and the end may take it for one."""
