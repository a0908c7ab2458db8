"""The end of a worker's log, fit to be shown to whoever looks at the page."""

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
"""Characters of a line that are shown."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
# A path of which no folder is known. Not the inside of an address on the web, nor a path that is relative.
_PATH = re.compile(r"(?<![\w.:/~…-])/(?:[^\s/\"'<>|:,;]+/)+")


def log_tail(run: RunFolder, lines: int = LINES) -> list[str]:
    """The last lines that a run's worker printed, without the server's paths; empty when it printed nothing."""
    names = {run.path: run.name}
    try:
        data = run.read_data()
        names[data] = data.name
    except SocalError:
        pass  # the page says elsewhere that the settings cannot be read
    return tail_of(run.log_file, names, lines)


def tail_of(file: Path, names: Mapping[Path, str], lines: int = LINES) -> list[str]:
    """Return the last lines of a log, without the server's paths.

    Args:
        file: The log; one that cannot be read has no lines.
        names: Folders that may stand in it, and what is shown for each.
        lines: How many lines at most.
    """
    try:
        with file.open("rb") as log:
            start = max(0, log.seek(0, 2) - _TAIL_BYTES)
            log.seek(start)
            text = log.read(_TAIL_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return []
    # Of a progress bar, which writes over itself, the last state.
    found = [_CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]).rstrip() for line in text.split("\n")]
    if start:
        found = found[1:]  # cut at its beginning, where a path could no longer be told
    hidden = _hidden_folders(names)
    return [_without_paths(line, hidden)[:_LONGEST] for line in found if line][-lines:]


def _without_paths(line: str, hidden: list[tuple[str, str]]) -> str:
    for folder, name in hidden:
        line = line.replace(folder, name)
    return _PATH.sub("…/", line)


def _hidden_folders(names: Mapping[Path, str]) -> list[tuple[str, str]]:
    """Folders that may stand in a log and what is shown for each, the longest first."""
    known = {**names, CODE_FOLDER: CODE_FOLDER.name, Path.home(): "~", Path(sys.prefix): "python"}
    both = {str(form): name for path, name in known.items() for form in (path, path.resolve())}
    return sorted(((path, name) for path, name in both.items() if len(path) > 1), key=lambda item: -len(item[0]))
