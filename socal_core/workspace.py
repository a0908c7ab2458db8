"""The app's own folder, which holds the runs, the demo data set and the last chosen data folder."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from socal_core.drafts import remove_leftovers
from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.installation import CODE_FOLDER, is_checkout
from socal_core.json_files import read_json
from socal_core.storage import locked, temporary_folder, write_json

_CANNOT_WRITE = (
    "The app cannot write to its own folder, which holds the runs and the demo ({reason}). "
    "Start it with SOCAL_WORKSPACE=FOLDER, and name a folder that you may write to."
)


_TEMPORARY = ".socal-"
"""The beginning of the names of temporary caches."""
_TIDIED_LEVELS = 4
"""From the workspace down to the folders in that of a run."""
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
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(temporary_folder(_TEMPORARY))
        except OSError as error:
            raise SocalError(f"No temporary folder can be created: {os_reason(error)}. Free some space.") from None
        _temporary_caches.append(folder)
        try:
            yield
        finally:
            _temporary_caches.pop()


def tidy_workspace() -> None:
    """Delete what killed processes left half-written in the app's own folder, but nothing that is being written."""
    level = [workspace()]
    for _ in range(_TIDIED_LEVELS):
        for folder in level:
            remove_leftovers(folder)
        level = [path for folder in level for path in _folders_in(folder)]


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:  # a folder of frames has many, whose type it knows
            return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def demo_folder() -> Path:
    """Return the folder of the demo data set, which exists once the demo has been generated."""
    return workspace() / "demo"


def given_data_folder(arguments: list[str]) -> str:
    """Return the data folder that the first argument or `SOCAL_DATA` names, or "" if neither is given.

    Args:
        arguments: The arguments of the app. An option such as `--insecure` is no folder.
    """
    folders = [argument for argument in arguments if not argument.startswith("--")]
    return folders[0] if folders else os.environ.get("SOCAL_DATA", "")


def remembered_data_folder(given: str, user: str = "") -> str:
    """Return the data folder to open, or "" for the demo.

    It is the folder last chosen in the app, if the app was started with the same folder then. A folder newly given at
    the start takes precedence over an old choice.

    Args:
        given: The data folder given at the start, or "".
        user: The name of the user, "" without a login.
    """
    settings = _settings_of(user)
    if settings.get("given") == given and "data" in settings:
        return str(settings["data"])
    return given


def remember_data_folder(data: str, given: str, user: str = "") -> None:
    """Store the choice of a data folder for the next session of a user.

    Args:
        data: The chosen data folder, or "" for the demo.
        given: The data folder given at the start, or "".
        user: The name of the user, "" without a login.

    Raises:
        SocalError: The app's own folder cannot be written to.
    """
    _remember({"data": data, "given": given}, user)


def remembered_options(data: str, user: str = "") -> dict[str, Any]:
    """Return how a user last read a data folder, as from OpenOptions.as_dict; empty if no options were chosen."""
    return _object(_object(_settings_of(user).get("options")).get(data))


def remember_options(data: str, options: dict[str, Any], user: str = "") -> None:
    """Store how a data folder is to be read.

    Args:
        data: The data folder, or "" for the demo.
        options: The options, as from OpenOptions.as_dict.
        user: The name of the user, "" without a login.

    Raises:
        SocalError: The app's own folder cannot be written to.
    """
    _remember({"options": {data: options}}, user)


def _default_workspace() -> Path:
    if is_checkout():
        return CODE_FOLDER / "workspace"
    return user_data_path("socal", appauthor=False)


def _settings() -> dict[str, Any]:
    """Read what is stored; empty if there is no file yet or if it is damaged."""
    try:
        return _object(read_json(_settings_file()))
    except (OSError, ValueError):
        return {}


def _settings_of(user: str) -> dict[str, Any]:
    return _object(_object(_settings().get("users")).get(user)) if user else _settings()


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _remember(values: dict[str, Any], user: str) -> None:
    try:
        with locked(workspace() / ".settings.lock"):  # several users may choose at the same time
            settings, mine = _settings(), _settings_of(user)
            if "options" in values:
                values = {**values, "options": {**_object(mine.get("options")), **values["options"]}}
            mine = {**mine, **values}
            if user:
                mine = {**settings, "users": {**_object(settings.get("users")), user: mine}}
            write_json(_settings_file(), mine)
    except OSError as error:
        raise SocalError(_CANNOT_WRITE.format(reason=os_reason(error))) from None


def _created(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SocalError(_CANNOT_WRITE.format(reason=os_reason(error))) from None
    return folder


def _settings_file() -> Path:
    return workspace() / "settings.json"
