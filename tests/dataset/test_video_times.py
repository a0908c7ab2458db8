"""Videos of varying frame rate: each second shows what a player shows then, through every way of reading it."""

import random
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from socal_core.dataset.inspection import check_frames
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.table_cache import open_cached
from socal_core.dataset.video import probe, read_seconds
from socal_core.dataset.video_times import frames_of_seconds, may_vary, shown_at
from tests.dataset.test_table_cache import settle
from tests.dataset.test_video import write_video

GREYS = [10 + 230 * index // 120 for index in range(120)]
RUNS = [(60, 1), (40, 4), (20, 2)]
"""Frames, and how many 20ths of a second each of them is shown: 3 s, 8 s and 2 s."""


def varying(path: Path, runs: list[tuple[int, int]] = RUNS) -> Path:
    """An MP4 whose frame k has the grey GREYS[k], with steps between its frames as `runs` says."""
    plain = path.with_suffix(".plain.mp4")
    writer = cv2.VideoWriter(str(plain), cv2.VideoWriter_fourcc(*"mp4v"), 20, (64, 48))
    for grey in GREYS:
        writer.write(np.full((48, 64, 3), grey, np.uint8))
    writer.release()
    path.write_bytes(with_steps(plain.read_bytes(), runs))
    plain.unlink()
    return path


def with_steps(data: bytes, runs: list[tuple[int, int]]) -> bytes:
    """The boxes of an MP4 with another table of steps; OpenCV writes the pixels before the header."""
    out, start = b"", 0
    while start < len(data):
        size, kind = struct.unpack_from(">I4s", data, start)
        body = data[start + 8 : start + size]
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"):
            body = with_steps(body, runs)
        elif kind == b"stts":
            (delta,) = struct.unpack_from(">I", body, 12)
            rows = b"".join(struct.pack(">II", count, delta * factor) for count, factor in runs)
            body = struct.pack(">II", 0, len(runs)) + rows
        elif kind == b"elst":
            body = struct.pack(">III", 0, 1, 0x7FFFFFFF) + body[12:]
        out += struct.pack(">I4s", len(body) + 8, kind) + body
        start += size
    return out


def shown_at_second(second: int) -> int:
    """The frame that is on the screen then, counted by hand from RUNS."""
    if second < 3:
        return 20 * second
    return 60 + 5 * (second - 3) if second < 11 else 100 + 10 * (second - 11)


def test_a_second_shows_the_frame_of_that_time(tmp_path: Path) -> None:
    varying(tmp_path / "S1T1.mp4")
    video = probe(tmp_path, "S1T1.mp4")
    assert may_vary(tmp_path / "S1T1.mp4")
    assert video.seconds == 13
    assert list(video.indices) == [shown_at_second(second) for second in range(13)]
    assert video.times == pytest.approx(range(13))
    expected = [GREYS[index] for index in video.indices]
    in_order = [picture.mean() for picture in read_seconds(tmp_path, video, range(13))]
    assert in_order == pytest.approx(expected, abs=5)
    assert np.argmin(np.abs(np.array(GREYS)[:, None] - in_order), axis=0) == pytest.approx(video.indices, abs=2)


@pytest.mark.parametrize("seed", range(4))
def test_every_way_of_reading_gives_the_same_picture(tmp_path: Path, seed: int) -> None:
    varying(tmp_path / "S1T1.mp4")
    data = open_dataset(tmp_path)
    frames = data.frames["frame"].tolist()
    in_order = dict(zip(frames, data.read_frames(frames), strict=True))
    random.Random(seed).shuffle(frames)
    for frame, picture in zip(frames, data.read_frames(frames), strict=True):
        np.testing.assert_array_equal(picture, in_order[frame])
        np.testing.assert_array_equal(data.read_frame(frame), in_order[frame])
    assert check_frames(data) == []
    assert [item.path for item in data.evidence if "frame rate varies" in item.interpretation] == ["S1T1.mp4"]


def test_a_pause_is_filled_by_the_frame_that_stays(tmp_path: Path) -> None:
    varying(tmp_path / "S1T1.mp4", [(40, 1), (1, 100), (79, 1)])  # frame 40 stays for 5 s
    video = probe(tmp_path, "S1T1.mp4")
    assert list(video.indices) == [0, 20, 40, 40, 40, 40, 40, 41, 61, 81, 101][: video.seconds]
    greys = [picture.mean() for picture in read_seconds(tmp_path, video, [5, 4, 7, 3])]
    assert greys == pytest.approx([GREYS[40], GREYS[40], GREYS[41], GREYS[40]], abs=5)


def test_the_table_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    varying(root / "S1T1.mp4")
    settle(root)
    first, second = open_cached(root), open_cached(root)
    assert first.videos == second.videos
    assert second.videos["S1T1"].indices[-1] == 110


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
@pytest.mark.parametrize("rate", [10.0, 29.97])
def test_a_constant_rate_needs_no_table(tmp_path: Path, suffix: str, rate: float) -> None:
    path = write_video(tmp_path / f"S1T1{suffix}", 4, rate)
    assert probe(tmp_path, path.name).indices == ()
    shown = shown_at(path)
    assert np.abs(shown - np.arange(round(4 * rate)) / rate).max() < 0.002


def test_the_last_step_may_be_another(tmp_path: Path) -> None:
    assert not may_vary(varying(tmp_path / "S1T1.mp4", [(119, 1), (1, 7)]))


def test_times_rounded_to_milliseconds_are_a_constant_rate() -> None:
    assert frames_of_seconds(np.round(np.arange(300) / 29.97, 3), 29.97) is None
    assert frames_of_seconds(np.array([0.0]), 25) is None
    assert frames_of_seconds(np.array([]), 25) is None


@pytest.mark.parametrize("cut", [0, 4, 30, 200])
def test_a_header_that_breaks_off_leaves_it_open(tmp_path: Path, cut: int) -> None:
    whole = varying(tmp_path / "S1T1.mp4").read_bytes()
    start = whole.index(b"moov") - 4
    (tmp_path / "S1T1.mp4").write_bytes(whole[: start + cut])
    assert may_vary(tmp_path / "S1T1.mp4")
