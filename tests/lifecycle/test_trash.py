"""socal_core.lifecycle.trash: nothing is lost except the runs that are removed from the trash."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from socal_core.errors import RunError
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, read_status, write_status
from socal_core.lifecycle.trash import TRASH, empty_trash, list_trash, restore, size_of, trash
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_ruins, list_runs
from socal_core.settings import TINY, default_config
from socal_core.storage import is_locked


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return new_run(tmp_path / "run-1")


def new_run(path: Path) -> RunFolder:
    run = RunFolder.create(path, default_config(TINY), path.parent)
    (run.checkpoints / "epoch-0001").mkdir()
    (run.checkpoints / "epoch-0001" / "model.safetensors").write_bytes(b"w" * 1000)
    write_status(run, RunState.STOPPED, "Stopped.")
    return run


def content(folder: Path) -> dict[str, bytes]:
    """Return all files except the lock, which is created when it is checked."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "worker.lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_deleted_run_is_complete_in_the_trash_and_can_be_restored(run: RunFolder, tmp_path: Path) -> None:
    before = content(run.path)
    entry = trash(run)
    assert not run.path.exists()
    assert (entry.name, entry.path.parent) == ("run-1", tmp_path / TRASH)
    assert content(entry.path) == before
    assert list_runs(tmp_path) == list_ruins(tmp_path) == []
    assert list_trash(tmp_path) == [entry]
    assert restore(entry) == run
    assert content(run.path) == before
    assert read_status(run).state is RunState.STOPPED
    assert list_trash(tmp_path) == []


def test_a_living_run_is_refused(run: RunFolder, tmp_path: Path) -> None:
    lock = take_lock(run.lock_file, run.name)
    try:
        with pytest.raises(RunError, match=r"run-1 is waiting or active\. Stop it"):
            trash(run)
    finally:
        os.close(lock)
    assert list_runs(tmp_path) == [run]
    assert list_trash(tmp_path) == []


def test_a_run_that_is_being_deleted_cannot_be_started(run: RunFolder) -> None:
    entry = trash(run)
    assert not is_locked(entry.path / "worker.lock"), "no lock is left behind"
    with pytest.raises(FileNotFoundError):
        take_lock(run.lock_file, run.name)


def test_two_tabs_delete_at_once(tmp_path: Path) -> None:
    for number in range(20):
        run = new_run(tmp_path / f"run-{number}")
        start, ends = threading.Barrier(2), []

        def delete(run: RunFolder = run, start: threading.Barrier = start, ends: list = ends) -> None:
            start.wait()
            try:
                ends.append(trash(run))
            except RunError as error:
                ends.append(str(error))

        threads = [threading.Thread(target=delete) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (refused,) = [end for end in ends if isinstance(end, str)]
        # The other one holds the lock for the moment of the move.
        assert "no longer exists" in refused or "is waiting or active" in refused
        assert not run.path.exists(), "nothing is made anew in its place"
    assert len(list_trash(tmp_path)) == 20


@pytest.mark.parametrize("again", [restore, lambda entry: empty_trash([entry])])
def test_an_entry_that_has_left_the_trash_does_no_harm(run: RunFolder, tmp_path: Path, again) -> None:
    entry = trash(run)
    restore(entry)
    if again is restore:
        with pytest.raises(RunError, match="no longer in the trash") as caught:
            again(entry)
        assert str(tmp_path) not in str(caught.value)
    else:
        again(entry)
    assert list_runs(tmp_path) == [run]


def test_a_run_whose_name_is_taken_is_restored_under_another_name(run: RunFolder, tmp_path: Path) -> None:
    first = trash(run)
    second = trash(new_run(tmp_path / "run-1"))
    assert list_trash(tmp_path) == [second, first], "the last deleted comes first"
    assert [restore(entry).name for entry in (second, first)] == ["run-1", "run-1-2"]


def test_only_the_given_runs_are_removed_from_the_trash(run: RunFolder, tmp_path: Path) -> None:
    asked = [trash(run)]
    later = trash(new_run(tmp_path / "run-2"))
    kept = new_run(tmp_path / "run-3")
    (tmp_path / TRASH / "my own file").write_text("mine")
    assert size_of(asked) >= 1000
    empty_trash(asked)
    assert list_trash(tmp_path) == [later]
    assert list_runs(tmp_path) == [kept]
    assert (tmp_path / TRASH / "my own file").exists()
    assert size_of(asked) == 0


def test_a_linked_run_is_unlinked_and_its_target_stays(run: RunFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    run.path.rename(elsewhere)
    root = tmp_path / "runs"
    root.mkdir()
    (root / "run-1").symlink_to(elsewhere)
    before = content(elsewhere)
    empty_trash([trash(RunFolder(root / "run-1"))])
    assert content(elsewhere) == before
    assert list_trash(root) == []


def test_a_run_with_missing_files_can_be_deleted(run: RunFolder, tmp_path: Path) -> None:
    run.config_file.unlink()
    assert list_runs(tmp_path) == []
    assert list_ruins(tmp_path) == [run]
    entry = trash(run)
    assert (entry.path / "checkpoints" / "epoch-0001" / "model.safetensors").exists()
    assert list_ruins(tmp_path) == []


def test_a_trash_that_cannot_be_created_is_reported_without_a_path(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / TRASH).write_text("in the way")
    with pytest.raises(RunError, match=r"run-1 cannot be deleted: .*Check that the app may write") as caught:
        trash(run)
    assert str(tmp_path) not in str(caught.value)
    assert list_runs(tmp_path) == [run]
    assert list_trash(tmp_path) == []


def test_a_missing_run_is_reported(run: RunFolder) -> None:
    shutil.rmtree(run.path)
    with pytest.raises(RunError, match="run-1 no longer exists"):
        trash(run)
