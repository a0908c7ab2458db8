"""socal_core.maintenance.locks and mounts, with a real file system and with the kernel's list of others."""

import fcntl
from pathlib import Path

import pytest

from socal_core.maintenance.locks import BROKEN, local_locks, lock_problem, locks_work
from socal_core.maintenance.mounts import MOUNTINFO, mount_of

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:40 / /data/nfs rw,relatime shared:7 - nfs4 host:/export rw,vers=4.2,local_lock=none,addr=10.0.0.2
41 27 0:41 / /data/nfs/old rw - nfs host:/old rw,vers=3,nolock,local_lock=all
42 27 0:42 / /data/flock rw - nfs host:/f rw,vers=3,local_lock=flock
43 27 0:43 / /data/posix rw - nfs host:/p rw,vers=3,local_lock=posix
44 27 0:44 / /data/with\040blank rw master:1 propagate_from:2 - cifs //host/share rw,nobrl
45 27 0:45 / /data/smb rw - cifs //host/share rw,vers=3.1.1
46 27 0:46 / /data/ssh rw,nosuid - fuse.sshfs user@host:/ rw,user_id=1000
47 27 0:47 / /data/lustre rw - lustre host:/l rw,localflock
48 27 0:48 / /data/twice rw - nfs host:/t rw,nolock
49 27 0:49 / /data/twice rw - ext4 /dev/vdb rw
a line of another format
"""


@pytest.mark.parametrize(
    ("folder", "kind", "reason"),
    [
        ("/home/lab", "ext4", ""),
        ("/data/nfs/lab/workspace", "nfs4", ""),
        ("/data/nfs/old", "nfs", "nfs, local_lock=all, nolock"),
        ("/data/nfs/older", "nfs4", ""),
        ("/data/flock/workspace", "nfs", "nfs, local_lock=flock"),
        ("/data/posix", "nfs", ""),
        ("/data/with blank/workspace", "cifs", "cifs, nobrl"),
        ("/data/smb", "cifs", ""),
        ("/data/ssh", "fuse.sshfs", "fuse.sshfs"),
        ("/data/lustre", "lustre", "lustre, localflock"),
        ("/data/twice", "ext4", ""),
    ],
)
def test_locks_that_count_on_one_machine_are_told_by_the_mount(folder: str, kind: str, reason: str) -> None:
    mount = mount_of(Path(folder), MOUNTS)
    assert mount is not None
    assert mount.kind == kind
    found = local_locks(mount)
    assert f"({reason})" in found if reason else found == ""


def test_nothing_is_said_where_the_kernel_says_nothing() -> None:
    assert mount_of(Path("/"), "") is None
    assert local_locks(None) == ""


def test_a_real_file_system_has_locks_and_keeps_no_file(tmp_path: Path) -> None:
    assert locks_work(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert mount_of(tmp_path, MOUNTINFO.read_text()) is not None
    assert lock_problem(tmp_path) == ""


def test_a_lock_that_is_granted_twice_or_not_at_all_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file system at hand grants a lock twice, so the call of the kernel is replaced."""

    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    for grant in (lambda *_: None, refuse):
        monkeypatch.setattr(fcntl, "flock", grant)
        assert not locks_work(tmp_path)
        assert lock_problem(tmp_path) == BROKEN


def test_a_folder_that_cannot_be_written_to_is_no_problem_of_locks(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        locks_work(tmp_path / "missing")
    assert lock_problem(tmp_path / "missing") == ""
