"""socal_core.storage"""

import json
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from socal_core.storage import (
    is_locked,
    kept_free,
    locked,
    new_folder,
    replacing,
    share_lock,
    try_lock,
    write_bytes,
    write_json,
    write_text,
)
from tests.disks import files_up_to


def in_killed_child(act: Callable[[], None]) -> None:
    """Run a function in a forked process that it kills."""
    child = os.fork()
    if not child:
        act()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"value": 1})
    write_json(target, {"value": "ä"})
    assert json.loads(target.read_text(encoding="utf-8")) == {"value": "ä"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_two_threads_write_the_same_file_and_a_reader_meets_no_half_of_it(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    contents = {letter: letter * 100_000 for letter in "ab"}
    write_text(target, contents["a"])
    start, done = threading.Barrier(3), threading.Event()

    def write(letter: str) -> None:
        start.wait()
        for _ in range(200):
            write_text(target, contents[letter])

    def read() -> set[str]:
        found: set[str] = set()
        start.wait()
        while not done.is_set():
            found.add(target.read_text(encoding="utf-8"))
        return found

    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(read)
        writing = [pool.submit(write, letter) for letter in "ab"]
        try:
            for future in writing:
                future.result()
        finally:
            done.set()
        assert reading.result() <= set(contents.values())
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_value_that_is_no_json_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"value": 1})
    with pytest.raises(ValueError, match="Out of range"):
        write_json(target, {"value": float("nan")})
    assert json.loads(target.read_text()) == {"value": 1}


def test_a_write_that_the_disk_refuses_leaves_the_old_file_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    write_bytes(target, b"old")
    with files_up_to(1000), pytest.raises(OSError, match="File too large"):
        write_bytes(target, bytes(5000))
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_killed_write_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def write() -> None:
        with replacing(target) as draft:
            draft.write_text("half of the n")
            os.kill(os.getpid(), signal.SIGKILL)

    in_killed_child(write)
    assert target.read_text() == "old"
    write_text(target, "new")
    assert target.read_text() == "new"


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "missing" / "a.txt", "text")


def test_a_new_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with new_folder(out) as draft:
        (draft / "a.txt").write_text("a")
        assert not list(out.iterdir())
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == ["out", "out/a.txt"]


def test_a_new_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), new_folder(tmp_path / "out") as draft:
        (draft / "a.txt").write_text("a")
        raise ValueError("no")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"), new_folder(out):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine.txt"]


def test_what_a_killed_process_left_of_a_new_folder_goes_with_the_next_one(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def make() -> None:
        with new_folder(out) as draft:
            (draft / "half.txt").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)

    in_killed_child(make)
    assert not out.exists()
    with new_folder(out):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


def test_a_link_at_the_path_of_a_new_folder_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    (tmp_path / ".out.tmp").symlink_to(other)
    with pytest.raises(OSError, match=r"\.out\.tmp next to it is a link"), new_folder(tmp_path / "out"):
        pass
    assert (other / "mine.txt").read_text() == "mine"


def test_a_lock_is_held_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    handle = try_lock(path)
    assert handle is not None
    assert is_locked(path)
    assert try_lock(path) is None
    with kept_free(path) as free:
        assert not free
    os.close(handle)
    assert not is_locked(path)


def test_a_lock_that_is_kept_free_cannot_be_taken(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with kept_free(path) as free:
        assert free
        assert try_lock(path) is None
        assert not is_locked(path), "other readers find it free"
    with locked(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_a_shared_lock_is_held_by_many_and_not_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    handles = [share_lock(path), share_lock(path)]
    assert try_lock(path) is None
    for handle in handles:
        os.close(handle)
    alone = try_lock(path)
    assert alone is not None
    os.close(alone)


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        try_lock(tmp_path / "lock")
    assert not (tmp_path / "other").exists()
