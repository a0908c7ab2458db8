"""The command `app`, which serves the app."""

import argparse
import os
import sys

from socal_core.access.binding import INSECURE, check_address
from socal_core.access.server_config import read_server_config
from socal_core.errors import ConfigError
from socal_core.installation import app_folder

LARGEST_PORT = 65_535
LOOPBACK = "127.0.0.1"
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - never listened at without login, see check_address


def app(options: argparse.Namespace) -> int:
    """Serve the app. Streamlit replaces this process and takes its settings from .streamlit/ next to app.py."""
    if options.port is not None and not 1 <= options.port <= LARGEST_PORT:
        raise ConfigError("--port", f"must be between 1 and {LARGEST_PORT}", options.port)
    if options.host is not None:
        check_address(options.host, read_server_config(), options.insecure)
    # -P: never import a file that happens to be in the current folder.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(app_folder() / "app.py")]
    if options.port is not None:
        command += ["--server.port", str(options.port)]
    if options.host is not None:
        # Streamlit would ask a service on the internet for the public address, to print it.
        shown = LOOPBACK if options.host in WILDCARDS else options.host
        command += ["--server.address", options.host, "--browser.serverAddress", shown]
    arguments = [INSECURE] if options.insecure else []
    if options.folder is not None:
        arguments.append(str(options.folder.absolute()))
    if arguments:
        command += ["--", *arguments]
    os.execv(sys.executable, command)  # noqa: S606 - our own script, no shell
