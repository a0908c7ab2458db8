"""socal_core.evaluation.same_footage"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from socal_core.dataset import layout
from socal_core.dataset.frame_reports import FOOTAGE, read_report
from socal_core.dataset.opening import open_dataset
from socal_core.evaluation.same_footage import (
    EDGE,
    LIMIT,
    FramePrints,
    footage_of,
    frame_prints,
    look_for_same_footage,
    reduced,
    same_footage,
)


def ignore(done: int, total: int) -> None:
    pass


def draw_scenes(folder: Path, seed: int = 0) -> None:
    """Give every frame of a data folder a scene of its own, smooth as real frames are."""
    chance = np.random.default_rng(seed)
    for path in sorted((folder / layout.IMAGES_DIR).iterdir()):
        patches = Image.fromarray(chance.integers(0, 256, (6, 8, 3), np.uint8))
        patches.resize((128, 96), Image.Resampling.BICUBIC).save(path, quality=90)


def copy_trial(folder: Path, source: str, target: str, shift: int, change: Callable[[Image.Image], Image.Image]) -> int:
    """Replace the frames of a trial by changed ones of another trial, which begin later; return their number."""
    images = folder / layout.IMAGES_DIR
    sources, targets = (sorted(images.glob(f"{trial}_*")) for trial in (source, target))
    for old, new in zip(sources[shift:], targets, strict=False):
        change(Image.open(old)).save(new, quality=60)
    return len(sources) - shift


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("shift", [0, 1, 5])
@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        lambda image: image.resize((64, 48)),
        lambda image: image.point(lambda value: min(255, 20 + value * 0.9)),
    ],
    ids=["encoded", "resized", "brighter"],
)
def test_a_copy_is_found(data_folder: Path, shift: int, change: Callable[[Image.Image], Image.Image]) -> None:
    draw_scenes(data_folder)
    count = copy_trial(data_folder, "S101T1", "S107T2", shift, change)
    report = look_for_same_footage(open_dataset(data_folder), ignore)
    (pair,) = footage_of(report)
    assert (pair.trial_id, pair.other, pair.frames) == ("S101T1", "S107T2", count)
    assert pair.second - pair.other_second == shift
    assert pair.distance < LIMIT
    assert read_report(open_dataset(data_folder).fingerprint, FOOTAGE) == report


def test_other_footage_is_not(data_folder: Path) -> None:
    draw_scenes(data_folder)
    copy_trial(data_folder, "S101T1", "S107T2", 10, lambda image: image)  # two frames may recur
    copy_trial(data_folder, "S102T1", "S103T1", 0, lambda image: image.filter(ImageFilter.FIND_EDGES))
    report = look_for_same_footage(open_dataset(data_folder), ignore)
    assert (report["pairs"], report["frames"], report["unreadable"]) == ([], 240, 0)


def test_frames_that_show_nothing_or_cannot_be_read_are_left_out(data_folder: Path) -> None:
    draw_scenes(data_folder)
    images = data_folder / layout.IMAGES_DIR
    for trial in ("S100T1", "S101T1"):
        for path in images.glob(f"{trial}_*"):
            Image.new("RGB", (64, 48), (3, 3, 3)).save(path)
    (images / "S102T1_frame_00000003.jpeg").write_bytes(b"no image")
    shown: list[tuple[int, int]] = []
    prints = frame_prints(open_dataset(data_folder), lambda done, total: shown.append((done, total)))
    assert (len(prints.values), prints.unreadable) == (240 - 24 - 1, 1)
    assert shown[-1] == (240, 240)
    assert same_footage(prints) == []


def test_a_reduced_frame_has_no_brightness_and_no_contrast() -> None:
    frame = np.random.default_rng(0).integers(0, 100, (64, 64, 3), np.uint8)
    first, second = reduced(frame), reduced(frame * 2 + 30)
    assert first.shape == (EDGE * EDGE,)
    assert np.isclose(np.linalg.norm(first), 1)
    assert np.isclose(first @ second, 1, atol=1e-3)


def test_pairs_in_several_blocks_are_those_of_all_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socal_core.evaluation.same_footage._BLOCK", 7)
    chance = np.random.default_rng(0)
    values: NDArray[np.float32] = chance.normal(size=(40, 50)).astype(np.float32)
    values[25:30] = values[3:8]
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    names = np.repeat(["a", "b", "c", "d"], 10)
    prints = FramePrints(values, pd.DataFrame({"trial_id": names, "second": np.tile(range(10), 4)}), 0)
    (pair,) = same_footage(prints)
    assert (pair.trial_id, pair.other, pair.frames) == ("a", "c", 5)
    assert pair.other_second - pair.second == 2


def test_real_frames_of_different_trials_are_not_the_same(real_trials: Path) -> None:
    assert same_footage(frame_prints(open_dataset(real_trials), ignore)) == []
