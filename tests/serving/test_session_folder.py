"""Folders of uploads end with their session, and those of a killed server with the next start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from socal_core.serving.session_folder import SessionFolder, remove_left_folders


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
