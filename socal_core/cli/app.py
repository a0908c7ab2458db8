"""The command `app`, which serves the app."""

import argparse
import os
import sys

from socal_core.errors import ConfigError
from socal_core.installation import app_folder

LARGEST_PORT = 65_535


def app(options: argparse.Namespace) -> int:
    """Serve the app. Streamlit replaces this process and takes its settings from .streamlit/ next to app.py."""
    if options.port is not None and not 1 <= options.port <= LARGEST_PORT:
        raise ConfigError("--port", f"must be between 1 and {LARGEST_PORT}", options.port)
    # -P: never import a file that happens to be in the current folder.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(app_folder() / "app.py")]
    if options.port is not None:
        command += ["--server.port", str(options.port)]
    if options.folder is not None:
        command += ["--", str(options.folder.absolute())]
    os.execv(sys.executable, command)  # noqa: S606 - our own script, no shell
