"""The limit of open files, the error when it is reached, and what the system says when a file cannot be used.

A file that cannot be opened for this reason is neither missing nor damaged, so nothing may be concluded about it. Hence
it is an error of its own, raised where files are opened, which handlers of OSError do not take for another one.
"""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from socal_core.errors import SocalError, TooManyFilesError

ENOUGH = 65_536
"""More than any process of ours opens."""
_USED_UP = {errno.EMFILE, errno.ENFILE}
_SIGNS = ("os error 24)", "errno 24 ", os.strerror(errno.EMFILE))
"""In the messages of safetensors, PyTorch and pyarrow, which have errors of their own."""


def raise_limit() -> None:
    """Let this process and those that it starts open as many files as the system allows, up to `ENOUGH`.

    The usual limit of 1,024 is there for programs that call select(), which these do not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has a lower limit than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def handles_used_up(error: BaseException) -> bool:
    """Return whether a file could not be opened because too many are open."""
    if isinstance(error, OSError):
        return error.errno in _USED_UP
    return any(sign in str(error) for sign in _SIGNS)


def too_many_files() -> TooManyFilesError:
    """Return the error for the user."""
    return TooManyFilesError(
        f"Too many files are open: this process may open {_limit():,}. Close other pages and programs, and try again. "
        "If that does not help, raise the limit of open files (`ulimit -n`; in a systemd unit LimitNOFILE) and start "
        "the app again."
    )


def os_reason(error: Exception) -> str:
    """Return the reason why a file cannot be used, for use in a message: no path, no full stop.

    Args:
        error: What the system or a library has raised.

    Returns:
        The system's words, such as `No space left on device`, with advice if too many files are open. For an error
        that a library raised itself: its message, or the name of the exception where a message may contain a path. For
        any other exception, its message.
    """
    if handles_used_up(error):
        return (
            f"{os.strerror(errno.EMFILE)} (this process may open {_limit():,}: close other pages and programs, or "
            "raise the limit, `ulimit -n` or LimitNOFILE of systemd, and start the app again)"
        )
    if not isinstance(error, OSError):
        return str(error)
    if error.strerror:
        return error.strerror
    message = str(error).rstrip(" .:")
    return message if message and os.sep not in message else type(error).__name__


def _limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def check_handles() -> None:
    """Find out whether one more file can be opened, after a library has failed without saying why.

    Raises:
        TooManyFilesError: None can.
    """
    with handles_explained():
        os.close(os.open(os.devnull, os.O_RDONLY))


@contextmanager
def handles_explained() -> Iterator[None]:
    """Raise a TooManyFilesError for an error inside the block that means that too many files are open."""
    try:
        yield
    except SocalError:
        raise  # its message gives the reason already
    except Exception as error:
        if handles_used_up(error):
            raise too_many_files() from error
        raise


@handles_explained()
def open_handle(path: Path, flags: int, mode: int = 0o777) -> int:
    """Open a file as `os.open` does, which returns its descriptor.

    Raises:
        TooManyFilesError: Too many files are open.
        OSError: The file cannot be opened.
    """
    return os.open(path, flags, mode)
