"""Restore an archive that backup.py has written into an empty workspace."""

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.maintenance.backup import FORMAT, LIST
from socal_core.storage import new_folder

_DRAFT = ".restored"
_BLOCK = 1 << 20
_LONGEST_LIST = 1_000_000_000


def restore(archive: Path, workspace: Path) -> int:
    """Fill an empty workspace with the content of an archive.

    Args:
        archive: An archive of a workspace.
        workspace: The folder, which is empty or does not exist.

    Returns:
        The number of files.

    Raises:
        SocalError: The folder is not empty, or the archive is incomplete, changed or not of a workspace. Then nothing
            of it is left.
    """
    try:
        with _empty_folder(workspace), tarfile.open(archive, "r:") as tar, new_folder(workspace / _DRAFT) as draft:
            found, listed = _unpacked(tar, draft)
            _check_complete(found, listed)
            _move_up(draft, workspace)
        (workspace / _DRAFT).rmdir()
    except tarfile.TarError as error:
        raise _refused(str(error)) from None
    except OSError as error:
        raise SocalError(f"The archive cannot be restored: {os_reason(error)}. Nothing was changed.") from None
    return len(found)


@contextmanager
def _empty_folder(folder: Path) -> Iterator[None]:
    """Create a folder, or check that it is empty; delete it again after a failure if it was created."""
    created = not folder.exists()
    if created:
        folder.mkdir(parents=True, mode=0o700)
    elif any(folder.iterdir()):
        raise SocalError(f"{folder} is not empty. Choose another folder with --workspace, or move its content away.")
    try:
        yield
    except BaseException:
        if created:
            with suppress(OSError):
                folder.rmdir()
        raise


Found = dict[str, tuple[int, str]]


def _unpacked(tar: tarfile.TarFile, draft: Path) -> tuple[Found, Any]:
    """Unpack an archive.

    Returns:
        The size and SHA-256 of each file that was written, and the list that the archive ends with.
    """
    found: Found = {}
    for member in tar:
        if member.name == LIST:
            if tar.next() is not None:
                raise _refused("something follows its list")
            return found, _read_list(tar, member)
        if not (member.isreg() or member.isdir()):
            raise _refused(f"{member.name} is neither a file nor a folder")
        safe = tarfile.data_filter(member, str(draft))  # refuses what would be outside the folder
        if safe.name != member.name:
            raise _refused(f"{member.name} is not a path inside the workspace")
        path = draft / safe.name
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            found[member.name] = _write(tar, member, path, safe.mode)
    raise _refused("it ends too early")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, mode: int | None) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    source = tar.extractfile(member)
    if source is None:
        raise _refused(f"{member.name} cannot be read")
    with source, path.open("xb") as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
            file.write(block)
        os.fchmod(file.fileno(), 0o600 if mode is None else mode)
    os.utime(path, (member.mtime, member.mtime))
    return size, digest.hexdigest()


def _read_list(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    source = tar.extractfile(member) if member.isreg() and member.size < _LONGEST_LIST else None
    try:
        return {} if source is None else json.loads(source.read())
    except ValueError:
        raise _refused("its list is damaged") from None


def _check_complete(found: Found, listed: Any) -> None:
    if not isinstance(listed, dict) or not isinstance(listed.get("files"), dict):
        raise _refused("its list is damaged")
    if listed.get("format") != FORMAT:
        raise _refused(f"it has format {listed.get('format')!r}, this version reads {FORMAT}")
    wanted = {name: tuple(values) if isinstance(values, list) else values for name, values in listed["files"].items()}
    if found.keys() != wanted.keys():
        raise _refused(f"{min(found.keys() ^ wanted.keys())} is missing, or should not be there")
    if changed := sorted(name for name in found if found[name] != wanted[name]):
        raise _refused(f"{changed[0]} was changed")


def _move_up(draft: Path, workspace: Path) -> None:
    """Move the content of the draft into the workspace, which may be a mount point and so cannot be replaced."""
    moved: list[Path] = []
    try:
        for entry in sorted(draft.iterdir()):
            target = workspace / entry.name
            if os.path.lexists(target):
                raise SocalError(f"{target} was created meanwhile. Stop the app, and restore again.")
            entry.rename(target)
            moved.append(target)
    except BaseException:
        for target in moved:
            shutil.rmtree(target, ignore_errors=True) if target.is_dir() else target.unlink(missing_ok=True)
        raise


def _refused(reason: str) -> SocalError:
    return SocalError(f"The archive cannot be restored: {reason}. Nothing was changed. Use another backup.")
