"""The command line: results on stdout (JSON with --json), progress and errors on stderr, exit code 2 for an error."""

import logging
import os
import sys
from importlib import import_module

from socal_core.cli.parser import make_parser
from socal_core.errors import SocalError
from socal_core.startup import prepare_process

EXIT_USER_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command, that of the command line where none is given; return the exit code."""
    prepare_process()
    options = make_parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        # Each command loads what it needs and no more: a look into a folder does not wait for scikit-learn.
        code: int = getattr(import_module(f"socal_core.cli.{options.module}"), options.command)(options)
    except SocalError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except BrokenPipeError:
        # Whoever read the output has had enough; nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code
