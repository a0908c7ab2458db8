"""The command line. Results go to stdout (as JSON with --json), progress and errors to stderr; errors exit with 2."""

import logging
import os
import sys
from importlib import import_module

from socal_core.cli.parser import make_parser
from socal_core.errors import SocalError
from socal_core.file_handles import handles_explained
from socal_core.startup import prepare_process

EXIT_USER_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command and its arguments; those of this process if None.

    Returns:
        The exit code.
    """
    prepare_process()
    options = make_parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        # Each command loads only what it needs, so that listing runs does not wait for scikit-learn. Loading a module
        # can also fail because too many files are open.
        with handles_explained():
            code: int = getattr(import_module(f"socal_core.cli.{options.module}"), options.command)(options)
    except SocalError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USER_ERROR
    except BrokenPipeError:
        # The reader of the output, such as `head`, has closed it. Python would fail again when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return code
