"""Processes with little memory, for tests of the kernel's OOM killer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")


@contextmanager
def little_memory(size: int) -> Iterator[tuple[str, ...] | None]:
    """A prefix that runs a command in a control group of so many bytes; None where none can be made."""
    group = _made(size)
    if group is None:
        yield None
        return
    try:
        yield ("sh", "-c", f'echo $$ > {group / "cgroup.procs"} && exec "$@"', "sh")
    finally:
        group.rmdir()


def _made(size: int) -> Path | None:
    """A new group below the one that this process is in, by version 1 or 2 of control groups."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            group, limits = MOUNT / "memory" / path.lstrip("/"), ["memory.limit_in_bytes"]
        elif not controllers:
            group, limits = MOUNT / path.lstrip("/"), ["memory.max", "memory.swap.max"]
        else:
            continue
        group = group / "socal-test"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limits[0]).write_text(str(size))
            for name in limits[1:]:
                (group / name).write_text("0")
        except OSError:
            group.rmdir()
            continue
        return group
    return None
