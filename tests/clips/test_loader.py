"""socal_core.clips.loader"""

from pathlib import Path

import numpy as np
import pytest
import torch

from socal_core.clips.loader import read_clip, read_clips
from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.images import read_frame
from socal_core.dataset.open import open_dataset
from socal_core.dataset.windows import Window
from socal_core.errors import DataError

PREPROCESSOR = Preprocessor.for_size(32)
WHOLE = Window(0, None)


def no_progress(done: int, total: int) -> None:
    """Nobody is watching."""


def frame_file(folder: Path, trial: str, number: int) -> Path:
    return folder / "JPEGImages" / f"{trial}_frame_{number:08d}.jpeg"


def test_a_clip_is_its_frames_in_order(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    clip = read_clip("S100T1", dataset, Window(0, 6), 6, PREPROCESSOR)
    frames = [read_frame(frame_file(shared_data_folder, "S100T1", number)) for number in range(1, 7)]
    np.testing.assert_array_equal(clip.pixels, PREPROCESSOR.shrink(frames))
    assert clip.stand_ins == ()


def test_the_store_holds_every_trial(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    seen: list[tuple[int, int]] = []
    trials = list(dataset.usable_trials.index)
    store = read_clips(dataset, trials, WHOLE, 4, PREPROCESSOR, lambda done, total: seen.append((done, total)))
    assert set(store.clips) == set(trials)
    assert seen == [(i + 1, len(trials)) for i in range(len(trials))]
    batch = store.batch(trials[:3])
    assert batch.shape == (3, 4, 3, 32, 32)
    assert batch.dtype is torch.float32
    assert 0 <= batch.min() <= batch.max() <= 1


def test_the_nearest_readable_frame_stands_in_and_is_named(data_folder: Path) -> None:
    frame_file(data_folder, "S100T1", 3).write_bytes(b"broken")
    dataset = open_dataset(data_folder)
    clip = read_clip("S100T1", dataset, WHOLE, 12, PREPROCESSOR)
    np.testing.assert_array_equal(clip.pixels[2], clip.pixels[1])
    assert len(clip.stand_ins) == 1
    assert "S100T1_frame_00000003.jpeg" in clip.stand_ins[0]
    assert "S100T1_frame_00000002.jpeg stands in" in clip.stand_ins[0]


def test_a_trial_with_too_many_broken_frames_is_left_out_and_named(data_folder: Path) -> None:
    for number in (2, 3, 4):
        frame_file(data_folder, "S100T1", number).write_bytes(b"broken")
    dataset = open_dataset(data_folder)
    store = read_clips(dataset, ["S100T1", "S100T2"], WHOLE, 12, PREPROCESSOR, no_progress)
    assert list(store.clips) == ["S100T2"]
    assert "S100T1: 3 of the clip's 12 frames cannot be read" in store.left_out["S100T1"]
    assert "S100T1_frame_00000002.jpeg" in store.left_out["S100T1"]


def test_a_window_without_frames_leaves_a_trial_out(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    with pytest.raises(DataError, match=r"S100T1: no frame in the window \(seconds 100 to 160\)"):
        read_clip("S100T1", dataset, Window(100, 160), 4, PREPROCESSOR)


def test_a_broken_frame_outside_the_clip_costs_nothing(data_folder: Path) -> None:
    frame_file(data_folder, "S100T1", 9).write_bytes(b"broken")
    assert read_clip("S100T1", open_dataset(data_folder), Window(0, 6), 6, PREPROCESSOR).stand_ins == ()


def test_whoever_watches_may_stop_it(shared_data_folder: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    dataset = open_dataset(shared_data_folder)
    with pytest.raises(KeyboardInterrupt):
        read_clips(dataset, list(dataset.usable_trials.index), WHOLE, 4, PREPROCESSOR, stop)
