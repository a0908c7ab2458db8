"""Write the workspace to an archive while runs train.

Files of the workspace are replaced in one step, and logs are only appended to, so each file can be copied as it is. The
checkpoints of a run are a set that changes while it trains: the files of all of them are opened before any is read,
which keeps their content although training may delete them. The logs of the run are read after that, since resuming
drops events that are newer than the checkpoint, but could not add missing ones.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from socal_core import __version__
from socal_core.errors import RunError, SocalError
from socal_core.file_handles import os_reason
from socal_core.runs.checkpoint_folders import list_checkpoints
from socal_core.runs.files.records import MANIFEST
from socal_core.runs.folder import RunFolder
from socal_core.storage import replacing, sync

LIST = ".socal-backup.json"
"""The last entry of an archive: the size and SHA-256 of every file."""
FORMAT = 1
LEFT_OUT = {"cache", "uploads", "queue", "jobs", "logs"}
"""Folders of the workspace with what can be computed again, or is about processes of this machine."""
_CHECKPOINTS = "checkpoints"
_ATTEMPTS = 20
_IN_MEMORY = 64_000_000
"""Bytes up to which a file is read before it is written, in case it is shortened meanwhile."""


@dataclass
class Backup:
    """What an archive contains."""

    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The size and SHA-256 of each file, by its path in the workspace."""
    left_out: list[str] = field(default_factory=list)
    """What is not in it, and why."""


def back_up(workspace: Path, out: Path) -> Backup:
    """Write the workspace to an archive, which appears only when it is complete.

    Args:
        workspace: The workspace.
        out: The archive, a file that does not exist. Only its owner may read it.

    Returns:
        What the archive contains.

    Raises:
        SocalError: The file exists, is inside the workspace, or cannot be written.
    """
    _check_free(workspace, out)
    backup = Backup()
    try:
        with replacing(out) as draft:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o600)
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    _add_workspace(tar, workspace, backup)
                    _add_list(tar, backup)
            sync(draft)
            _check_free(workspace, out)
    except OSError as error:
        raise SocalError(f"{out} cannot be written: {os_reason(error)}. Choose another place.") from None
    return backup


def _check_free(workspace: Path, out: Path) -> None:
    if os.path.lexists(out):
        raise SocalError(f"{out} exists already. Choose another name.")
    if out.absolute().resolve().is_relative_to(workspace.resolve()):
        raise SocalError(f"{out} is inside the workspace. Choose a place outside, best on another disk.")


def _add_workspace(tar: tarfile.TarFile, workspace: Path, backup: Backup) -> None:
    for entry in sorted(workspace.iterdir()):
        # The large folders of a workspace may be links to another disk.
        path = entry.resolve() if entry.is_symlink() and entry.is_dir() else entry
        if entry.name not in LEFT_OUT:
            _add(tar, path, entry.name, backup)


def _add(tar: tarfile.TarFile, path: Path, name: str, backup: Backup) -> None:
    """Add a file or a folder with its content."""
    if _is_temporary(path.name):
        return
    if path.is_symlink():
        backup.left_out.append(f"{name}: a link")
    elif path.is_dir():
        _add_folder(tar, path, name, backup)
    elif path.is_file():
        try:
            with path.open("rb") as file:
                _add_open_file(tar, file, name, backup)
        except FileNotFoundError:
            backup.left_out.append(f"{name}: deleted meanwhile")
    elif path.exists():
        backup.left_out.append(f"{name}: not a file")


def _add_folder(tar: tarfile.TarFile, path: Path, name: str, backup: Backup) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, int(path.stat().st_mtime)
    tar.addfile(entry)
    is_run = (path / _CHECKPOINTS).is_dir()
    if is_run:
        _add_checkpoints(tar, RunFolder(path), name, backup)
    try:
        # Runs before the trash, so that one that is deleted meanwhile is in one of the two.
        entries = sorted(path.iterdir(), key=lambda entry: (entry.name.startswith("."), entry.name))
    except FileNotFoundError:
        backup.left_out.append(f"{name}: deleted meanwhile")
        return
    for inner in entries:
        if not (is_run and inner.name == _CHECKPOINTS):
            _add(tar, inner, f"{name}/{inner.name}", backup)


