"""socal_core.clips.store: what is read is what was written, or nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from socal_core.clips.store import KEPT, UNREADABLE, FrameStore, TrialFrames
from socal_core.dataset.folder import Stamp

SHAPE = (3, 8, 8)
RECIPE = {"size": 8}
TRIAL = TrialFrames("S1T1", tuple(f"S1T1_frame_{i:08d}.jpeg" for i in range(1, 11)))
STAMP = Stamp(100, 5)


def pixels(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, SHAPE, dtype=np.uint8)


def make_store(root: Path = Path("data"), recipe: dict[str, int] = RECIPE) -> FrameStore:
    store = FrameStore(root, recipe, SHAPE)
    with store.in_use():
        for index in range(len(TRIAL.frames)):
            store.write(TRIAL, index, pixels(index), STAMP)
    return store


def read_all(store: FrameStore, trial: TrialFrames = TRIAL) -> tuple[np.ndarray, np.ndarray]:
    out = np.zeros((len(trial.frames), *SHAPE), np.uint8)
    return store.read(trial, range(len(trial.frames)), out), out


def file_of(store: FrameStore) -> Path:
    (path,) = store.folder.glob("*.frames")
    return path


def test_what_was_written_is_read_in_any_order() -> None:
    store = make_store()
    indices = [7, 0, 0, 9, 3]
    out = np.zeros((5, *SHAPE), np.uint8)
    assert store.read(TRIAL, indices, out).all()
    np.testing.assert_array_equal(out, np.stack([pixels(index) for index in indices]))
    assert store.count(TRIAL) == 10


def test_a_frame_that_was_not_written_is_not_there() -> None:
    store = FrameStore(Path("data"), RECIPE, SHAPE)
    assert not read_all(store)[0].any()
    with store.in_use():
        store.write(TRIAL, 4, pixels(4), STAMP)
    assert read_all(store)[0].tolist() == [index == 4 for index in range(10)]


@pytest.mark.parametrize(
    "other",
    [
        lambda: FrameStore(Path("elsewhere"), RECIPE, SHAPE),
        lambda: FrameStore(Path("data"), {"size": 9}, SHAPE),
        lambda: FrameStore(Path("data"), RECIPE, (3, 8, 9)),
    ],
    ids=["another data folder", "another recipe", "another shape"],
)
def test_different_stores_have_different_folders(other: Callable[[], FrameStore]) -> None:
    make_store()
    assert other().count(TRIAL) == 0


@pytest.mark.parametrize(
    "trial",
    [TrialFrames("S1T2", TRIAL.frames), TrialFrames("S1T1", TRIAL.frames[1:])],
    ids=["another trial", "other frames"],
)
def test_a_trial_with_other_frames_has_its_own_file(trial: TrialFrames) -> None:
    assert not read_all(make_store(), trial)[0].any()


def test_frames_of_a_changed_file_are_no_longer_valid() -> None:
    store = make_store()
    stamps: list[Stamp | None] = [STAMP] * 10
    stamps[2], stamps[3], stamps[4] = Stamp(101, 5), Stamp(100, 6), None
    assert store.states(TRIAL, range(10), stamps).tolist() == [0 if index in {2, 3, 4} else KEPT for index in range(10)]


def test_a_frame_that_cannot_be_read_is_remembered_as_long_as_its_file_is_the_same() -> None:
    store = make_store()
    store.write(TRIAL, 1, None, None)
    store.write(TRIAL, 2, None, STAMP)
    found, _ = read_all(store)
    assert not found[1] and not found[2] and found[[0, *range(3, 10)]].all()
    assert store.states(TRIAL, [1, 2, 3], [None, STAMP, STAMP]).tolist() == [UNREADABLE, UNREADABLE, KEPT]
    assert store.count(TRIAL) == 8


def test_whatever_is_cut_off_only_whole_frames_are_read() -> None:
    store = make_store()
    path = file_of(store)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        found, out = read_all(store)
        for index in np.flatnonzero(found):
            np.testing.assert_array_equal(out[index], pixels(int(index)))
        assert found.sum() < 10


def test_a_flipped_bit_anywhere_is_detected() -> None:
    """In the header, it invalidates the file; in a record or a slot, that frame; elsewhere, nothing."""
    store = make_store()
    path = file_of(store)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    slots = len(whole) - 10 * store.frame_bytes
    for offset in [*range(300), *rng.integers(slots, len(whole), 100).tolist()]:
        changed = bytearray(whole)
        changed[offset] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        found, out = read_all(store)
        for index in np.flatnonzero(found):
            np.testing.assert_array_equal(out[index], pixels(int(index)))
        if offset >= slots:
            assert found.tolist() == [index != (offset - slots) // store.frame_bytes for index in range(10)]


@pytest.mark.parametrize("content", [b"", b"foreign" * 2000, bytes(20_000)], ids=["empty", "foreign", "zeros"])
def test_an_incomplete_or_foreign_file_is_written_again(content: bytes) -> None:
    store = make_store()
    file_of(store).write_bytes(content)
    assert not read_all(store)[0].any()
    store.write(TRIAL, 3, pixels(3), STAMP)
    found, out = read_all(store)
    assert found.tolist() == [index == 3 for index in range(10)]
    np.testing.assert_array_equal(out[3], pixels(3))


def test_a_slot_at_the_position_of_another_is_not_valid() -> None:
    store = make_store()
    path = file_of(store)
    content = bytearray(path.read_bytes())
    size, start = store.frame_bytes, len(content) - 10 * store.frame_bytes
    record, header = 24, start - 10 * 24
    assert header > 0
    first, second = slice(start, start + size), slice(start + size, start + 2 * size)
    content[first], content[second] = content[second], content[first]
    index = content.index(STAMP.size.to_bytes(8, "little")) - 8  # the first record: state and checksum stand before
    one, two = slice(index, index + record), slice(index + record, index + 2 * record)
    content[one], content[two] = content[two], content[one]
    path.write_bytes(content)
    assert read_all(store)[0].tolist() == [False, False, *[True] * 8]


def test_missing_frames_take_no_space(workspace: Path) -> None:
    store = FrameStore(Path("data"), RECIPE, (3, 224, 224))
    with store.in_use():
        store.write(TRIAL, 9, np.ones((3, 224, 224), np.uint8), STAMP)
    assert file_of(store).stat().st_blocks * 512 < 2 * 3 * 224 * 224
