"""Videos of phones, which store upright recordings lying and state the rotation in their header."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from socal_core.dataset.opening import open_dataset
from tests.annotations.cvat_video_files import box, pixels, track
from tests.dataset.editing import found, put

FRAME = "S102T1_frame_00000002.jpeg"
CORNERS = {0: "top left", 90: "top right", 180: "bottom right", 270: "bottom left"}
"""Where the corner of the stored pictures that is top left is shown, by the rotation in degrees clockwise."""
MATRICES = {
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}


def write_video(root: Path, degrees: int) -> Path:
    """Write 2 s of 64x48 pixels, white in the corner that is stored top left, and state a rotation."""
    root.mkdir(exist_ok=True)
    path = root / "S102T1.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 255
    for _ in range(20):
        writer.write(picture)
    writer.release()
    data = bytearray(path.read_bytes())
    # The matrix of the track header (version 0) follows 40 bytes after its name.
    at = data.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in MATRICES[degrees])
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(data))
    return root


def white_corner(picture: np.ndarray) -> str:
    rows, columns = np.nonzero(picture[..., 0] > 128)
    vertical = "top" if rows.mean() < picture.shape[0] / 2 else "bottom"
    return f"{vertical} {'left' if columns.mean() < picture.shape[1] / 2 else 'right'}"


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_viewer_training_and_sizes_follow_the_rotation(tmp_path: Path, degrees: int) -> None:
    data = open_dataset(write_video(tmp_path, degrees))
    size = (48, 64) if degrees in (90, 270) else (64, 48)
    assert tuple(data.frames[["width", "height"]].iloc[0]) == size
    shown, trained = data.read_frame(FRAME), next(iter(data.read_frames([FRAME])))
    assert shown.shape == (size[1], size[0], 3)
    assert white_corner(shown) == CORNERS[degrees]
    assert np.array_equal(shown, trained)


@pytest.mark.parametrize(("degrees", "expected"), [(0, [16, 12, 48, 36]), (90, [12, 16, 36, 48])])
def test_fractions_are_those_of_the_rotated_picture(tmp_path: Path, degrees: int, expected: list[int]) -> None:
    put(write_video(tmp_path, degrees), {"labels/S102T1_frame_00000002.txt": "0 0.5 0.5 0.5 0.5\n"})
    boxes = open_dataset(tmp_path).boxes
    assert boxes[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [expected]


@pytest.mark.parametrize(("size", "count"), [((48, 64), 1), ((64, 48), 0)])
def test_boxes_of_lying_pictures_are_not_used(tmp_path: Path, size: tuple[int, int], count: int) -> None:
    meta = f"<meta><task><name>S102T1</name><size>20</size>{pixels(*size)}</task></meta>"
    tracks = track(box(10, "1,2,20,30"))
    put(write_video(tmp_path, 90), {"annotations.xml": f"<annotations>{meta}\n{tracks}</annotations>"})
    data = open_dataset(tmp_path)
    assert len(data.boxes) == count
    assert bool(found(data, "other-frame-size")) == (not count)
