"""Check that the disk has room for a folder before it is written."""

import shutil
from pathlib import Path

from socal_core.errors import DataError

RESERVE = 1_000_000_000
"""Bytes to keep free on the disk. They leave room for files whose size is not known in advance, such as tables."""


def check_room(needed: int, path: Path, what: str, advice: str) -> None:
    """Check that the disk has room for `needed` bytes and RESERVE.

    Args:
        needed: Number of bytes to be written.
        path: The file or folder to be written; it need not exist.
        what: What needs the room, as the subject of the message.
        advice: The last sentence of the message.

    Raises:
        DataError: There is too little room.
        OSError: The free space cannot be determined.
    """
    path = path.absolute()
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    if needed > free - RESERVE:
        text = f"needs {needed / 1e9:,.1f} GB, {free / 1e9:,.1f} GB are free and {RESERVE / 1e9:g} GB must stay free"
        raise DataError(f"{what} {text}. {advice}")
