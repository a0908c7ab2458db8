"""A camera as a source of frames: the stream of a small HTTP server."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from socal_core.dataset.images import read_frame
from socal_core.errors import DataError
from socal_core.fetch.camera import Camera
from tests.camera_stream import stream_of

PICTURES = 12


def jpeg(level: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", np.full((90, 160, 3), level, np.uint8))
    return encoded.tobytes()


@pytest.fixture
def address() -> Iterator[str]:
    with stream_of([jpeg(20 * number) for number in range(PICTURES)]) as address:
        yield address


def wait_until_it_ends(camera: Camera) -> str:
    assert camera._thread is not None
    camera._thread.join(30)
    with pytest.raises(DataError) as raised:
        camera.check()
    return str(raised.value)


def test_every_picture_is_a_frame_if_there_is_time_for_it(address: str, tmp_path: Path) -> None:
    with Camera(address, tmp_path, seconds_per_frame=0) as camera:
        assert "sends no more pictures" in wait_until_it_ends(camera)
    frames = sorted(tmp_path.iterdir())
    assert len(frames) >= PICTURES - 1, "FFmpeg may keep the last picture of a stream"
    levels = [float(read_frame(path).mean()) for path in frames]
    assert levels == sorted(levels)
    assert [path.name for path in frames[:2]] == ["00000001.jpeg", "00000002.jpeg"]


def test_pictures_between_two_seconds_are_left_out(address: str, tmp_path: Path) -> None:
    with Camera(address, tmp_path, seconds_per_frame=3600) as camera:
        wait_until_it_ends(camera)
    assert [path.name for path in tmp_path.iterdir()] == ["00000001.jpeg"]


@pytest.mark.parametrize("source", ["99", "no camera.mp4", "http://127.0.0.1:9/nothing"])
def test_a_camera_that_is_not_there(tmp_path: Path, source: str) -> None:
    with pytest.raises(DataError, match="cannot be opened"), Camera(source, tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(address: str, tmp_path: Path) -> None:
    with Camera(address, tmp_path / "none", seconds_per_frame=0) as camera:
        assert "cannot be written" in wait_until_it_ends(camera)
