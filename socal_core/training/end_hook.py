"""What the user wants to happen when a run ends: a command or an http(s) address in SOCAL_ON_END.

It is read only from the environment, never from a file of the run, because the folder may come from somebody else.
"""

import http.client
import json
import logging
import os
import re
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from socal_core.file_handles import os_reason
from socal_core.lifecycle.waiting import HOOK_VARIABLE
from socal_core.runs.cross_validation import job_of
from socal_core.runs.folder import RunFolder
from socal_core.training.run_end import RunEnd
from socal_core.training.turn import is_main_process

logger = logging.getLogger(__name__)

COMMAND_TIMEOUT = 60
ADDRESS_TIMEOUT = 10

_FOLDERS = re.compile(r"(?<![\w./:])/(?:[^/\s]+/)+")


@contextmanager
def hook_after(run: RunFolder, end: RunEnd) -> Iterator[None]:
    """Call the hook after the work inside, if the end of the run was recorded; not for a fold of an active job.

    It is entered before the lock of the run is taken, so that the hook can use the run.
    """
    try:
        yield
    finally:
        hook = os.environ.get(HOOK_VARIABLE, "").strip()
        if hook and is_main_process() and not end.state.alive and job_of(run) is run:
            _call(hook, run, end)


def _call(hook: str, run: RunFolder, end: RunEnd) -> None:
    """Call the hook; if it fails, only the log says so, without the hook, which may contain a password."""
    is_address = hook.lower().startswith(("http://", "https://"))
    try:
        if is_address:
            _post(hook, run, end)
        else:
            _execute(hook, run, end)
    except subprocess.TimeoutExpired:
        problem = f"the command took more than {COMMAND_TIMEOUT} seconds"
    except subprocess.CalledProcessError as error:
        problem = f"the command ended with exit code {error.returncode}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", None) or error
        reason = os_reason(cause) if isinstance(cause, OSError) else cause
        problem = f"{'the address' if is_address else 'the command'} could not be used: {reason}"
    else:
        return
    logger.warning("The hook in %s failed: %s.", HOOK_VARIABLE, problem)


def _execute(command: str, run: RunFolder, end: RunEnd) -> None:
    about = {"SOCAL_RUN": str(run.path.resolve()), "SOCAL_STATE": str(end.state), "SOCAL_REASON": end.reason}
    # Its output would otherwise mix with that of the command line, which may be JSON.
    subprocess.run(  # noqa: S603 - the user's own command, without a shell
        shlex.split(command),
        env={**os.environ, **about},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=COMMAND_TIMEOUT,
        check=True,
    )


def _post(address: str, run: RunFolder, end: RunEnd) -> None:
    # Messages can name files: their folders are nobody's business elsewhere.
    reason = _FOLDERS.sub("", end.reason)
    content = json.dumps({"run": run.name, "state": str(end.state), "reason": reason}).encode()
    request = urllib.request.Request(  # noqa: S310 - http or https, as checked
        address, content, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=ADDRESS_TIMEOUT):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise
