"""socal_core.clips.clip_cache: sizes, the limit, and removal."""

import os
from pathlib import Path

import numpy as np
import pytest

from socal_core.clips.clip_cache import limit_bytes, list_stores, make_room, remove_store
from socal_core.clips.store import FrameStore, TrialFrames, stores_folder
from socal_core.dataset.folder import Stamp
from socal_core.errors import ConfigError

SHAPE = (3, 64, 64)
FRAME = 3 * 64 * 64
TRIAL = TrialFrames("S1T1", tuple(f"frame {i}" for i in range(20)))


def write_store(name: str, last_used: int, frames: int = 20) -> FrameStore:
    store = FrameStore(Path(name), {"scaled": False}, SHAPE)
    with store.in_use():
        for index in range(frames):
            store.write(TRIAL, index, np.full(SHAPE, index + 1, np.uint8), Stamp(1, 1))
    os.utime(store.folder / "store.json", (last_used, last_used))
    return store


def limit(monkeypatch: pytest.MonkeyPatch, frames: float) -> None:
    monkeypatch.setenv("SOCAL_CACHE_GB", str(frames * FRAME / 1e9))


def test_stores_are_listed_with_their_size_the_oldest_first() -> None:
    assert list_stores() == []
    new, old = write_store("new", 2000), write_store("old", 1000, frames=2)
    infos = list_stores()
    assert [info.folder for info in infos] == [old.folder, new.folder]
    assert [info.data.name for info in infos] == ["old", "new"]
    assert [info.last_used for info in infos] == [1000, 2000]
    assert infos[1].shape == SHAPE
    assert infos[1].recipe == {"scaled": False}
    assert 20 * FRAME <= infos[1].bytes <= 20 * FRAME + 20_000
    assert infos[0].bytes < 3 * FRAME + 20_000


def test_using_a_store_makes_it_the_last_one_used() -> None:
    old, new = write_store("old", 1000), write_store("new", 2000)
    with old.in_use():
        assert list_stores()[0].folder == new.folder


def test_a_store_is_removed_as_a_whole_and_not_while_it_is_in_use() -> None:
    store = write_store("data", 1000)
    with store.in_use():
        assert not remove_store(store.folder)
        assert store.count(TRIAL) == 20
    assert remove_store(store.folder)
    assert list(stores_folder().iterdir()) == []
    assert remove_store(store.folder), "what is gone is gone"
    assert store.count(TRIAL) == 0


def test_the_least_recently_used_are_removed_when_room_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, middle, newest = (write_store(name, used) for name, used in [("a", 1000), ("b", 2000), ("c", 3000)])
    limit(monkeypatch, frames=75)
    mine = FrameStore(Path("mine"), {}, SHAPE)
    assert make_room(10 * FRAME, mine.folder) == ""
    assert len(list_stores()) == 3, "70 frames fit"
    assert make_room(30 * FRAME, mine.folder) == ""
    assert [info.folder for info in list_stores()] == [middle.folder, newest.folder]
    with middle.in_use():
        assert make_room(50 * FRAME, mine.folder) == ""
    assert [info.folder for info in list_stores()] == [middle.folder]
    assert not oldest.folder.exists()


def test_a_request_beyond_the_limit_removes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    store = write_store("a", 1000)
    limit(monkeypatch, frames=30)
    reason = make_room(40 * FRAME, FrameStore(Path("mine"), {}, SHAPE).folder)
    assert "SOCAL_CACHE_GB" in reason
    assert store.count(TRIAL) == 20


def test_a_store_is_never_removed_to_make_room_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = write_store("mine", 1000)
    limit(monkeypatch, frames=30)
    assert "are allowed" in make_room(20 * FRAME, mine.folder)
    assert mine.count(TRIAL) == 20


def test_a_disk_without_room_is_reported() -> None:
    reason = make_room(10**17, stores_folder() / "mine")
    assert "are allowed" in reason


def test_remains_of_a_killed_removal_and_folders_that_are_no_stores_are_deleted() -> None:
    store, torn = write_store("a", 1000), write_store("b", 1000)
    (torn.folder / "store.json").write_text("{")
    left = stores_folder() / ".removed-1"
    left.mkdir()
    (left / "x.frames").write_bytes(b"x")
    assert make_room(0, store.folder) == ""
    assert [path.name for path in stores_folder().iterdir()] == [store.folder.name]


@pytest.mark.parametrize("text", ["much", "-1", "nan", "1e9"])
def test_a_limit_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOCAL_CACHE_GB", text)
    with pytest.raises(ConfigError, match="SOCAL_CACHE_GB: must be a number of GB"):
        limit_bytes()


def test_the_limit_is_20_gb_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOCAL_CACHE_GB", raising=False)
    assert limit_bytes() == 20_000_000_000
    monkeypatch.setenv("SOCAL_CACHE_GB", "0.5")
    assert limit_bytes() == 500_000_000


def test_on_a_server_the_quota_is_the_most(monkeypatch: pytest.MonkeyPatch, workspace: Path) -> None:
    monkeypatch.delenv("SOCAL_CACHE_GB", raising=False)
    (workspace / "server.toml").write_text("[quotas]\ncache_gb = 0.75\n")
    assert limit_bytes() == 750_000_000
    monkeypatch.setenv("SOCAL_CACHE_GB", "0.5")
    assert limit_bytes() == 500_000_000
    monkeypatch.setenv("SOCAL_CACHE_GB", "3")
    assert limit_bytes() == 750_000_000


def test_a_quota_removes_the_oldest_and_nothing_in_use(workspace: Path) -> None:
    first, second, third = (write_store(name, used) for name, used in (("a", 1000), ("b", 2000), ("c", 3000)))
    (workspace / "server.toml").write_text(f"[quotas]\ncache_gb = {70 * FRAME / 1e9}\n")
    with first.in_use():
        os.utime(first.folder / "store.json", (1000, 1000))
        assert make_room(20 * FRAME, third.folder) == ""
        assert {info.folder for info in list_stores()} == {first.folder, third.folder}
    assert second.count(TRIAL) == 0
