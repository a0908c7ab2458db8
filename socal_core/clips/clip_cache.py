"""All stores of frames and features: their size, the limit, and their removal."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socal_core.clips.store import ABOUT_FILE, LOCK_FILE, stores_folder
from socal_core.disk import RESERVE
from socal_core.errors import ConfigError
from socal_core.storage import try_lock

LIMIT_VARIABLE = "SOCAL_CACHE_GB"
DEFAULT_LIMIT_GB = 20.0
"""Four times the whole of SOCAL at 224 px."""
_REMOVED = ".removed-"


@dataclass(frozen=True)
class StoreInfo:
    """What is known about a store without its data set."""

    folder: Path
    data: Path
    """The data folder that its frames are from."""
    shape: tuple[int, int, int]
    """Of a frame: (3, height, width)."""
    recipe: dict[str, Any]
    encoder: str
    """The encoder whose features it keeps; "" if it keeps frames."""
    bytes: int
    """Its size on the disk."""
    last_used: float
    """Seconds since 1970."""

    def in_use(self) -> bool:
        """Whether a run or a filling is using it now, so that it cannot be removed."""
        try:
            lock = try_lock(self.folder / LOCK_FILE)
        except OSError:
            return False  # removed meanwhile, or another user's
        if lock is None:
            return True
        os.close(lock)
        return False


def limit_bytes() -> int:
    """The size limit of all stores together: SOCAL_CACHE_GB, or 20 GB; ConfigError if it is not a number."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    try:
        limit = float(text) if text else DEFAULT_LIMIT_GB
        if not 0 <= limit <= 1e6:
            raise ValueError
    except ValueError:
        raise ConfigError(LIMIT_VARIABLE, "must be a number of GB, 0 to switch the cache off", text) from None
    return int(limit * 1e9)


def list_stores() -> list[StoreInfo]:
    """The stores of this workspace, the least recently used first; anything that is not a store is left out."""
    infos = [info for folder in _folders() if (info := _info(folder)) is not None]
    return sorted(infos, key=lambda info: info.last_used)


def remove_store(folder: Path) -> bool:
    """Delete a store; False when a run is using it."""
    try:
        lock = try_lock(folder / LOCK_FILE)
    except FileNotFoundError:
        return True  # another process removed it
    if lock is None:
        return False
    try:
        # The rename takes one step: no other process can open a partly deleted store.
        gone = folder.with_name(_REMOVED + uuid.uuid4().hex)
        folder.rename(gone)
        shutil.rmtree(gone)
    finally:
        os.close(lock)
    return True


def make_room(needed: int, keep: Path) -> str:
    """Make room for `needed` more bytes below the limit and on the disk, by removing the least recently used stores.

    The store `keep` and those in use are not removed. Returns "", or why there is no room.
    """
    _sweep()
    limit = limit_bytes()
    others = [info for info in list_stores() if info.folder != keep]
    own = _size(keep)
    total = own + sum(info.bytes for info in others)
    for info in others:
        if total + needed <= limit and needed + RESERVE <= _free():
            break
        if own + needed <= limit and remove_store(info.folder):
            total -= info.bytes
    if total + needed > limit:
        return (
            f"it would take {(total + needed) / 1e9:.1f} GB with what is already kept, but only {limit / 1e9:g} GB are "
            f"allowed ({LIMIT_VARIABLE})"
        )
    if needed + RESERVE > _free():
        return (
            f"it needs {needed / 1e9:.1f} GB more; {_free() / 1e9:.1f} GB are free on the disk, of which "
            f"{RESERVE / 1e9:g} GB are kept free"
        )
    return ""


def _folders() -> Iterator[Path]:
    try:
        yield from (path for path in stores_folder().iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return


def _sweep() -> None:
    """Delete the remains of interrupted removals, and stores without the file that describes them."""
    if stores_folder().is_dir():
        for path in stores_folder().glob(f"{_REMOVED}*"):
            shutil.rmtree(path, ignore_errors=True)
    for folder in _folders():
        if _info(folder) is None:
            remove_store(folder)


def _info(folder: Path) -> StoreInfo | None:
    about = folder / ABOUT_FILE
    try:
        values = json.loads(about.read_text(encoding="utf-8"))
        channels, height, width = values["shape"]
        shape = (int(channels), int(height), int(width))
        return StoreInfo(
            folder=folder,
            data=Path(values["data"]),
            shape=shape,
            recipe=dict(values["recipe"]),
            encoder=str(values.get("encoder", "")),
            bytes=_size(folder),
            last_used=about.stat().st_mtime,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _size(folder: Path) -> int:
    """Bytes on the disk; the files are sparse where no frame is kept yet."""
    total = 0
    try:
        for entry in os.scandir(folder):
            total += entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        pass  # removed meanwhile
    return total


def _free() -> int:
    place = stores_folder()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
