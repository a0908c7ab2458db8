"""socal_core.clips.loader: clips do not depend on the cache, the threads or the disk."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from socal_core.clips.loader import ClipReader, open_clips
from socal_core.clips.plan import ClipId
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.store import FrameStore
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.images import read_frame
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.settings import TINY, TrainConfig, config_from
from socal_core.workspace import cache_folder

PREPROCESSOR = Preprocessor.for_size(32)


def config(**settings: Any) -> TrainConfig:
    return config_from({"recipe": "finetune", "num_frames": 4, "test_clips": 1, "window": "whole", **settings}, TINY)


def no_progress(stage: str, done: int, total: int) -> None:
    """Do nothing with the progress."""


def frame_file(folder: Path, trial: str, number: int) -> Path:
    return folder / "JPEGImages" / f"{trial}_frame_{number:08d}.jpeg"


def read(reader: ClipReader, clip: ClipId) -> np.ndarray:
    out = np.empty(reader.shape, np.uint8)
    reader.read(clip, out)
    return out


def all_clips(dataset: Dataset, settings: TrainConfig, epochs: int = 2) -> dict[ClipId, np.ndarray]:
    """Every clip of a run, through batches of three."""
    trials = list(dataset.usable_trials.index)
    with open_clips(dataset, settings, PREPROCESSOR, trials, trials, no_progress) as reader:
        clips = [ClipId(trial, epoch) for epoch in range(1, epochs + 1) for trial in trials]
        clips += [clip for trial in trials for clip in reader.plan.evaluation_clips(trial)]
        batches = [clips[start : start + 3] for start in range(0, len(clips), 3)]
        pixels = torch.cat(list(reader.batches(batches)))
    return dict(zip(clips, pixels.numpy(), strict=True))


def test_a_clip_is_its_frames_in_order(shared_data_folder: Path) -> None:
    reader = ClipReader(open_dataset(shared_data_folder), config(window="0:6", num_frames=6), PREPROCESSOR)
    frames = [read_frame(frame_file(shared_data_folder, "S100T1", number)) for number in range(1, 7)]
    np.testing.assert_array_equal(
        read(reader, ClipId("S100T1")), np.stack([PREPROCESSOR.shrink(frame) for frame in frames])
    )
    assert reader.notices() == []


@pytest.mark.slow
@pytest.mark.parametrize("sampling", ["uniform", "segments", "dense"])
def test_any_number_of_threads_gives_the_same_clips(shared_data_folder: Path, sampling: str) -> None:
    dataset = open_dataset(shared_data_folder)
    settings = {"sampling": sampling, "stride": 2, "test_clips": 2}
    expected: dict[ClipId, np.ndarray] | None = None
    for workers in (0, 1, 2, 5):  # the first finds an empty store
        clips = all_clips(dataset, config(**settings, num_workers=workers))
        expected = expected or clips
        assert list(clips) == list(expected)
        assert all(np.array_equal(clips[clip], expected[clip]) for clip in clips)
    assert expected is not None
    same = [np.array_equal(expected[ClipId(trial, 1)], expected[ClipId(trial, 2)]) for trial in dataset.trials.index]
    assert all(same) if sampling == "uniform" else not all(same)


@pytest.mark.slow
def test_without_a_store_the_clips_are_the_same(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    settings = config(sampling="segments")
    reader = ClipReader(dataset, settings, PREPROCESSOR)
    for clip, pixels in all_clips(dataset, settings).items():
        np.testing.assert_array_equal(read(reader, clip), pixels)


def test_kept_frames_are_read_without_the_data_folder(data_folder: Path) -> None:
    dataset = open_dataset(data_folder)
    trials = list(dataset.usable_trials.index)
    with open_clips(dataset, config(), PREPROCESSOR, trials, trials, no_progress) as reader:
        before = [read(reader, ClipId(trial)) for trial in trials]
        (data_folder / "JPEGImages").rename(data_folder / "gone")
        for trial, pixels in zip(trials, before, strict=True):
            np.testing.assert_array_equal(read(reader, ClipId(trial)), pixels)


def test_damaged_frames_in_the_store_are_decoded_and_stored_again(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    expected = all_clips(dataset, config())
    store = FrameStore(dataset.root, PREPROCESSOR.recipe, PREPROCESSOR.frame_shape)
    files = sorted(store.folder.glob("*.frames"))
    for number, path in enumerate(files):
        content = bytearray(path.read_bytes())
        damaged = [b"", b"foreign" * 1000, content[: len(content) // 2], content[:-5000] + bytes(5000)][number % 4]
        path.write_bytes(damaged)
    for _ in range(2):
        clips = all_clips(dataset, config())
        assert all(np.array_equal(clips[clip], expected[clip]) for clip in expected)
    (shared_data_folder / "JPEGImages").rename(shared_data_folder / "away")
    try:
        with store.in_use():
            reader = ClipReader(dataset, config(), PREPROCESSOR, store)
            for trial in dataset.usable_trials.index:
                np.testing.assert_array_equal(read(reader, ClipId(trial)), expected[ClipId(trial)])
    finally:
        (shared_data_folder / "away").rename(shared_data_folder / "JPEGImages")


@pytest.mark.slow
def test_a_replaced_frame_is_decoded_again(data_folder: Path) -> None:
    dataset = open_dataset(data_folder)
    before = all_clips(dataset, config())
    frame_file(data_folder, "S100T2", 1).replace(frame_file(data_folder, "S100T1", 1))
    after = all_clips(open_dataset(data_folder), config())[ClipId("S100T1")]
    np.testing.assert_array_equal(after[0], before[ClipId("S100T2")][0])
    np.testing.assert_array_equal(after[1:], before[ClipId("S100T1")][1:])


def test_the_nearest_readable_frame_is_used_instead_and_named(data_folder: Path) -> None:
    frame_file(data_folder, "S100T1", 3).write_bytes(b"broken")
    dataset = open_dataset(data_folder)
    for settings in (config(num_frames=12), config(num_frames=12)):  # the second finds a store
        with open_clips(dataset, settings, PREPROCESSOR, ["S100T1"], (), no_progress) as reader:
            pixels = read(reader, ClipId("S100T1"))
            (notice,) = reader.notices()
        np.testing.assert_array_equal(pixels[2], pixels[1])
        assert "S100T1_frame_00000003.jpeg" in notice
        assert "S100T1_frame_00000002.jpeg is used instead" in notice


def test_a_trial_with_too_many_broken_frames_is_left_out_and_named(data_folder: Path) -> None:
    for number in (2, 3, 4):
        frame_file(data_folder, "S100T1", number).write_bytes(b"broken")
    trials = ["S100T1", "S100T2"]
    with open_clips(
        open_dataset(data_folder), config(num_frames=12), PREPROCESSOR, trials, trials, no_progress
    ) as reader:
        assert list(reader.left_out) == ["S100T1"]
        assert "S100T1: 3 of the clip's 12 frames cannot be read" in reader.left_out["S100T1"]
        assert "S100T1_frame_00000002.jpeg" in reader.left_out["S100T1"]
        with pytest.raises(DataError, match="S100T1: 3 of"):
            read(reader, ClipId("S100T1", epoch=1))


def test_the_evaluation_clip_replaces_a_sampled_clip_with_too_many_broken_frames(data_folder: Path) -> None:
    for number in (2, 3, 5, 6):  # of twelve: the evaluation clip takes 1, 5, 8 and 12
        if number != 5:
            frame_file(data_folder, "S100T1", number).write_bytes(b"broken")
    dataset = open_dataset(data_folder)
    with open_clips(dataset, config(sampling="segments"), PREPROCESSOR, ["S100T1"], ["S100T1"], no_progress) as reader:
        assert reader.left_out == {}
        named = " ".join(reader.notices())
        assert all(f"S100T1_frame_0000000{number}.jpeg" in named for number in (2, 3, 6))
        spread = read(reader, ClipId("S100T1"))
        fallen_back = sampled = 0
        for epoch in range(1, 30):
            indices = reader.plan.indices_of(ClipId("S100T1", epoch))
            pixels = read(reader, ClipId("S100T1", epoch))
            if {1, 2, 5} & set(indices):  # one in four is more than a fifth
                np.testing.assert_array_equal(pixels, spread)
                fallen_back += 1
            else:
                frames = [read_frame(frame_file(data_folder, "S100T1", index + 1)) for index in indices]
                np.testing.assert_array_equal(pixels, np.stack([PREPROCESSOR.shrink(frame) for frame in frames]))
                sampled += 1
        assert fallen_back and sampled


def test_a_broken_frame_outside_the_clip_does_not_matter(data_folder: Path) -> None:
    frame_file(data_folder, "S100T1", 9).write_bytes(b"broken")
    settings = config(window="0:6", num_frames=6, sampling="segments")
    with open_clips(open_dataset(data_folder), settings, PREPROCESSOR, ["S100T1"], ["S100T1"], no_progress) as reader:
        assert reader.notices() == []


def test_a_window_without_frames_leaves_a_trial_out(shared_data_folder: Path) -> None:
    dataset, settings = open_dataset(shared_data_folder), config(window="100:160")
    with open_clips(dataset, settings, PREPROCESSOR, ["S100T1"], ["S100T1"], no_progress) as reader:
        assert reader.left_out == {"S100T1": "S100T1: no frame in the window (seconds 100 to 160)."}


@pytest.mark.parametrize("stage", ["Filling the clip cache", "Reading clips"])
def test_the_progress_callback_may_stop_it(shared_data_folder: Path, stage: str) -> None:
    def stop(now: str, done: int, total: int) -> None:
        if now == stage and done:
            raise KeyboardInterrupt

    dataset = open_dataset(shared_data_folder)
    trials = list(dataset.usable_trials.index)
    before = threading.active_count()
    with (
        pytest.raises(KeyboardInterrupt),
        open_clips(dataset, config(), PREPROCESSOR, trials, trials, stop),
    ):
        pytest.fail("it went on")
    assert threading.active_count() == before


def test_an_abandoned_batch_leaves_no_thread_behind(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    reader = ClipReader(dataset, config(num_workers=2), PREPROCESSOR)
    before = threading.active_count()
    batches = reader.batches([[ClipId(trial)] for trial in dataset.usable_trials.index])
    next(batches)
    assert threading.active_count() == before + 2
    batches.close()
    assert threading.active_count() == before


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_a_thread_reaches_the_caller(data_folder: Path, workers: int) -> None:
    dataset = open_dataset(data_folder)
    for path in (data_folder / "JPEGImages").glob("S100T1_*"):
        path.write_bytes(b"broken")
    reader = ClipReader(dataset, config(num_workers=workers), PREPROCESSOR)
    with pytest.raises(DataError, match="S100T1: 4 of the clip's 4 frames cannot be read"):
        list(reader.batches([[ClipId("S100T2")], [ClipId("S100T1")]]))


def no_folder(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "cache").write_text("a file where the cache should be")


def no_stores(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache_folder() / "clips").write_text("a file where the stores should be")


def no_room(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCAL_CACHE_GB", "0")


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [no_folder, no_stores, no_room])
def test_without_a_cache_clips_are_read_and_a_notice_says_so(
    shared_data_folder: Path,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    spoil(workspace, monkeypatch)
    dataset = open_dataset(shared_data_folder)
    plain = ClipReader(dataset, config(), PREPROCESSOR)
    with open_clips(dataset, config(), PREPROCESSOR, ["S100T1"], (), no_progress) as reader:
        np.testing.assert_array_equal(read(reader, ClipId("S100T1")), read(plain, ClipId("S100T1")))
        (notice,) = reader.notices()
    assert notice.startswith(("There is no clip cache", "The clip cache is not filled"))
    assert notice.endswith("Frames are decoded again at each use.")
    assert not list(workspace.rglob("*.frames"))
