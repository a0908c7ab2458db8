"""socal_core.runs.follow: the same result as read_events, read in steps."""

import threading
from pathlib import Path

import pytest

from socal_core.runs import follow
from socal_core.runs.events import EventLog, read_events
from socal_core.runs.follow import EventFollower

EPOCH = {
    "epochs": 9,
    "train_loss": 0.5,
    "val_loss": 0.5,
    "val_accuracy": 0.5,
    "val_auroc": None,
    "learning_rate": 1e-3,
    "seconds": 1.0,
    "best": True,
}
STEP = {"epochs": 9, "steps": 5, "loss": 0.5, "learning_rate": 1e-3}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_no_file_means_no_events_until_there_is_one(path: Path) -> None:
    follower = EventFollower(path)
    assert follower.events() == []
    EventLog(path).append("stage", stage="Reading", done=0, total=1)
    assert [event["type"] for event in follower.events()] == ["stage"]


def test_an_unchanged_file_gives_the_same_list_and_old_lists_stay(path: Path) -> None:
    log, follower = EventLog(path), EventFollower(path)
    log.append("started", epoch=0)
    first = follower.events()
    assert follower.events() is first
    log.append("step", epoch=1, step=1, **STEP)
    assert len(follower.events()) == 2
    assert len(first) == 1


def test_only_what_was_added_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, follower = EventLog(path), EventFollower(path)
    log.append("started", epoch=0)
    follower.events()
    monkeypatch.setattr(follow, "read_events", lambda path: pytest.fail("the whole file was read again"))
    for step in range(1, 4):
        log.append("step", epoch=1, step=step, **STEP)
        assert follower.events()[-1]["step"] == step


def test_every_cut_of_the_file_gives_what_read_events_gives(path: Path, tmp_path: Path) -> None:
    """The file grows byte by byte; it contains an incomplete line, a damaged one and a resume."""
    log = EventLog(path)
    log.append("started", epoch=0)
    for epoch in (1, 2):
        for step in range(1, 4):
            log.append("step", epoch=epoch, step=step, **STEP)
        log.append("epoch", epoch=epoch, **EPOCH)
    with path.open("ab") as file:
        file.write(b'{"type": "step", "epo')
    EventLog(path).append("started", epoch=1)
    with path.open("ab") as file:
        file.write(b"\xff\xfe no JSON\n[1, 2]\n")
    EventLog(path).append("notice", message="Größe")
    content = path.read_bytes()
    growing = tmp_path / "growing.jsonl"
    growing.touch()
    follower = EventFollower(growing)
    for end in range(len(content)):
        with growing.open("ab") as file:
            file.write(content[end : end + 1])
        found = follower.events()
        if content[end : end + 1] == b"\n":
            assert found == read_events(growing)
    assert [event["type"] for event in found].count("step") == 3


def test_a_replaced_file_is_read_from_the_beginning(path: Path) -> None:
    log, follower = EventLog(path), EventFollower(path)
    for step in range(1, 4):
        log.append("step", epoch=1, step=step, **STEP)
    assert len(follower.events()) == 3
    path.write_text('{"type": "started", "time": 1.0, "epoch": 0}\n')
    assert follower.events() == read_events(path)
    path.unlink()
    assert follower.events() == []


def test_several_threads_read_while_a_worker_writes(path: Path) -> None:
    log, follower, count = EventLog(path), EventFollower(path), 300
    log.append("started", epoch=0)
    wrong: list[list[int]] = []

    def look() -> None:
        while True:
            steps = [event["step"] for event in follower.events() if event["type"] == "step"]
            if steps != list(range(1, len(steps) + 1)):
                wrong.append(steps)
            if wrong or len(steps) == count:
                return

    readers = [threading.Thread(target=look, daemon=True) for _ in range(3)]
    for reader in readers:
        reader.start()
    for step in range(1, count + 1):
        log.append("step", epoch=1, step=step, **STEP)
        if step % 50 == 0:
            log.append("started", epoch=9)  # after which the whole file is read again, while it grows
    for reader in readers:
        reader.join(20)
    assert not wrong
    assert follower.events() == read_events(path)
