"""Measure, limit and remove the stores of frames and features."""

import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socal_core.access.server_config import read_server_config
from socal_core.clips.store import ABOUT_FILE, LOCK_FILE, stores_folder
from socal_core.disk import RESERVE
from socal_core.errors import ConfigError
from socal_core.json_files import read_json
from socal_core.storage import try_lock

LIMIT_VARIABLE = "SOCAL_CACHE_GB"
DEFAULT_LIMIT_GB = 20.0
"""Four times the size of all SOCAL frames at 224 px."""
_REMOVED = ".removed-"


@dataclass(frozen=True)
class StoreInfo:
    """What is known about a store without its data set."""

    folder: Path
    data: Path
    """The data folder that contains its frames."""
    shape: tuple[int, int, int]
    """Shape of a frame, (3, height, width)."""
    recipe: dict[str, Any]
    """How the frames are resized and cropped; see `Preprocessor.recipe`."""
    encoder: str
    """The encoder whose features it contains; "" if it contains frames."""
    bytes: int
    """Size on the disk."""
    last_used: float
    """Seconds since 1970."""

    def in_use(self) -> bool:
        """Return whether a process uses it now, so that it cannot be removed."""
        try:
            lock = try_lock(self.folder / LOCK_FILE)
        except OSError:
            return False  # removed in the meantime, or owned by another user
        if lock is None:
            return True
        os.close(lock)
        return False


def limit_bytes() -> int:
    """Return the size limit of all stores together: SOCAL_CACHE_GB, or 20 GB; on a server at most its `cache_gb`.

    Raises:
        ConfigError: The variable is not a number from 0 to 1,000,000.
        SocalError: The configuration of the server cannot be read.
    """
    quota = read_server_config().quotas.cache_gb
    text = os.environ.get(LIMIT_VARIABLE, "")
    try:
        limit = float(text) if text else DEFAULT_LIMIT_GB
        if not 0 <= limit <= 1e6:
            raise ValueError
    except ValueError:
        raise ConfigError(LIMIT_VARIABLE, "must be a number of GB, 0 to switch the cache off", text) from None
    return int((limit if quota is None else min(limit, quota)) * 1e9)


def list_stores() -> list[StoreInfo]:
    """Return the stores of this workspace, the least recently used first. Other folders are left out."""
    infos = [info for folder in _folders() if (info := _info(folder)) is not None]
    return sorted(infos, key=lambda info: info.last_used)


def remove_store(folder: Path) -> bool:
    """Delete a store. Return False if it is in use."""
    try:
        lock = try_lock(folder / LOCK_FILE)
    except FileNotFoundError:
        return True  # another process removed it
    if lock is None:
        return False
    try:
        # Renaming is atomic: no other process can open a partly deleted store.
        gone = folder.with_name(_REMOVED + uuid.uuid4().hex)
        folder.rename(gone)
        shutil.rmtree(gone)
    finally:
        os.close(lock)
    return True


def make_room(needed: int, keep: Path) -> str:
    """Remove the least recently used stores until there is room for more bytes, below the limit and on the disk.

    Args:
        needed: Number of bytes to be added to `keep`.
        keep: Folder of a store that is not removed. Stores in use are not removed either.

    Returns:
        "", or why there is no room.
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
            f"allowed ({LIMIT_VARIABLE}, or cache_gb of the server)"
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
    except (FileNotFoundError, NotADirectoryError):
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
        values = read_json(about)
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
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _size(folder: Path) -> int:
    """Return the bytes on the disk, which are fewer than the lengths of the files while frames are missing."""
    total = 0
    try:
        for entry in os.scandir(folder):
            total += entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        pass  # removed in the meantime
    return total


def _free() -> int:
    folder = stores_folder()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
