"""Receive what a user uploads: a zip of frames, or a video. Its content decides what it is, never its name."""

import shutil
from pathlib import Path
from typing import BinaryIO

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.material import PICTURES, VIDEOS, material_id, open_material
from socal_core.dataset.problems import printable
from socal_core.disk import check_room
from socal_core.errors import DataError
from socal_core.fetch.unpack import DamagedArchive, unpack
from socal_core.file_handles import os_reason

LARGEST_UPLOAD_MB = 500
"""Also `maxUploadSize` in .streamlit/config.toml. Five minutes of video take 50 to 300 MB."""
LARGEST_UNPACKED = 4_000_000_000
"""Bytes that a zip may grow to."""
_HEAD = 12
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""The first bytes of a zip, of one without entries, and of one in parts."""


def receive(file: BinaryIO, name: str, size: int, folder: Path, largest_mb: int = LARGEST_UPLOAD_MB) -> Dataset:
    """Check an uploaded file, unpack it if it is a zip, and open it. If that fails, nothing of it is left.

    Args:
        file: The upload, read from its beginning.
        name: The name that the user's machine gave it, which is only shown.
        size: Its size in bytes.
        folder: An empty folder, which keeps the material.
        largest_mb: The largest size in MB.

    Returns:
        The material.

    Raises:
        DataError: It is too large, it is neither a zip nor a video, it is unsafe, or no frame can be read.
    """
    try:
        return _received(file, printable(name.replace("\\", "/").rpartition("/")[2]), size, folder, largest_mb)
    except OSError as error:
        _clear(folder)
        raise DataError(f"The upload cannot be kept: {os_reason(error)}. Free some space on the server.") from error
    except BaseException:
        _clear(folder)
        raise


def _received(file: BinaryIO, name: str, size: int, folder: Path, largest_mb: int) -> Dataset:
    if size > largest_mb * 1_000_000:
        raise DataError(
            f"{name} has {size / 1e6:,.0f} MB, more than the {largest_mb} MB that can be uploaded. Copy it to "
            "the server, and type its folder."
        )
    file.seek(0)
    suffix = _suffix_of(file.read(_HEAD))
    if not suffix:
        raise DataError(
            f"{name} is neither a zip of frames ({PICTURES}) nor a video ({VIDEOS}), whatever it is called."
        )
    check_room(size, folder, name, "Free some space on the server.")
    own = folder / f"{material_id(Path(name).stem)}{suffix}"
    file.seek(0)
    with own.open("xb") as target:
        shutil.copyfileobj(file, target)
    if suffix != ".zip":
        return open_material(own)
    try:
        unpack(own, own.with_suffix(""), largest=LARGEST_UNPACKED)
    except DamagedArchive as error:
        raise DataError(f"{name} is truncated or damaged. Create the zip again, and upload that.") from error
    own.unlink()
    return open_material(own.with_suffix(""))


def _suffix_of(head: bytes) -> str:
    """Return the extension of files that begin like this, "" if it is neither a zip nor a video."""
    # OpenCV takes a while to load.
    from socal_core.dataset.video import container_of

    return ".zip" if head[:4] in _ZIPS else container_of(head)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
