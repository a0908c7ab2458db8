"""Whether the locks of the workspace (storage.py) keep two processes apart.

A run has one worker, and a GPU one run, because the kernel grants a lock once. A network file system may grant it
twice: to two machines, or to any two processes.
"""

import errno
import fcntl
import tempfile
from pathlib import Path

from socal_core.maintenance.mounts import Mount, this_mount

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL, errno.EIO}
_LOCAL_OPTIONS = {
    "nfs": {"nolock", "local_lock=all", "local_lock=flock"},  # nfs(5)
    "cifs": {"nobrl", "nolock"},  # mount.cifs(8)
    "lustre": {"localflock"},  # mount.lustre(8)
    "gfs2": {"localflocks"},
    "ocfs2": {"localflocks"},
}
"""Mount options with which a lock counts only on the machine that takes it."""
_LOCAL_KINDS = {"fuse.sshfs", "fuse.rclone", "fuse.s3fs", "vboxsf"}
"""File systems that leave locks to each machine."""

BROKEN = (
    "The file system of the workspace grants a lock twice or not at all, so two processes may write to one run and "
    "damage it. Move the workspace to a local disk, or to a file system with locks."
)


def locks_work(folder: Path) -> bool:
    """Return whether the file system refuses a lock that another open file holds.

    Args:
        folder: A folder of the file system, in which a file is created and deleted.

    Raises:
        OSError: The file cannot be created.
    """
    with (
        tempfile.NamedTemporaryFile(dir=folder, prefix=".locks-", suffix=".tmp") as first,
        Path(first.name).open("rb+") as second,  # for writing: NFS locks exclusively only what may be written
    ):
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        return False


def local_locks(mount: Mount | None) -> str:
    """Return why the locks of a file system count only on one machine; "" if they count on all."""
    if mount is None:
        return ""
    kind = "cifs" if mount.kind in {"smb3", "smbfs"} else "nfs" if mount.kind.startswith("nfs") else mount.kind
    reasons = sorted(_LOCAL_OPTIONS.get(kind, set()) & mount.options)
    if not reasons and mount.kind not in _LOCAL_KINDS:
        return ""
    how = f"{mount.kind}, {', '.join(reasons)}" if reasons else mount.kind
    return (
        f"The workspace is on a network file system whose locks count only on this machine ({how}). Use it from one "
        "machine only, or mount it with locks: servers of two machines would start two workers for one run."
    )


def lock_problem(folder: Path) -> str:
    """Return why the locks of the workspace may not keep two processes apart; "" if they do.

    Args:
        folder: The workspace. If no file can be created there, its locks are not tried.
    """
    try:
        if not locks_work(folder):
            return BROKEN
    except OSError:
        pass  # who cannot write there gets a message about that
    return local_locks(this_mount(folder))
