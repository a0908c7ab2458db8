"""Folders of uploads end with their session, and those of a killed server with the next start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from socal_core.serving.session_folder import GRACE_SECONDS, SessionFolder, remove_left_folders


def test_a_folder_ends_with_the_object(workspace: Path) -> None:
    folder = SessionFolder()
    (folder.clear() / "frame.jpeg").touch()
    inside = folder.path
    assert inside.is_relative_to(workspace)
    assert folder.path.parent.stat().st_mode & 0o077 == 0
    assert folder.clear() == inside
    assert list(inside.iterdir()) == []
    del folder
    assert [path.name for path in (workspace / "uploads").iterdir()] == ["lock"]


def test_a_folder_of_a_living_server_stays_and_that_of_a_killed_one_goes(workspace: Path) -> None:
    code = (
        "import os, signal; from socal_core.serving.session_folder import SessionFolder; "
        "folder = SessionFolder(); (folder.clear() / 'frame').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list((workspace / "uploads").glob("*/content/frame"))) == 1
    mine = SessionFolder()
    mine.clear()
    assert remove_left_folders() == 1
    assert [path.parent for path in (workspace / "uploads").glob("*/content")] == [mine.path.parent]
    mine.delete()
    assert remove_left_folders() == 0


def test_a_folder_is_deleted_some_time_after_its_session_went_away(workspace: Path) -> None:
    connected = [True]
    folder = SessionFolder(lambda: connected[0])
    (folder.clear() / "frame.jpeg").touch()
    folder.check(0)
    connected[0] = False
    folder.check(100)
    connected[0] = True
    folder.check(150)  # the browser is back
    connected[0] = False
    folder.check(200)
    folder.check(199 + GRACE_SECONDS)
    assert folder.path.is_dir()
    folder.check(200 + GRACE_SECONDS)
    assert [path.name for path in (workspace / "uploads").iterdir()] == ["lock"]
    folder.check(900 + GRACE_SECONDS)
