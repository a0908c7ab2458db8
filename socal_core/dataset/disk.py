"""Writing a folder of many files: room on the disk before it, and what an earlier start left."""

import shutil
from pathlib import Path

from socal_core.errors import DataError

RESERVE = 1_000_000_000
"""Bytes that stay free on the disk; files whose size is known only when they are written, as tables, fit in them."""


def check_room(needed: int, place: Path, what: str, advice: str) -> None:
    """Refuse to write `needed` bytes at `place`, which need not exist, when RESERVE would not stay free.

    DataError, which says that `what` needs the room and ends with `advice`; OSError when the disk cannot be asked.
    """
    place = place.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free - RESERVE:
        text = f"needs {needed / 1e9:,.1f} GB, {free / 1e9:,.1f} GB are free and {RESERVE / 1e9:g} GB stay free"
        raise DataError(f"{what} {text}. {advice}")


def remove_leftover(folder: Path, again: str) -> None:
    """Delete what an earlier, killed start left; never through a link.

    DataError when it is one; the message says to do `again`, a verb, what failed.
    """
    if folder.is_symlink():
        raise DataError(f"{folder.name} is a link. Delete it, then {again} again.")
    if folder.exists():
        shutil.rmtree(folder)
