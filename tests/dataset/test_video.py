from pathlib import Path

import cv2
import numpy as np
import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.inspection import check_frames
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.video import MAX_SECONDS, Video, probe, read_seconds
from socal_core.errors import DataError
from socal_core.presets import SOCAL
from tests.dataset.editing import found

CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}
SIZE = (64, 48)


def write_video(path: Path, seconds: int, rate: float = 10.0) -> Path:
    """A video whose grey level is 20 for each second gone by."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*CODECS[path.suffix]), rate, SIZE)
    assert writer.isOpened()
    for index in range(round(seconds * rate)):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 20 + 20 * int(index / rate), np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("suffix", sorted(CODECS))
@pytest.mark.parametrize("rate", [10.0, 25.0])
def test_a_video_is_sampled_once_a_second(tmp_path: Path, suffix: str, rate: float) -> None:
    path = write_video(tmp_path / f"S1T1{suffix}", 5, rate)
    video = probe(tmp_path, path.name)
    assert (video.seconds, video.width, video.height) == (5, *SIZE)
    assert video.frame_rate == pytest.approx(rate, rel=0.01)
    greys = [picture.mean() for picture in read_seconds(tmp_path, video, range(5))]
    assert greys == pytest.approx([20, 40, 60, 80, 100], abs=4)


@pytest.mark.parametrize("seconds", [[4, 0, 1, 1, 3], [2, 3, 4], [0, 4]], ids=str)
def test_seconds_come_in_any_order_each_as_if_it_were_asked_for_alone(tmp_path: Path, seconds: list[int]) -> None:
    path = write_video(tmp_path / "S1T1.mp4", 5, 25.0)
    video = probe(tmp_path, path.name)
    for second, picture in zip(seconds, read_seconds(tmp_path, video, seconds), strict=True):
        (alone,) = read_seconds(tmp_path, video, [second])
        np.testing.assert_array_equal(picture, alone)


def test_a_data_set_of_videos(folder: Path) -> None:
    for path in (folder / layout.IMAGES_DIR).glob("S100*"):
        path.unlink()
    (folder / "videos").mkdir()
    write_video(folder / "videos" / "S100T1.mp4", 4)
    write_video(folder / "S100T2.avi", 3)
    write_video(folder / "videos" / "S101T1.mp4", 3)
    write_video(folder / "videos" / "S100T2.mp4", 3)
    write_video(folder / "holiday.mp4", 2)
    (folder / "videos" / "S102T9.mp4").write_bytes(b"#EXTM3U\nhttp://127.0.0.1/x.ts\n")
    (folder / layout.MAPPING_FILE).unlink()
    data = open_dataset(folder)
    assert data.trials.loc["S100T1", ["n_frames", "width", "height", "usable"]].tolist() == [4, 64, 48, True]
    assert data.frames_of("S100T1")["second"].tolist() == [0, 1, 2, 3]
    assert set(data.videos) == {"S100T1", "S100T2"}
    # The boxes of socal.csv name the frames as SOCAL does, and the first three are there.
    assert sorted(set(data.boxes.loc[data.boxes["trial_id"] == "S100T1", "position"])) == [0, 1, 2]
    frame = data.frames_of("S100T1")["frame"].iloc[2]
    assert data.read_frame(frame).mean() == pytest.approx(60, abs=4)
    assert data.file_of(frame) == folder / "videos" / "S100T1.mp4"
    assert {problem.code: problem.path for problem in data.problems if problem.code.endswith(("video", "frames"))} == {
        "unreadable-video": "videos/S102T9.mp4",
        "doubled-video": "videos/S100T2.mp4",
        "video-beside-frames": "videos/S101T1.mp4",
    }
    assert [problem.path for problem in found(data, "video-without-trial")] == ["holiday.mp4"]
    assert check_frames(data) == []


def test_a_data_set_of_videos_alone(tmp_path: Path) -> None:
    write_video(tmp_path / "S1T1.mp4", 3)
    data = open_dataset(tmp_path)
    assert data.frames["frame"].tolist() == [f"S1T1_frame_{number:08d}.jpeg" for number in (1, 2, 3)]
    assert data.images_dir == ""
    assert data.file_of(data.frames["frame"].iloc[0]) == tmp_path / "S1T1.mp4"
    assert data.read_frame(data.frames["frame"].iloc[1]).shape == (*SIZE[::-1], 3)
    assert not [problem for problem in data.problems if layout.IMAGES_DIR in f"{problem.path} {problem.message}"]


def test_a_long_video_is_no_trial_of_many_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socal_core.dataset.opening._TIMES_TOO_MANY", 2 / SOCAL.longest_trial)
    write_video(tmp_path / "S1T1.mp4", 3)
    assert found(open_dataset(tmp_path), "many-frames") == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["S1T1.mp4"], "Video S1T1.mp4 cannot be read: it is no mp4 video"),
        (["S311T1a.mp4", "S311T1b.mp4"], "Video S311T1a.mp4 belongs to no trial"),
    ],
)
def test_why_no_video_can_be_used_is_said(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path)
    assert f"{tmp_path}: the folder holds no frame of a trial. {said}" in str(caught.value)
    assert "JPEGImages holds" not in str(caught.value)


def test_a_damaged_video_is_named_and_the_rest_is_opened(tmp_path: Path) -> None:
    write_video(tmp_path / "S1T1.avi", 3)
    whole = write_video(tmp_path / "S1T2.mp4", 3).read_bytes()
    for number, cut in enumerate(range(0, len(whole), max(1, len(whole) // 10)), start=3):
        (tmp_path / f"S1T{number}.mp4").write_bytes(whole[:cut])
    data = open_dataset(tmp_path)
    assert {"S1T1", "S1T2"} <= set(data.videos)
    problems = found(data, "unreadable-video")
    assert len(problems) + len(data.videos) == len(list(tmp_path.iterdir()))
    assert all(problem.severity is Severity.ERROR and problem.parameters["reason"] for problem in problems)


def test_a_second_that_the_file_does_not_give(tmp_path: Path) -> None:
    write_video(tmp_path / "S1T1.avi", 3)
    data = open_dataset(tmp_path)
    frames = data.frames["frame"].tolist()
    raw = (tmp_path / "S1T1.avi").read_bytes()
    (tmp_path / "S1T1.avi").write_bytes(raw[: len(raw) // 3])
    with pytest.raises(DataError, match=r"S1T1_frame_00000003\.jpeg of S1T1\.avi cannot be read"):
        data.read_frame(frames[2])
    assert [problem.code for problem in check_frames(data)].count("unreadable-frame") >= 1


def test_a_header_that_lies_about_the_length(tmp_path: Path) -> None:
    path = write_video(tmp_path / "S1T1.avi", 3)
    raw = bytearray(path.read_bytes())
    place = raw.index(b"avih") + 8 + 16  # total frames in the main header; the stream's own length follows in strh
    for start in (place, raw.index(b"strh") + 8 + 32):
        raw[start : start + 4] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(raw)
    try:
        video = probe(tmp_path, path.name)
    except DataError as error:
        assert "promises" in str(error)
    else:
        assert video.seconds <= MAX_SECONDS


@pytest.mark.parametrize(
    ("rate", "indices"), [(1.0, [0, 1, 2]), (25.0, [0, 25, 50]), (29.97, [0, 30, 60]), (0.5, [0, 0, 1])]
)
def test_the_frame_of_a_second(rate: float, indices: list[int]) -> None:
    video = Video("S1T1.mp4", 3, rate, 64, 48)
    assert [video.index_of(second) for second in range(3)] == indices
