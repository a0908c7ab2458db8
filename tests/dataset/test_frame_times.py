"""The second of each frame, from names that hold a time or count the frames of a recording."""

from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import found, put, write_frame


def frames_named(root: Path, names: list[str], trial: str = "S1T1") -> Dataset:
    (root / layout.IMAGES_DIR / trial).mkdir(parents=True)
    for name in names:
        write_frame(root, f"{trial}/{name}")
    return open_dataset(root)


def seconds(data: Dataset) -> dict[str, int]:
    return {
        name.rpartition("/")[2]: second
        for name, second in zip(data.frames["frame"], data.frames["second"], strict=True)
    }


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "names",
    [
        [f"frame0-0{n // 60}-{n % 60:02d}.00.jpg" for n in range(57, 63)],
        [f"0{n // 60}_{n % 60:02d}.png" for n in range(57, 63)],
        [f"{n // 60}-{n % 60:02d}.png" for n in range(57, 63)],
        [f"x_00.0{n // 60}.{n % 60:02d}.png" for n in range(57, 63)],
        [f"{n // 60}m{n % 60:02d}s.png" for n in range(57, 63)],
        [f"0h{n // 60:02d}m{n % 60:02d}s.png" for n in range(57, 63)],
        [f"IMG_20240131_1159{n:02d}.jpg" for n in range(57, 60)] + [f"IMG_20240131_1200{n:02d}.jpg" for n in range(3)],
        [
            f"2024-01-31 11-{59 + n // 60:02d}-{n % 60:02d}.jpg" if n < 60 else f"2024-01-31 12-00-{n - 60:02d}.jpg"
            for n in range(57, 63)
        ],
        [f"t{n // 60}-{n % 60:02d}.04{n - 57}.jpg" for n in range(57, 63)],
    ],
    ids=lambda names: names[0],
)
def test_names_hold_times(tmp_path: Path, names: list[str]) -> None:
    data = frames_named(tmp_path, names)
    assert list(seconds(data)) == names
    assert list(seconds(data).values()) == [0, 1, 2, 3, 4, 5]
    assert any("S1T1 hold times" in item.interpretation for item in data.evidence)
    assert not found(data, "gap-in-trial")


def test_gaps_between_times_stay_gaps(tmp_path: Path) -> None:
    names = ["00_58.png", "00_59.png", "01_00.png", "01_30.png", "03_00.png"]
    assert list(seconds(frames_named(tmp_path, names)).values()) == [0, 1, 2, 32, 122]


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        [f"part{part}_{n:02d}.png" for part in (1, 2) for n in (1, 2, 3)],
        ["0_10.png", "1_15.png", "2_40.png"],
        ["58.04.png", "59.08.png", "60.12.png"],
    ],
    ids=lambda names: names[0],
)
def test_two_numbers_that_may_be_a_time_are_named(tmp_path: Path, names: list[str]) -> None:
    data = frames_named(tmp_path, names)
    (problem,) = found(data, "time-or-number")
    assert layout.MAPPING_FILE in problem.message
    assert not any("hold times" in item.interpretation for item in data.evidence)


@pytest.mark.parametrize(
    "names", [[f"a_1_{n:02d}.png" for n in range(97, 103)], [f"a_1_{n:02d}.png" for n in range(10, 16)]], ids=str
)
def test_numbers_are_no_times(tmp_path: Path, names: list[str]) -> None:
    data = frames_named(tmp_path, names)
    assert list(seconds(data).values()) == [0, 1, 2, 3, 4, 5]
    assert not found(data, "time-or-number")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([25, 50, 75, 100], [0, 1, 2, 3]),
        ([1, 31, 61, 91], [0, 1, 2, 3]),
        ([0, 60, 120, 300], [0, 1, 2, 5]),
        ([round(n * 30000 / 1001) for n in range(40)], list(range(40))),
        ([round(n * 24000 / 1001) for n in (0, 1, 2, 3, 50, 51, 52, 53)], [0, 1, 2, 3, 50, 51, 52, 53]),
    ],
    ids=str,
)
def test_numbers_of_a_recording(tmp_path: Path, numbers: list[int], expected: list[int]) -> None:
    data = frames_named(tmp_path, [f"{number:06d}.png" for number in numbers])
    assert data.frames["second"].tolist() == expected
    assert any("frames per second; one per second is here" in item.interpretation for item in data.evidence)
    assert not found(data, "numbers-in-steps")


def test_numbers_of_a_recording_in_parts(tmp_path: Path) -> None:
    for name in ("S1T1a_frame_00000025", "S1T1a_frame_00000050", "S1T1b_frame_00000125", "S1T1b_frame_00000150"):
        write_frame(tmp_path, f"{name}.jpeg")
    assert open_dataset(tmp_path).frames["second"].tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize(
    ("first", "second", "steps"),
    [
        ([25, 50, 75, 100], [30, 60, 90, 120], [25, 30]),
        ([25, 50, 75, 100], [1, 2, 3, 4], [25]),
        ([7, 14, 21], [7, 14, 28], [7, 7]),
    ],
)
def test_other_steps_are_named_and_change_nothing(
    tmp_path: Path, first: list[int], second: list[int], steps: list[int]
) -> None:
    for trial, numbers in (("S1T1", first), ("S2T1", second)):
        for number in numbers:
            write_frame(tmp_path, f"{trial}_frame_{number:08d}.jpeg")
    data = open_dataset(tmp_path)
    assert [problem.parameters["step"] for problem in found(data, "numbers-in-steps")] == steps
    assert data.frames["second"].tolist() == [n - first[0] for n in first] + [n - second[0] for n in second]


@pytest.mark.parametrize("numbers", [[1, 2, 3, 4], [1, 2, 40, 41], [1, 26], [3, 9, 20, 27]], ids=str)
def test_gaps_are_no_frame_rate(tmp_path: Path, numbers: list[int]) -> None:
    data = frames_named(tmp_path, [f"{number}.png" for number in numbers])
    assert data.frames["second"].tolist() == [number - numbers[0] for number in numbers]
    assert not found(data, "numbers-in-steps")


def test_a_mapping_decides_over_names(tmp_path: Path) -> None:
    rows = "".join(f"S1T1/{n}.png,S1T1,{n}\n" for n in (25, 50, 75))
    put(tmp_path, {layout.MAPPING_FILE: f"frame,trial_id,frame_number\n{rows}"})
    assert frames_named(tmp_path, ["25.png", "50.png", "75.png"]).frames["second"].tolist() == [0, 25, 50]
