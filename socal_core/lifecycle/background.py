"""Starting a process that outlives whoever started it."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from socal_core.installation import CODE_FOLDER
from socal_core.startup import ENVIRONMENT
from socal_core.workspace import workspace


def start_module(arguments: list[str], log: Path, lock: int, environment: Mapping[str, str] | None = None) -> None:
    """Run `python -m arguments…` in a session of its own, its output appended to `log`; OSError when it cannot start.

    It outlives the browser tab, the server and a Ctrl-C in the terminal, and is handed `lock`, an open descriptor that
    it holds for as long as it lives. It has the same workspace, though it runs in another folder.
    """
    with log.open("ab") as output:
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
    # Somebody has to collect the exit code, or the ended process stays as a zombie until the server ends.
    threading.Thread(target=process.wait, daemon=True).start()
