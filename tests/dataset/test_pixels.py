"""Pixels and sizes are those that viewers show; Pillow's own exif_transpose is the independent implementation."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from socal_core.dataset.images import check_image, quiet_pillow, read_frame, read_size, read_thumbnail
from socal_core.errors import DataError

ORIENTATIONS = range(1, 9)


def turned(path: Path, orientation: object, **options: object) -> Path:
    """A smooth picture of 96x64 with a corner that no other has, and an orientation."""
    x, y = np.meshgrid(np.linspace(0, 200, 96), np.linspace(0, 90, 64))
    pixels = np.stack([x, y, x * y / 90], axis=2).astype(np.uint8)
    pixels[:16, :24] = 255
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(pixels).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.jpeg", {}),
        ("progressive.jpeg", {"progressive": True}),
        ("a.png", {}),
        ("a.tif", {}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_a_frame_is_turned_as_viewers_turn_it(
    tmp_path: Path, name: str, options: dict[str, object], orientation: int
) -> None:
    path = turned(tmp_path / name, orientation, **options)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    size = expected.shape[1::-1]
    assert read_size(path) == check_image(path) == size
    np.testing.assert_array_equal(read_frame(path), expected)
    assert read_frame(path, short_edge=16).shape[0] / expected.shape[0] in (1, 0.5)
    thumbnail = read_thumbnail(path)
    scale = expected.shape[0] // thumbnail.shape[0]
    assert (thumbnail.shape[1] * scale, thumbnail.shape[0] * scale) == size
    middle = expected[scale // 2 :: scale, scale // 2 :: scale]
    assert np.abs(thumbnail.astype(int) - middle).mean() < 12


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_reduced_frame_is_turned_too(tmp_path: Path, orientation: int) -> None:
    path = turned(tmp_path / "a.jpeg", orientation)
    whole, reduced = read_frame(path), read_frame(path, short_edge=16)
    assert reduced.shape == (whole.shape[0] // 2, whole.shape[1] // 2, 3)
    assert np.abs(reduced.astype(int) - whole[::2, ::2]).mean() < 6


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path: Path, orientation: int) -> None:
    assert read_size(turned(tmp_path / "a.jpeg", orientation)) == (96, 64)


def test_damaged_metadata_turn_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (96, 64)).save(tmp_path / "a.jpeg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    with quiet_pillow():
        assert read_size(tmp_path / "a.jpeg") == (96, 64)
        assert read_frame(tmp_path / "a.jpeg").shape == (64, 96, 3)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_greyscale_of_16_bits_is_scaled(tmp_path: Path, name: str) -> None:
    grey = np.tile(np.array([0, 128, 129, 16384, 32768, 65279, 65535], np.uint16), (4, 1))
    Image.fromarray(grey).save(tmp_path / name)
    expected = np.round(grey[0] / 65535 * 255)
    frame = read_frame(tmp_path / name)
    assert frame.shape == (4, 7, 3)
    for colour in range(3):
        assert frame[0, :, colour].tolist() == expected.tolist() == [0, 0, 1, 64, 128, 254, 255]
    np.testing.assert_array_equal(read_thumbnail(tmp_path / name), frame)


def test_values_without_a_range_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tif")
    for read in (read_frame, check_image):
        with pytest.raises(DataError, match="32 bits per pixel; save it with 8 or 16"):
            read(tmp_path / "a.tif")
