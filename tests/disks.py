"""Small disks, for tests of full ones."""

import subprocess


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
