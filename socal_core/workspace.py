"""Where the app keeps what is its own: runs, the demo data set, the remembered data folder."""

import json
import os
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from socal_core.errors import SocalError
from socal_core.installation import CODE_FOLDER, is_checkout
from socal_core.storage import write_json

_CANNOT_WRITE = (
    "The app cannot write to its own folder, where runs and the demo are kept ({reason}). "
    "Start it with SOCAL_WORKSPACE=FOLDER, a folder that may be written to."
)


def workspace() -> Path:
    """Return the app's own folder, made when it is missing.

    It is `SOCAL_WORKSPACE`, else `workspace/` in a checkout, else the user's data directory.
    """
    return _made(Path(os.environ.get("SOCAL_WORKSPACE") or _default_workspace()))


def runs_root() -> Path:
    """The folder that holds one folder for each run."""
    return _made(workspace() / "runs")


def cache_folder() -> Path:
    """Where what can be made again is kept: opened data sets, tracks. May be deleted at any time."""
    return _made(workspace() / "cache")


def demo_folder() -> Path:
    """Where the embedded demo data set lies once it has been drawn."""
    return workspace() / "demo"


def given_data_folder(arguments: list[str]) -> str:
    """The data folder named at the start, by the first argument or by `SOCAL_DATA`; empty when neither is there."""
    return arguments[0] if arguments else os.environ.get("SOCAL_DATA", "")


def remembered_data_folder(given: str) -> str:
    """The data folder to open: the one last chosen in the app, else the one given at the start; empty means the demo.

    A choice counts only as long as the app is started with the same folder as then: a folder newly named
    at the start wins over an old choice.
    """
    settings = _settings()
    if settings.get("given") == given and "data" in settings:
        return str(settings["data"])
    return given


def remember_data_folder(data: str, given: str) -> None:
    """Keep the choice of a data folder for the next session; empty means the demo."""
    _remember({"data": data, "given": given})


def remembered_options(data: str) -> dict[str, Any]:
    """How a data folder was last read, as options.OpenOptions.as_dict gives it; empty when nobody chose anything."""
    options = _settings().get("options")
    found = options.get(data) if isinstance(options, dict) else None
    return found if isinstance(found, dict) else {}


def remember_options(data: str, options: dict[str, Any]) -> None:
    """Keep how a data folder is to be read."""
    kept = _settings().get("options")
    _remember({"options": {**(kept if isinstance(kept, dict) else {}), data: options}})


def _default_workspace() -> Path:
    if is_checkout():
        return CODE_FOLDER / "workspace"
    return user_data_path("socal", appauthor=False)


def _settings() -> dict[str, Any]:
    """What is remembered; empty as on the first day, and when the file was damaged."""
    try:
        settings = json.loads(_settings_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _remember(values: dict[str, Any]) -> None:
    try:
        write_json(_settings_file(), {**_settings(), **values})
    except OSError as error:
        raise SocalError(_CANNOT_WRITE.format(reason=error.strerror)) from None


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SocalError(_CANNOT_WRITE.format(reason=error.strerror)) from None
    return folder


def _settings_file() -> Path:
    return workspace() / "settings.json"
