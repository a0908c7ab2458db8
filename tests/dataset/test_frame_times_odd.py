"""Times in names of cameras and players, beside other numbers, and in a folder of all trials."""

from pathlib import Path

import pytest

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from tests.annotations.matching_files import frames
from tests.dataset.editing import found


def opened(root: Path, names: list[str]) -> Dataset:
    return open_dataset(frames(root, *names))


def seconds(data: Dataset, names: list[str]) -> list[int]:
    return data.frames.set_index("frame")["second"].loc[names].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    ["S1T1_0{}-{:02d}.jpg", "S1T1_frame0-0{}-{:02d}.00.jpg", "S1T1-00h0{}m{:02d}s.png", "S1T1_frame_0{}m{:02d}.png"],
)
def test_times_in_a_folder_of_all_trials(tmp_path: Path, form: str) -> None:
    names = [form.format(n // 60, n % 60) for n in (57, 58, 59, 60, 61, 90)]
    assert seconds(opened(tmp_path, names), names) == [0, 1, 2, 3, 4, 33]


def test_numbers_that_may_be_times_in_a_folder_of_all_trials_are_reported(tmp_path: Path) -> None:
    names = ["S1T1_0_10.jpg", "S1T1_1_15.jpg", "S1T1_2_40.jpg"]
    data = opened(tmp_path, names)
    assert seconds(data, names) == [0, 5, 30]
    assert found(data, "time-or-number")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "names",
    [
        ["IMG_20240131_235959.jpg", "IMG_20240201_000000.jpg", "IMG_20240201_000029.jpg"],
        ["2024-12-31 23-59-59.jpg", "2025-01-01 00-00-00.jpg", "2025-01-01 00-00-29.jpg"],
        ["PXL_20240131_100000123.jpg", "PXL_20240131_100001100.jpg", "PXL_20240131_100030090.jpg"],
        ["00h00m29s912.png", "00h00m30s900.png", "00h00m59s901.png"],
        ["frame_29000ms.png", "frame_30000ms.png", "frame_59000ms.png"],
        ["t0.5s.png", "t1.5s.png", "t30.5s.png"],
    ],
    ids=lambda names: names[0],
)
def test_times_of_cameras_and_players(tmp_path: Path, names: list[str]) -> None:
    names = [f"S1T1/{name}" for name in names]
    data = opened(tmp_path, names)
    assert seconds(data, names) == [0, 1, 30]
    assert not found(data, "several-numbers")


def test_a_snapshot_of_vlc_holds_the_time_of_the_day(tmp_path: Path) -> None:
    names = [f"S1T1/vlcsnap-2024-01-31-10h0{n}m05s{900 - n}.png" for n in range(3)]
    data = opened(tmp_path, names)
    assert seconds(data, names) == [0, 60, 120]
    assert found(data, "snapshot-times")


@pytest.mark.parametrize("step", [25, 30, 60])
def test_times_do_not_count_the_frames_of_a_recording(tmp_path: Path, step: int) -> None:
    names = [f"S1T1/00h{n * step // 60:02d}m{n * step % 60:02d}s.png" for n in range(4)]
    assert seconds(opened(tmp_path, names), names) == [0, step, 2 * step, 3 * step]


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        ["cam_1_004.png", "cam_2_002.png", "cam_3_003.png"],
        ["0.9700.png", "1.0100.png", "1.0500.png"],
        ["20240131_1000_5.png", "20240131_1001_5.png", "20240131_1002_6.png"],
    ],
    ids=lambda names: names[0],
)
def test_a_last_number_that_does_not_rise_with_the_others_is_reported(tmp_path: Path, names: list[str]) -> None:
    data = opened(tmp_path, [f"S1T1/{name}" for name in names])
    assert [problem.parameters["trial_id"] for problem in found(data, "several-numbers")] == ["S1T1"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["take2_{:03d}.png", "{0:d}_{0:04d}.png", "S1T1_frame_{:08d}.png"])
def test_a_last_number_that_rises_is_the_second(tmp_path: Path, form: str) -> None:
    names = [f"S1T1/{form.format(n)}" for n in (1, 2, 3)]
    data = opened(tmp_path, names)
    assert seconds(data, names) == [0, 1, 2]
    assert not found(data, "several-numbers")


def test_a_copy_of_a_frame_is_left_out(tmp_path: Path) -> None:
    data = opened(tmp_path, ["S1T1/frame_1.jpg", "S1T1/frame_2.jpg", "S1T1/frame_2 (1).jpg"])
    assert data.frames["frame"].tolist() == ["S1T1/frame_1.jpg", "S1T1/frame_2.jpg"]
    assert len(found(data, "copied-frame")) == 1
