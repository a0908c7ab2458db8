"""The file system that holds a folder, as the kernel lists it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
"""proc_pid_mountinfo(5)."""
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """A mounted file system."""

    point: str
    """Where it is mounted."""
    kind: str
    """Its type, such as ext4 or nfs4."""
    options: frozenset[str]
    """The options of the mount and of the file system, such as rw and local_lock=all."""


def mount_of(folder: Path, mountinfo: str) -> Mount | None:
    """Return the file system that holds a folder.

    Args:
        folder: An absolute path without links.
        mountinfo: The content of `MOUNTINFO`. Lines that do not follow its format are ignored.

    Returns:
        The file system; None if none of the lines is about it.
    """
    found = None
    for mount in _mounts(mountinfo):
        # A later mount hides an earlier one at the same place.
        inside = folder.is_relative_to(mount.point)
        if inside and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def this_mount(folder: Path) -> Mount | None:
    """Return the file system that holds a folder of this machine; None if the kernel does not say."""
    try:
        return mount_of(folder.resolve(), MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return None


def _mounts(mountinfo: str) -> Iterator[Mount]:
    for line in mountinfo.splitlines():
        of_mount, separator, of_system = line.partition(" - ")
        fields, rest = of_mount.split(" "), of_system.split(" ")
        if separator and len(fields) > 5 and len(rest) > 2:
            options = {*fields[5].split(","), *rest[2].split(",")}
            yield Mount(_unescaped(fields[4]), rest[0], frozenset(options))


def _unescaped(text: str) -> str:
    """Replace the octal codes with which the kernel writes blanks and backslashes."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
