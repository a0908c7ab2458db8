"""Small disks, for tests of full ones."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


def small_disk(size: str) -> tuple[str, ...] | None:
    """A prefix that runs a command with a small tmpfs as its workspace, None where mounting is not allowed."""
    mount = f'mount -t tmpfs -o size={size} tmpfs "$SOCAL_WORKSPACE" && exec "$@"'
    for rights in (("unshare", "--mount"), ("unshare", "--mount", "--user", "--map-root-user")):
        prefix = (*rights, "sh", "-c", mount, "sh")
        try:
            if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0:
                return prefix
        except FileNotFoundError:
            return None
    return None


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Have the system refuse to let this process write a file with more bytes."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)


def on_small_disk(size: str, code: str, *arguments: object) -> Any:
    """The JSON that Python code prints last, with a small tmpfs as its workspace."""
    prefix = small_disk(size)
    if prefix is None:
        pytest.skip("a tmpfs cannot be mounted here")
    command = [*prefix, sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
