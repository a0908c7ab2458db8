"""What killed processes leave half-written is deleted; what a living process writes is not."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from socal_core.drafts import remove_leftovers
from socal_core.jobs.job import Job
from socal_core.storage import new_folder, replacing
from socal_core.workspace import temporary_cache, tidy_workspace

SECONDS = 60
WAITS = {
    "demo": """
        from socal_core.demo.write import write_demo
        from socal_core.workspace import demo_folder
        write_demo(demo_folder(), surgeons=10, progress=lambda done, total: wait())
    """,
    "unpacking": """
        import zipfile
        from socal_core.fetch.unpack import unpack
        from socal_core.workspace import workspace
        with zipfile.ZipFile(workspace() / "frames.zip", "w") as archive:
            archive.writestr("S1T1_frame_00000001.jpeg", "x")
        unpack(workspace() / "frames.zip", workspace() / "unpacked", lambda line: wait())
    """,
    "file": """
        from socal_core.storage import replacing
        from socal_core.workspace import cache_folder
        with replacing(cache_folder() / "table.parquet") as draft:
            draft.write_text("half")
            wait()
    """,
    "cache": """
        from socal_core.workspace import cache_folder, temporary_cache
        with temporary_cache():
            (cache_folder() / "frames").write_text("half")
            wait()
    """,
}
"""What is half done while `wait` waits."""
PROLOGUE = """
def wait():
    print("waiting", flush=True)
    input()
"""


@contextmanager
def waiting(name: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has half done something, and does not go on."""
    lines = [line.removeprefix(" " * 8) for line in WAITS[name].splitlines()]
    command = [sys.executable, "-c", PROLOGUE + "\n".join(lines)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        try:
            yield process
        finally:
            process.kill()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(SECONDS) == -signal.SIGKILL


def drafts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(".") and path.name.endswith(".tmp")]


@pytest.mark.parametrize("name", [name for name in WAITS if name != "cache"])
def test_what_a_killed_process_left_in_the_workspace_is_deleted(workspace: Path, name: str) -> None:
    with waiting(name) as process:
        before = drafts(workspace)
        assert len(before) == 1
        content = list(before[0].rglob("*"))
        tidy_workspace()
        assert drafts(workspace) == before, "it is being written"
        assert set(content) <= set(before[0].rglob("*")), "its threads go on writing"
        kill(process)
        assert drafts(workspace) == before
    tidy_workspace()
    assert drafts(workspace) == []


def test_the_start_of_a_job_tidies_up(workspace: Path) -> None:
    with waiting("demo") as process:
        kill(process)
    job = Job("example", "tests.jobs.example_job", "The example")
    job.start({"do": "refuse"})
    assert drafts(workspace) == []


def test_a_temporary_cache_of_a_killed_process_goes_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with waiting("cache") as process:
        (left,) = tmp_path.iterdir()
        with temporary_cache():
            assert left.is_dir(), "it is in use"
        kill(process)
    with temporary_cache():
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_the_same_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out") as first:
        (first / "a").touch()
        with pytest.raises(OSError, match="not empty"), new_folder(tmp_path / "out") as second:
            assert first != second
            (second / "b").touch()
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "taken").touch()
        assert (first / "a").exists()
        (tmp_path / "out" / "taken").unlink()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"]


def test_links_and_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").touch()
    (tmp_path / ".link.tmp").symlink_to(tmp_path / "other")
    (tmp_path / ".mine").touch()
    (tmp_path / "mine.tmp").touch()
    with replacing(tmp_path / "file"):
        remove_leftovers(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"other", ".link.tmp", ".mine", "mine.tmp", "file"}
    assert (tmp_path / "other" / "mine").exists()
    remove_leftovers(tmp_path / "missing")
    assert os.path.lexists(tmp_path / ".link.tmp")
