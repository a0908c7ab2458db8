"""The app's own folder, which holds the runs, the demo data set and the last chosen data folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from socal_core.errors import SocalError
from socal_core.installation import CODE_FOLDER, is_checkout
from socal_core.storage import read_json, write_json

_CANNOT_WRITE = (
    "The app cannot write to its own folder, which holds the runs and the demo ({reason}). "
    "Start it with SOCAL_WORKSPACE=FOLDER, and name a folder that you may write to."
)


_temporary_caches: list[Path] = []


def workspace() -> Path:
    """Return the app's own folder, and create it if it is missing.

    It is `SOCAL_WORKSPACE`, else `workspace/` in a checkout, else the user's data directory.

    Raises:
        SocalError: The folder cannot be created.
    """
    return _created(Path(os.environ.get("SOCAL_WORKSPACE") or _default_workspace()))


def runs_root() -> Path:
    """Return the folder that holds one folder per run, and create it if it is missing."""
    return _created(workspace() / "runs")


def cache_folder() -> Path:
    """Return the folder of data that can be computed again, such as opened data sets and tracks.

    It is created if it is missing, and may be deleted at any time.
    """
    return _created(_temporary_caches[-1] if _temporary_caches else workspace() / "cache")


@contextmanager
def temporary_cache() -> Iterator[None]:
    """Let this process keep what it computes in a folder that is deleted at the end of the `with` block.

    For frames that are seen once, of which nothing is to be left on the disk.

    Raises:
        SocalError: The folder cannot be created.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="socal-", ignore_cleanup_errors=True)
    except OSError as error:
        raise SocalError(f"No temporary folder can be created: {error.strerror}. Free some space.") from None
    with folder as path:
        _temporary_caches.append(Path(path))
        try:
            yield
        finally:
            _temporary_caches.pop()


def demo_folder() -> Path:
    """Return the folder of the demo data set, which exists once the demo has been generated."""
    return workspace() / "demo"


def given_data_folder(arguments: list[str]) -> str:
    """Return the data folder that the first argument or `SOCAL_DATA` names, or "" if neither is given."""
    return arguments[0] if arguments else os.environ.get("SOCAL_DATA", "")


def remembered_data_folder(given: str) -> str:
    """Return the data folder to open, or "" for the demo.

    It is the folder last chosen in the app, if the app was started with the same folder then. A folder newly given at
    the start takes precedence over an old choice.

    Args:
        given: The data folder given at the start, or "".
    """
    settings = _settings()
    if settings.get("given") == given and "data" in settings:
        return str(settings["data"])
    return given


def remember_data_folder(data: str, given: str) -> None:
    """Store the choice of a data folder for the next session.

    Args:
        data: The chosen data folder, or "" for the demo.
        given: The data folder given at the start, or "".

    Raises:
        SocalError: The app's own folder cannot be written to.
    """
    _remember({"data": data, "given": given})


def remembered_options(data: str) -> dict[str, Any]:
    """Return how a data folder was last read, as from OpenOptions.as_dict; empty if no options were chosen."""
    options = _settings().get("options")
    found = options.get(data) if isinstance(options, dict) else None
    return found if isinstance(found, dict) else {}


def remember_options(data: str, options: dict[str, Any]) -> None:
    """Store how a data folder is to be read.

    Args:
        data: The data folder, or "" for the demo.
        options: The options, as from OpenOptions.as_dict.

    Raises:
        SocalError: The app's own folder cannot be written to.
    """
    kept = _settings().get("options")
    _remember({"options": {**(kept if isinstance(kept, dict) else {}), data: options}})


def _default_workspace() -> Path:
    if is_checkout():
        return CODE_FOLDER / "workspace"
    return user_data_path("socal", appauthor=False)


def _settings() -> dict[str, Any]:
    """Read what is stored; empty if there is no file yet or if it is damaged."""
    try:
        settings = read_json(_settings_file())
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _remember(values: dict[str, Any]) -> None:
    try:
        write_json(_settings_file(), {**_settings(), **values})
    except OSError as error:
        raise SocalError(_CANNOT_WRITE.format(reason=error.strerror)) from None


def _created(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SocalError(_CANNOT_WRITE.format(reason=error.strerror)) from None
    return folder


def _settings_file() -> Path:
    return workspace() / "settings.json"
