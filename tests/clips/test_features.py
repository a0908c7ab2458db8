"""socal_core.clips.features"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from socal_core.clips.clip_cache import list_stores, remove_store
from socal_core.clips.features import ClipFrames, EncodedBy, FeatureStore
from socal_core.dataset.folder import Stamp

MADE = EncodedBy("image", "ab" * 32, {"resize": 224}, (3, 224, 224), "cpu")
CLIP = ClipFrames("S100T1", ("a.jpeg", "b.jpeg"), (Stamp(10, 1), Stamp(11, 2)))
FEATURES = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """A store that contains the features of a clip."""
    store = FeatureStore(tmp_path, MADE)
    with store.in_use():
        store.write(CLIP, FEATURES)
    return store


def test_features_are_read_as_they_were_written(store: FeatureStore) -> None:
    found = store.read(CLIP)
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, FEATURES)


@pytest.mark.parametrize(
    "other",
    [
        replace(CLIP, stamps=(Stamp(10, 1), Stamp(11, 3))),
        replace(CLIP, stamps=(Stamp(10, 1), None)),
        replace(CLIP, frames=("b.jpeg", "a.jpeg")),
        replace(CLIP, frames=("a.jpeg",), stamps=(Stamp(10, 1),)),
        replace(CLIP, trial_id="S100T2"),
    ],
    ids=["changed file", "missing file", "other order", "fewer frames", "other trial"],
)
def test_features_of_other_frames_are_never_read(store: FeatureStore, other: ClipFrames) -> None:
    assert store.read(other) is None


@pytest.mark.parametrize(
    "made",
    [
        replace(MADE, digest="cd" * 32),
        replace(MADE, recipe={"resize": 160}),
        replace(MADE, encoder="video"),
        replace(MADE, device="cuda"),
        replace(MADE, shape=(3, 160, 160)),
    ],
    ids=["weights", "preprocessing", "encoder", "device", "size"],
)
def test_features_of_another_encoder_are_never_read(store: FeatureStore, tmp_path: Path, made: EncodedBy) -> None:
    other = FeatureStore(tmp_path, made)
    assert other.folder != store.folder
    assert other.read(CLIP) is None


def test_a_damaged_file_is_none(store: FeatureStore) -> None:
    (path,) = store.folder.glob("*.features")
    whole = path.read_bytes()
    for length in (0, 1, 50, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert store.read(CLIP) is None, length
    for index in range(len(whole)):
        broken = bytearray(whole)
        broken[index] ^= 4
        path.write_bytes(broken)
        assert store.read(CLIP) is None, index
    path.write_bytes(whole + b"\0")
    assert store.read(CLIP) is None
    store.write(CLIP, FEATURES)
    np.testing.assert_array_equal(store.read(CLIP), FEATURES)


def test_a_file_under_the_name_of_another_is_none(store: FeatureStore) -> None:
    other = replace(CLIP, trial_id="S100T2")
    store.write(other, FEATURES)
    (store.folder / f"{other.file_name}.features").replace(store.folder / f"{CLIP.file_name}.features")
    assert store.read(CLIP) is None


def test_the_cache_counts_and_removes_features(store: FeatureStore, tmp_path: Path) -> None:
    (info,) = list_stores()
    assert (info.folder, info.data, info.encoder) == (store.folder, tmp_path.resolve(), "image")
    assert info.bytes > 0
    with store.in_use():
        assert info.in_use()
        assert not remove_store(store.folder)
    assert remove_store(store.folder)
    assert list_stores() == []
    assert store.read(CLIP) is None


def test_a_write_leaves_no_draft(store: FeatureStore) -> None:
    assert {path.suffix for path in store.folder.iterdir()} <= {".features", ".json", ""}
