"""List the runs in a folder."""

from pathlib import Path
from stat import S_ISREG

from socal_core.runs.folder import RunFolder
from socal_core.storage import entries_of


def list_runs(root: Path) -> list[RunFolder]:
    """Return the runs directly below a folder, newest first."""
    ages = [(_age(run), run.name, run) for run in _folders(root)]
    return [run for age, _, run in sorted(ages, key=lambda item: item[:2], reverse=True) if age]


def list_ruins(root: Path) -> list[RunFolder]:
    """Return the folders directly below a folder that contain files of a run but no config.json, by name."""
    return [run for run in _folders(root) if not _age(run) and _holds_something(run)]


def _folders(root: Path) -> list[RunFolder]:
    """Return the entries of a folder that may be runs, by name; other entries start with a dot."""
    return [RunFolder(path) for path in sorted(entries_of(root)) if not path.name.startswith(".")]


def _age(run: RunFolder) -> int:
    """Return the time when config.json was written, in ns since 1970; 0 if it does not exist or cannot be read."""
    try:
        found = run.config_file.stat()
    except OSError:
        return 0
    return found.st_mtime_ns if S_ISREG(found.st_mode) else 0


def _holds_something(run: RunFolder) -> bool:
    names = {run.split_file, run.events_file, run.status_file, run.checkpoints, run.metrics_file, run.predictions_file}
    try:
        return any(entry in names | {run.config_file, run.log_file, run.notes_file} for entry in run.path.iterdir())
    except OSError:
        return run.path.is_dir()  # a folder without permission to read it