def _add_checkpoints(tar: tarfile.TarFile, run: RunFolder, name: str, backup: Backup) -> None:
    with _opened_checkpoints(run) as found:
        for checkpoint, files in found.items():
            entry = f"{name}/{_CHECKPOINTS}/{checkpoint}"
            if files is None:
                backup.left_out.append(f"{entry}: deleted meanwhile, or incomplete")
            elif damaged := _damaged_file(files):
                backup.left_out.append(f"{entry}: {damaged} is not as it was saved")
            else:
                for file_name, file in files.items():
                    _add_open_file(tar, file, f"{entry}/{file_name}", backup)


Files = dict[str, io.BufferedReader]


@contextmanager
def _opened_checkpoints(run: RunFolder) -> Iterator[dict[str, Files | None]]:
    """Yield the open files of all checkpoints, by name; None for one that is incomplete.

    It tries again if training has written or deleted a checkpoint meanwhile, since the newest one refers to the best.
    """
    for attempt in range(_ATTEMPTS):
        with ExitStack() as stack:
            listed = list_checkpoints(run)
            found = {path.name: _opened(path, stack) for path in listed}
            if list_checkpoints(run) == listed or attempt == _ATTEMPTS - 1:
                yield found
                return


def _opened(checkpoint: Path, stack: ExitStack) -> Files | None:
    """Open the manifest of a checkpoint and all files that it lists; None if one is missing."""
    try:
        manifest = MANIFEST.read(checkpoint, f"Checkpoint {checkpoint.name}")
        names = [] if manifest is None else [*manifest.files, MANIFEST.name]
        if any(Path(name).name != name for name in names):
            return None
        return {name: stack.enter_context((checkpoint / name).open("rb")) for name in names} or None
    except (FileNotFoundError, NotADirectoryError, RunError):
        return None


def _damaged_file(files: Files) -> str:
    """Return the name of the first file that differs from the manifest; "" if none does."""
    manifest = json.loads(files[MANIFEST.name].read())["files"]
    files[MANIFEST.name].seek(0)
    for name, (size, digest) in manifest.items():
        file = files[name]
        found = os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        if found != (size, digest):
            return str(name)
    return ""


def _add_open_file(tar: tarfile.TarFile, file: io.BufferedReader, name: str, backup: Backup) -> None:
    found = os.fstat(file.fileno())
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime, entry.size = found.st_mode & 0o777, found.st_mtime, found.st_size
    source: io.BufferedReader | io.BytesIO = file
    if found.st_size <= _IN_MEMORY:
        content = file.read(found.st_size)  # no more than that: it may be growing
        source, entry.size = io.BytesIO(content), len(content)
    reader = _Hashing(source)
    tar.addfile(entry, reader)
    backup.files[name] = entry.size, reader.digest.hexdigest()


class _Hashing(io.RawIOBase):
    """A file that computes the SHA-256 of what is read from it."""

    def __init__(self, file: io.BufferedReader | io.BytesIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.digest.update(content)
        return content


def _add_list(tar: tarfile.TarFile, backup: Backup) -> None:
    now = datetime.now(UTC)
    about = {"format": FORMAT, "socal_core": __version__, "time": now.isoformat(timespec="seconds")}
    content = json.dumps({**about, "left_out": backup.left_out, "files": backup.files}, indent=1).encode("ascii")
    entry = tarfile.TarInfo(LIST)
    entry.mode, entry.mtime, entry.size = 0o600, int(now.timestamp()), len(content)
    tar.addfile(entry, io.BytesIO(content))


def _is_temporary(name: str) -> bool:
    """Return whether a file or folder is half-written, or exists only for its lock."""
    return name.endswith(".lock") or (name.startswith(".") and name.endswith(".tmp"))
