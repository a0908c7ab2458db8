"""Small disks, for tests of full ones."""

import json
import subprocess
import sys
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


def on_small_disk(size: str, code: str, *arguments: object) -> Any:
    """The JSON that Python code prints last, with a small tmpfs as its workspace."""
    prefix = small_disk(size)
    if prefix is None:
        pytest.skip("a tmpfs cannot be mounted here")
    command = [*prefix, sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
