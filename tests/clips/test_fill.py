"""socal_core.clips.fill: each frame is stored once, by any number of processes, also after kills and full disks."""

import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from socal_core.clips.fill import Wanted, all_frames, cache_status, fill, missing_frames
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.store import FrameStore
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from tests.dataset.test_video import write_video
from tests.disks import small_disk
from tests.factories import write_dataset
from tests.preloaded import run_preloaded

ROOT = Path(__file__).resolve().parents[2]
PREPROCESSOR = Preprocessor.for_size(32)


def no_progress(done: int, total: int) -> None:
    """Do nothing with the progress."""


def store_of(dataset: Dataset) -> FrameStore:
    return FrameStore(dataset.root, PREPROCESSOR.recipe, PREPROCESSOR.frame_shape)


def fill_all(dataset: Dataset, wanted: Wanted | None = None) -> tuple[FrameStore, list[tuple[int, int]], Any]:
    store, seen = store_of(dataset), []
    with store.in_use():
        filled = fill(dataset, PREPROCESSOR, store, wanted or all_frames(dataset), lambda *step: seen.append(step))
    return store, seen, filled


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def filled_by(*arguments: object) -> dict[str, Any]:
    return result_of(run_preloaded("-m", "tests.clips.filler", *arguments))


def test_every_frame_is_stored_and_progress_is_reported(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    store, seen, filled = fill_all(dataset)
    assert (seen[0], seen[-1]) == ((0, 240), (240, 240))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert (filled.note, filled.unreadable) == ("", {})
    for trial, indices in all_frames(dataset):
        out = np.zeros((len(indices), *store.shape), np.uint8)
        assert store.read(trial, indices, out).all()
        for name, pixels in zip(trial.frames, out, strict=True):
            np.testing.assert_array_equal(pixels, PREPROCESSOR.read(dataset, name))


def test_stored_frames_are_not_decoded_again(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    wanted = all_frames(dataset)
    fill_all(dataset, [(trial, indices[:5]) for trial, indices in wanted])
    assert sum(len(indices) for _, indices in missing_frames(dataset, store_of(dataset), wanted)) == 20 * 7
    assert fill_all(dataset)[1][-1] == (140, 140)
    assert fill_all(dataset)[1] == [(0, 0)]


def test_only_frames_whose_files_have_changed_are_decoded_again(data_folder: Path) -> None:
    dataset = open_dataset(data_folder)
    fill_all(dataset)
    changed = data_folder / "JPEGImages" / "S101T1_frame_00000004.jpeg"
    os.utime(changed, ns=(0, changed.stat().st_mtime_ns + 1))
    assert [
        (trial.trial_id, indices) for trial, indices in missing_frames(dataset, store_of(dataset), all_frames(dataset))
    ] == [("S101T1", [3])]


@pytest.mark.slow
def test_status_counts_stored_unreadable_and_missing_frames(data_folder: Path) -> None:
    (data_folder / "JPEGImages" / "S100T1_frame_00000002.jpeg").write_bytes(b"broken")
    dataset = open_dataset(data_folder)
    store, wanted = store_of(dataset), all_frames(dataset)
    empty = cache_status(dataset, store, wanted)
    assert (empty.trials, empty.frames, empty.bytes, empty.complete) == (0, 0, 0, False)
    assert (empty.of_trials, empty.of_frames, empty.estimated_bytes) == (20, 240, 240 * 3 * 32 * 32)
    filled = fill_all(dataset)[2]
    assert list(filled.unreadable) == ["S100T1_frame_00000002.jpeg"]
    full = cache_status(dataset, store, wanted)
    assert (full.trials, full.frames, full.unreadable, full.complete) == (20, 239, 1, True)
    assert full.bytes == 239 * 3 * 32 * 32
    (data_folder / "JPEGImages" / "S100T1_frame_00000003.jpeg").touch()
    less = cache_status(dataset, store, wanted)
    assert (less.trials, less.frames, less.complete) == (19, 238, False)


@pytest.mark.slow
def test_a_video_is_kept_second_by_second_as_far_as_it_goes(data_folder: Path) -> None:
    for path in (data_folder / "JPEGImages").glob("S100T1_*"):
        path.unlink()
    write_video(data_folder / "S100T1.mp4", 12)
    dataset = open_dataset(data_folder)
    store, _, filled = fill_all(dataset)
    trial, indices = next((trial, indices) for trial, indices in all_frames(dataset) if trial.trial_id == "S100T1")
    out = np.zeros((len(indices), *store.shape), np.uint8)
    assert store.read(trial, indices, out).all()
    assert out.mean(axis=(1, 2, 3)).tolist() == pytest.approx([20 + 20 * second for second in range(12)], abs=4)
    for name, pixels in zip(trial.frames, out, strict=True):
        np.testing.assert_array_equal(pixels, PREPROCESSOR.read(dataset, name))
    assert (filled.unreadable, len(indices)) == ({}, 12)
    # The same name, and a video that ends before its header says.
    write_video(data_folder / "S100T1.mp4", 5)
    filled = fill_all(dataset)[2]
    assert sorted(filled.unreadable) == [f"S100T1_frame_{second + 1:08d}.jpeg" for second in range(5, 12)]


@pytest.mark.slow
def test_a_repaired_frame_is_decoded(data_folder: Path) -> None:
    path = data_folder / "JPEGImages" / "S100T1_frame_00000002.jpeg"
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    dataset = open_dataset(data_folder)
    store, _, _ = fill_all(dataset)
    path.write_bytes(whole)
    assert fill_all(dataset)[1][-1] == (1, 1)
    assert cache_status(dataset, store, all_frames(dataset)).frames == 240


@pytest.mark.slow
def test_kills_at_random_moments_never_lead_to_a_wrong_frame(tmp_path: Path, full: bool) -> None:
    """Twenty kills, or fifty. What was stored before a kill is still there after it."""
    kills = 50 if full else 20
    data = write_dataset(tmp_path / "data", surgeons=6, frames=30, size=(320, 180))
    result = filled_by("kill", data, kills, 7)
    assert result["wrong"] == 0
    assert result["killed"] >= 0.4 * kills, "many children were killed at work"
    partial = [given for given in result["frames"] if 0 < given < result["of"]]
    assert len(partial) >= 0.1 * kills, "kills met a store half filled"
    for before, after in zip(result["frames"], result["frames"][1:], strict=False):
        assert after >= before or before == result["of"]
    assert (result["end"], result["note"]) == (result["of"], "")


@pytest.mark.slow
def test_two_processes_that_fill_at_once_both_finish_with_one_copy(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", surgeons=6, frames=20, size=(320, 180))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: filled_by("fill", data), range(2)))
    assert all(r == {"note": "", "frames": 240, "wrong": 0, "of": 240, "complete": True} for r in results)
    dataset = open_dataset(data)
    store = FrameStore(dataset.root, Preprocessor.for_size(64).recipe, (3, 64, 64))
    files = list(store.folder.glob("*.frames"))
    assert len(files) == 12
    assert sum(path.stat().st_size for path in files) < 1.2 * 240 * store.frame_bytes


def limited_files() -> None:
    """No file may grow beyond 60 kB, which is less than a trial takes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))


NO_RESERVE = (
    "import sys, json, socal_core.clips.clip_cache as cache; cache.RESERVE = -10**12; "
    "from tests.clips.filler import main; print(json.dumps(main(sys.argv[1:])))"
)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["small disk", "small disk, filled to the brim", "small files"])
@pytest.mark.sampled(1)
def test_a_full_disk_ends_the_filling_with_a_message_and_no_wrong_frame(tmp_path: Path, how: str) -> None:
    data = write_dataset(tmp_path / "data", surgeons=6, frames=20, size=(64, 48))
    prefix: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    if how == "small files":
        options["preexec_fn"] = limited_files
    else:
        found = small_disk("1m")
        if found is None:
            pytest.skip("a tmpfs cannot be mounted here; small files show the same")
        prefix = found
    command = ["-m", "tests.clips.filler"] if how == "small disk" else ["-c", NO_RESERVE]
    result = result_of(
        subprocess.run(
            [*prefix, sys.executable, *command, "fill", str(data)],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            **options,
        )
    )
    assert result["note"].startswith("The clip cache is not filled: ")
    assert result["note"].endswith("Frames are decoded again at each use.")
    expected = {
        "small disk": "0.0 GB are free on the disk, of which 1 GB are kept free",
        "small disk, filled to the brim": "No space left on device",
        "small files": "File too large",
    }
    assert expected[how] in result["note"]
    assert result["wrong"] == 0
    assert not result["complete"]
    assert (result["frames"] > 0) == (how == "small disk, filled to the brim")
