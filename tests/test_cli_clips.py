"""socal_core.cli.clips: clips and the cache on the command line, as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

from socal_core.cli import main
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from tests.test_cli import run_cli


def by_the_processor(data: Path, trial: str, numbers: list[int], size: int, whole: bool = False) -> np.ndarray:
    square = {"height": size, "width": size}
    processor = VideoMAEImageProcessorPil(
        size=square if whole else {"shortest_edge": size},
        do_center_crop=not whole,
        crop_size=square,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    files = [data / "JPEGImages" / f"{trial}_frame_{number:08d}.jpeg" for number in numbers]
    frames = [np.asarray(Image.open(path).convert("RGB")) for path in files]
    pixels: np.ndarray = processor(frames, return_tensors="np")["pixel_values"][0]
    return pixels


ONE_GREY_LEVEL = 1 / 255 / 0.224
"""In normalised units, for the channel with the smallest standard deviation."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "size", "numbers"),
    [
        ([], 224, [1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11, 12]),
        (["--frames", 4, "--size", 64, "--window", "whole"], 64, [1, 5, 8, 12]),
        (["--frames", 6, "--size", 32, "--window", "0:6"], 32, [1, 2, 3, 4, 5, 6]),
        (["--frames", 2, "--size", 32, "--window", "0:-10"], 32, [1, 2]),
    ],
)
def test_a_clip_is_what_the_processor_gives(
    capsys: pytest.CaptureFixture[str],
    shared_data_folder: Path,
    tmp_path: Path,
    arguments: list[object],
    size: int,
    numbers: list[int],
) -> None:
    out = tmp_path / "clip.npy"
    code, text, _ = run_cli(capsys, "clip", shared_data_folder, "S101T2", *arguments, "--out", out)
    assert code == 0
    clip = np.load(out)
    assert clip.dtype == np.float32
    assert clip.shape == (len(numbers), 3, size, size)
    assert str(clip.shape) in text
    expected = by_the_processor(shared_data_folder, "S101T2", numbers, size)
    assert np.abs(clip - expected).max() <= ONE_GREY_LEVEL + 1e-5
    assert np.abs(clip - expected).mean() < 1e-3


@pytest.mark.parametrize("test_clips", [1, 2])
def test_with_a_run_it_is_what_that_runs_model_is_given(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path, tmp_path: Path, test_clips: int
) -> None:
    settings = {"recipe": "finetune", "num_frames": 4, "window": "2:10", "test_clips": test_clips}
    config = config_from(settings, TINY)
    RunFolder.create(tmp_path / "run", config, shared_data_folder)
    out = tmp_path / "clip.npy"
    assert run_cli(capsys, "clip", shared_data_folder, "S100T1", "--run", tmp_path / "run", "--out", out)[0] == 0
    numbers = [[3, 5, 8, 10]] if test_clips == 1 else [[3, 5, 7, 9], [4, 6, 8, 10]]
    expected = np.stack([by_the_processor(shared_data_folder, "S100T1", clip, 96, whole=True) for clip in numbers])
    clip = np.load(out)
    assert clip.shape == (expected[0] if test_clips == 1 else expected).shape
    assert np.abs(clip - expected).max() <= ONE_GREY_LEVEL + 1e-5


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["S999T9"], "S999T9"),
        (["S100T1", "--window", "100:160"], "S100T1: no frame in the window (seconds 100 to 160)"),
        (["S100T1", "--window", "60"], "window: must be 'whole' or 'A:B'"),
        (["S100T1", "--frames", 5], "num_frames: must be even"),
        (["S100T1", "--size", 7], "--size: must be between 16 and 1024 pixels"),
        (["S100T1", "--run", "nowhere", "--size", 64], "--run: sets frames, size and window"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path, tmp_path: Path, arguments: list[object], message: str
) -> None:
    out = tmp_path / "clip.npy"
    code, _, errors = run_cli(capsys, "clip", shared_data_folder, *arguments, "--out", out)
    assert code == 2
    assert message in errors
    assert not out.exists()


def test_an_earlier_clip_is_replaced_and_nothing_else(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "clip.npy"
    for size in (32, 64):
        arguments = ["clip", shared_data_folder, "S100T1", "--size", size, "--out", out]
        assert run_cli(capsys, *arguments)[0] == 0
        assert np.load(out).shape[-1] == size
    out.write_text("a thesis")
    code, _, errors = run_cli(capsys, *arguments)
    assert code == 2
    assert "already exists and is not an array" in errors
    assert out.read_text() == "a thesis"
    code, _, errors = run_cli(capsys, *arguments[:-1], tmp_path / "missing" / "clip.npy")
    assert code == 2
    assert "cannot be written" in errors


def cache(capsys: pytest.CaptureFixture[str], data: Path, *arguments: object) -> tuple[int, dict[str, object]]:
    code, out, _ = run_cli(capsys, "cache", data, *arguments, "--json")
    return code, json.loads(out)


def test_the_cache_is_filled_looked_at_and_cleared(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path
) -> None:
    empty = cache(capsys, shared_data_folder, "--status")[1]
    assert (empty["trials"], empty["frames"], empty["bytes"], empty["complete"]) == (0, 0, 0, False)
    assert (empty["of_trials"], empty["of_frames"]) == (20, 240)
    assert empty["size"] == [96, 96], "that of tiny, which a machine without weights trains"
    code, full = cache(capsys, shared_data_folder, "--fill")
    assert code == 0
    assert (full["trials"], full["frames"], full["complete"], full["note"]) == (20, 240, True, "")
    assert full["bytes"] == empty["estimated_bytes"] == 240 * 3 * 96 * 96
    assert cache(capsys, shared_data_folder)[1] == full
    assert cache(capsys, shared_data_folder, "--size", 32)[1]["frames"] == 0
    assert cache(capsys, shared_data_folder, "--fill", "--size", 32)[1]["complete"]
    assert cache(capsys, shared_data_folder, "--clear", "--size", 32)[1]["frames"] == 0
    assert cache(capsys, shared_data_folder)[1] == full
    assert cache(capsys, shared_data_folder, "--clear")[1] == empty


def test_a_cache_without_space_is_reported(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCAL_CACHE_GB", "0.0001")
    code, status = cache(capsys, shared_data_folder, "--fill")
    assert code == 1
    assert not status["complete"]
    assert "SOCAL_CACHE_GB" in str(status["note"])
    monkeypatch.setenv("SOCAL_CACHE_GB", "lots")
    code, _, errors = run_cli(capsys, "cache", shared_data_folder, "--fill")
    assert code == 2
    assert "SOCAL_CACHE_GB: must be a number of GB" in errors


def test_the_text_names_what_is_there_and_what_cannot_be_read(
    capsys: pytest.CaptureFixture[str], data_folder: Path
) -> None:
    (data_folder / "JPEGImages" / "S100T1_frame_00000002.jpeg").write_bytes(b"broken")
    code, out, _ = run_cli(capsys, "cache", data_folder, "--fill")
    assert code == 0
    assert "239 of 240 frames, 20 of 20 trials, at 96x96 pixels" in out
    assert "1 frame cannot be read" in out


def test_only_one_thing_is_done_at_a_time(shared_data_folder: Path) -> None:
    with pytest.raises(SystemExit):
        main(["cache", str(shared_data_folder), "--fill", "--clear"])
