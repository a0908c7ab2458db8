"""Which folders and files of the machine visitors of the app may open: those below the data roots of `server.toml`."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from socal_core.access.server_config import read_server_config
from socal_core.errors import DataError

MOST_LISTED = 1000
"""The number of entries of a folder that are offered."""


def data_roots() -> tuple[Path, ...]:
    """Return the data roots; none if any folder may be opened.

    Raises:
        SocalError: The configuration of the server cannot be read.
    """
    return read_server_config().data_roots


def allowed(path: Path, roots: Sequence[Path], also: Sequence[Path] = ()) -> Path:
    """Return a path that visitors may open, as the path to open it by.

    Args:
        path: A folder or file, which need not exist.
        roots: The data roots. If there are none, every path is allowed and returned as it is.
        also: Folders of the app itself whose content may be used as well.

    Returns:
        The path without links, so that a link that changes later leads nowhere else.

    Raises:
        DataError: It is outside of the data roots. The message does not tell whether it exists.
    """
    if not roots:
        return path
    try:
        found = path.resolve()
        inside = any(found.is_relative_to(root.resolve()) for root in (*roots, *also))
    except (OSError, RuntimeError, ValueError):  # a circle of links, or a null character
        inside = False
    if inside:
        return found
    raise DataError(
        f"{path.name or path} is outside of the folders that this server opens. Choose a folder below one of them, or "
        "ask the administrator to add it to data_roots."
    )


def entries_of(folder: Path, roots: Sequence[Path], suffixes: Collection[str] = ()) -> list[str]:
    """Return the names of the folders in a folder that visitors may open, and of files with some suffixes.

    Args:
        folder: A folder below the data roots.
        roots: The data roots.
        suffixes: The suffixes, in lower case and with their dot.

    Returns:
        The names in order, at most MOST_LISTED, without hidden entries and links that lead out of the data roots; none
        if the folder cannot be read.
    """
    try:
        with os.scandir(allowed(folder, roots)) as entries:
            found = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except (DataError, OSError):
        return []
    names = (name for name in found if _offered(folder / name, roots, suffixes))
    return [name for name, _ in zip(names, range(MOST_LISTED), strict=False)]


def _offered(path: Path, roots: Sequence[Path], suffixes: Collection[str]) -> bool:
    try:
        return (path.is_dir() or path.suffix.lower() in suffixes) and bool(allowed(path, roots))
    except (DataError, OSError):
        return False
