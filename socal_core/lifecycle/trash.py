"""The trash for deleted runs: they are moved there, can be restored, and are removed when the trash is emptied."""

import errno
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from socal_core.errors import RunError
from socal_core.file_handles import os_reason
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.new_names import create_first_free, numbered
from socal_core.lifecycle.state import read_status
from socal_core.runs.folder import RunExistsError, RunFolder

TRASH = ".trash"
"""The name of the folder next to the runs; a folder whose name starts with a dot is never a run."""
_TIME = "%Y%m%d-%H%M%S-%f"
_ENTRY = re.compile(r"(?P<run>.+)-(?P<time>\d{8}-\d{6}-\d{6})", re.DOTALL)


@dataclass(frozen=True)
class TrashedRun:
    """A run in the trash."""

    path: Path
    name: str
    """The name of its folder before it was deleted."""
    time: str
    """The time of deletion in UTC, in a form that sorts by age."""

    def read_owner(self) -> str | None:
        """Return the name of the user who started the run; None if that is not known."""
        return RunFolder(self.path).read_owner()


def trash(run: RunFolder) -> TrashedRun:
    """Move the folder of a run into the trash.

    Raises:
        RunError: The run is waiting or active, no longer exists, or cannot be moved.
    """
    try:
        if read_status(run).state.alive:
            raise RunError(f"Run {run.name} is waiting or active. Stop it, then delete it.")
        lock = take_lock(run.lock_file, run.name)
    except FileNotFoundError:
        raise _gone(run.name) from None
    except OSError as error:
        raise _unmoved(f"Run {run.name} cannot be deleted", error) from None
    # From here on the run cannot be started: a process that waits for the lock no longer finds the folder.
    try:
        return _move_aside(run)
    finally:
        os.close(lock)


def list_trash(root: Path) -> list[TrashedRun]:
    """Return the deleted runs of a folder of runs, the last deleted first."""
    try:
        entries = list((root / TRASH).iterdir())
    except OSError:
        return []
    matches = [(path, _ENTRY.fullmatch(path.name)) for path in entries]
    found = [TrashedRun(path, match["run"], match["time"]) for path, match in matches if match]
    return sorted(found, key=lambda entry: (entry.time, entry.name), reverse=True)


def restore(entry: TrashedRun) -> RunFolder:
    """Restore a deleted run under its name, with a number appended if that name is taken.

    Raises:
        RunError: The run is no longer in the trash, or cannot be moved.
    """
    return create_first_free(numbered(entry.path.parents[1], entry.name), partial(_move_back, entry))


def empty_trash(entries: Sequence[TrashedRun]) -> None:
    """Remove deleted runs permanently.

    Raises:
        RunError: Some could not be removed completely; the message names them.
    """
    for entry in entries:
        if entry.path.is_symlink():
            entry.path.unlink(missing_ok=True)
        else:
            shutil.rmtree(entry.path, ignore_errors=True)  # another tab may also be removing it
    left = [entry.name for entry in entries if os.path.lexists(entry.path)]
    if left:
        raise RunError(
            f"Not completely removed: {', '.join(left)}. Check that the app may write to its folder of runs."
        )


def size_of(entries: Sequence[TrashedRun]) -> int:
    """Return the size of deleted runs in bytes, without files that disappear meanwhile."""
    return sum(size_of_folder(entry.path) for entry in entries)


def size_of_folder(path: Path) -> int:
    """Return the size of all files below a folder in bytes, without files that disappear meanwhile."""
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += Path(folder, name).lstat().st_size
            except OSError:
                continue
    return total


def _move_back(entry: TrashedRun, target: Path) -> RunFolder:
    try:
        entry.path.rename(target)
    except FileNotFoundError:
        raise RunError(f"Run {entry.name} is no longer in the trash. Reload the page.") from None
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:  # taken since
            raise RunExistsError(target.name) from None
        raise _unmoved(f"Run {entry.name} cannot be restored", error) from None
    return RunFolder(target)


def _move_aside(run: RunFolder) -> TrashedRun:
    time = datetime.now(UTC).strftime(_TIME)
    target = run.path.parent / TRASH / f"{run.name}-{time}"
    try:
        target.parent.mkdir(exist_ok=True)
        run.path.rename(target)
    except FileNotFoundError:
        raise _gone(run.name) from None
    except OSError as error:
        raise _unmoved(f"Run {run.name} cannot be deleted", error) from None
    return TrashedRun(target, run.name, time)


def _gone(name: str) -> RunError:
    return RunError(f"Run {name} no longer exists: it was moved, or deleted in another window. Reload the page.")


def _unmoved(what: str, error: OSError) -> RunError:
    return RunError(f"{what}: {os_reason(error)}. Check that the app may write to its folder of runs.")
