"""Start processes that outlive the process that starts them."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from socal_core.file_handles import handles_explained
from socal_core.installation import CODE_FOLDER
from socal_core.startup import ENVIRONMENT
from socal_core.workspace import workspace


def start_module(arguments: list[str], log: Path, lock: int, environment: Mapping[str, str] | None = None) -> None:
    """Run `python -m arguments…` in its own session.

    The process outlives the browser tab, the server and a Ctrl-C in the terminal. It uses the same workspace, although
    it runs in another folder.

    Args:
        arguments: The module and its arguments.
        log: The file to which its output is appended.
        lock: An open file descriptor that the process inherits and holds for as long as it lives.
        environment: Additional environment variables.

    Raises:
        OSError: The process cannot be started.
        TooManyFilesError: Too many files are open.
    """
    with handles_explained(), log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own modules on paths without a shell
            [sys.executable, "-m", *arguments],
            cwd=CODE_FOLDER,  # `-m` finds the same code there, wherever the app was started
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(lock,),
            env={**ENVIRONMENT, **os.environ, "SOCAL_WORKSPACE": str(workspace().resolve()), **(environment or {})},
        )
    # Collects the exit code; otherwise the ended process would stay a zombie until the server ends.
    threading.Thread(target=process.wait, daemon=True).start()
