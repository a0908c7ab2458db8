"""Writing a folder of many files: room on the disk before it."""

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
