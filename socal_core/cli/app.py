"""The command that serves the app: app."""

import argparse
import os
import sys

from socal_core.errors import ConfigError
from socal_core.installation import app_folder

LARGEST_PORT = 65_535


def app(options: argparse.Namespace) -> int:
    """Serve the app: this process becomes Streamlit, which takes its settings from .streamlit/ beside app.py."""
    if options.port is not None and not 1 <= options.port <= LARGEST_PORT:
        raise ConfigError("--port", f"must be between 1 and {LARGEST_PORT}", options.port)
    # -P: a file that happens to lie in the current folder is never imported.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(app_folder() / "app.py")]
    if options.port is not None:
        command += ["--server.port", str(options.port)]
    if options.folder is not None:
        command += ["--", str(options.folder.absolute())]
    os.execv(sys.executable, command)  # noqa: S606 - our own script, no shell
