"""The end of the log of a worker, without paths of the server, for display on a page."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from socal_core.errors import SocalError
from socal_core.installation import CODE_FOLDER
from socal_core.runs.folder import RunFolder

LINES = 15
_TAIL_BYTES = 32_768
_LONGEST = 400
"""Number of characters of a line that are shown."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
# An absolute path outside the known folders, but not a part of a web address or a relative path.
_PATH = re.compile(r"(?<![\w.:/~…-])/(?:[^\s/\"'<>|:,;]+/)+")


def log_tail(run: RunFolder, lines: int = LINES) -> list[str]:
    """Return the last lines that the worker of a run printed, without paths of the server.

    Args:
        run: The run.
        lines: The largest number of lines.
    """
    names = {run.path: run.name}
    try:
        data = run.read_data()
        names[data] = data.name
    except SocalError:
        pass  # the page reports elsewhere that the settings cannot be read
    return tail_of(run.log_file, names, lines)


def tail_of(file: Path, names: Mapping[Path, str], lines: int = LINES) -> list[str]:
    """Return the last lines of a log, without paths of the server.

    Args:
        file: The log. If it cannot be read, there are no lines.
        names: Folders whose paths may occur in the log, and the names that replace them.
        lines: The largest number of lines.
    """
    try:
        with file.open("rb") as log:
            start = max(0, log.seek(0, 2) - _TAIL_BYTES)
            log.seek(start)
            text = log.read(_TAIL_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return []
    # A progress bar overwrites its line: only its last state is kept.
    found = [_CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]).rstrip() for line in text.split("\n")]
    if start:
        found = found[1:]  # its beginning is cut off, so a path in it may not be recognized
    hidden = _hidden_folders(names)
    return [_without_paths(line, hidden)[:_LONGEST] for line in found if line][-lines:]


def _without_paths(line: str, hidden: list[tuple[str, str]]) -> str:
    for folder, name in hidden:
        line = line.replace(folder, name)
    return _PATH.sub("…/", line)


def _hidden_folders(names: Mapping[Path, str]) -> list[tuple[str, str]]:
    """Return the folders whose paths may occur in a log, and their replacements, longest path first."""
    known = {**names, CODE_FOLDER: CODE_FOLDER.name, Path.home(): "~", Path(sys.prefix): "python"}
    both = {str(form): name for path, name in known.items() for form in (path, path.resolve())}
    return sorted(((path, name) for path, name in both.items() if len(path) > 1), key=lambda item: -len(item[0]))
