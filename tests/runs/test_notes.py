"""socal_core.runs.notes"""

import shutil
import threading
from pathlib import Path

import pytest

from socal_core.errors import RunError
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import RunNotes, label_of, read_notes, typed_notes, write_notes
from socal_core.settings import TINY, default_config


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run-1", default_config(TINY), tmp_path)


def test_notes_are_read_as_written(run: RunFolder) -> None:
    assert read_notes(run) == RunNotes()
    assert label_of(run) == "run-1"
    notes = typed_notes("  Fürs \n Paper ", " two\nlines ", "a, b ,, a,c  d")
    assert notes == RunNotes("Fürs Paper", "two\nlines", ("a", "b", "c d"))
    write_notes(run, notes)
    assert read_notes(run) == notes
    assert label_of(run) == "Fürs Paper (run-1)"
    assert RunFolder.open(run.path).read_config() == default_config(TINY)


def test_two_runs_with_the_same_name_have_different_labels(run: RunFolder, tmp_path: Path) -> None:
    other = RunFolder.create(tmp_path / "run-2", default_config(TINY), tmp_path)
    for each in (run, other):
        write_notes(each, RunNotes("same"))
    assert label_of(run) != label_of(other)


@pytest.mark.parametrize(
    ("name", "note", "tags", "refused"),
    [
        ("n" * 80, "x" * 2000, "t" * 30, None),
        ("n" * 81, "", "", "name can have at most 80 characters, got 81"),
        ("", "x" * 2001, "", "note can have at most 2000 characters"),
        ("", "", "t" * 31, "tag has 1 to 30 characters"),
        ("", "", ",".join(str(number) for number in range(21)), "at most 20 tags, got 21"),
    ],
)
def test_lengths(name: str, note: str, tags: str, refused: str | None) -> None:
    if refused is None:
        assert typed_notes(name, note, tags) == RunNotes(name, note, (tags,))
    else:
        with pytest.raises(RunError, match=refused):
            typed_notes(name, note, tags)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"name": "a"}',
        b'{"name": 1, "note": "", "tags": []}',
        b'{"name": "", "note": "", "tags": 3}',
        b'{"name": "", "note": "", "tags": [3]}',
        b'{"name": "' + b"n" * 81 + b'", "note": "", "tags": []}',
        b"[" * 100_000,
    ],
)
def test_damaged_notes_are_empty(run: RunFolder, content: bytes) -> None:
    run.notes_file.write_bytes(content)
    assert read_notes(run) == RunNotes()
    write_notes(run, RunNotes("new"))
    assert read_notes(run).name == "new"


def test_a_failure_to_write_is_reported_without_a_path(run: RunFolder, tmp_path: Path) -> None:
    run.notes_file.mkdir()
    with pytest.raises(RunError, match="notes of run run-1 cannot be written") as caught:
        write_notes(run, RunNotes("x"))
    assert str(tmp_path) not in str(caught.value)
    shutil.rmtree(run.path)
    with pytest.raises(RunError, match="run-1 no longer exists") as caught:
        write_notes(run, RunNotes("x"))
    assert str(tmp_path) not in str(caught.value)


def test_a_reader_never_sees_a_half_written_file(run: RunFolder) -> None:
    choices = [RunNotes(letter * 80, letter * 2000, (letter,)) for letter in "ab"]
    write_notes(run, choices[0])
    done = threading.Event()
    seen = []

    def read() -> None:
        while not done.is_set():
            seen.append(read_notes(run))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(50):
        write_notes(run, choices[number % 2])
    done.set()
    reader.join()
    assert seen
    assert set(seen) <= set(choices)
