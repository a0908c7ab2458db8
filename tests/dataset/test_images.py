"""Images on disk: their size, their check, thumbnails, and what is refused."""

import random
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from socal_core.dataset.images import check_image, quiet_pillow, read_frame, read_size, read_thumbnail
from socal_core.errors import DataError
from tests.dataset.image_files import jpeg, png_header


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
def test_sizes(tmp_path: Path, form: str) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpeg", format=form)
    assert read_size(tmp_path / "a.jpeg") == check_image(tmp_path / "a.jpeg") == (40, 30)


def test_a_cut_off_frame_has_a_size_and_does_not_decode(tmp_path: Path) -> None:
    path = jpeg(tmp_path / "a.jpeg")
    path.write_bytes(path.read_bytes()[:1500])
    assert read_size(path) == (64, 48)
    with pytest.raises(DataError, match="cut off or damaged"):
        check_image(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "no JPEG, PNG, BMP"), (b"text", "no JPEG, PNG, BMP"), (b"GIF89a" + bytes(20), "no JPEG, PNG, BMP")],
)
def test_what_is_no_image(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.jpeg").write_bytes(content)
    for read in (read_size, check_image):
        with pytest.raises(DataError, match=said) as caught:
            read(tmp_path / "a.jpeg")
        assert str(tmp_path) not in str(caught.value)


def test_other_image_formats_are_not_read(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpeg", format="GIF")
    for read in (read_size, check_image):
        with pytest.raises(DataError, match="no JPEG, PNG, BMP"):
            read(tmp_path / "a.jpeg")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        check_image(tmp_path / "a.jpeg")
    assert str(caught.value) == "No such file or directory"


@pytest.mark.parametrize("size", [(8000, 6000), (12_000, 9_000), (20_000, 20_000)])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    path = png_header(tmp_path / "a.png", *size)
    with quiet_pillow(), pytest.raises(DataError, match="40,000,000 allowed"):
        check_image(path)


def test_a_frame_just_below_the_limit_is_tried(tmp_path: Path) -> None:
    path = png_header(tmp_path / "a.png", 8000, 5000)
    with quiet_pillow(), pytest.raises(DataError, match="cut off or damaged"):
        check_image(path)


def test_no_warning_leaks(tmp_path: Path) -> None:
    path = png_header(tmp_path / "a.png", 12_000, 9_000)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet_pillow():
            assert read_size(path) == (12_000, 9_000)
    assert caught == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
def test_random_damage_is_a_data_error_or_nothing(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.jpeg"
    Image.open(jpeg(path)).save(path, format=form)
    sound = path.read_bytes()
    chance = random.Random(0)
    refused = 0
    with quiet_pillow():
        for _ in range(400):
            data = bytearray(sound)
            for _ in range(chance.randrange(1, 20)):
                data[chance.randrange(min(len(data), chance.choice([60, 700, len(data)])))] = chance.randrange(256)
            path.write_bytes(bytes(data[: chance.randrange(len(data))]) if chance.random() < 0.3 else bytes(data))
            try:
                check_image(path)
            except DataError:
                refused += 1
    assert refused > 50


def test_a_frame_is_read_as_rgb(tmp_path: Path) -> None:
    Image.new("L", (5, 4), 100).save(tmp_path / "grey.png")
    assert read_frame(tmp_path / "grey.png").tolist() == np.full((4, 5, 3), 100).tolist()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.write_bytes(b""), "no JPEG, PNG, BMP, TIFF or WebP image"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: jpeg(path).write_bytes(jpeg(path).read_bytes()[:900]), "cut off or damaged"),
        (lambda path: png_header(path, 8000, 6000), "more than the 40,000,000 allowed"),
    ],
    ids=["missing", "empty", "folder", "truncated", "too large"],
)
def test_a_frame_that_cannot_be_read_is_named(tmp_path: Path, write: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "S1T1_frame_00000001.jpeg"
    write(path)
    with pytest.raises(DataError, match=f"Frame {path.name} cannot be read: .*{message}") as caught:
        read_frame(path)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "size", "shape"),
    [
        ("JPEG", (640, 480), (60, 80, 3)),
        ("JPEG", (644, 483), (61, 81, 3)),
        ("PNG", (640, 480), (480, 640, 3)),
        ("JPEG", (8, 8), (1, 1, 3)),
    ],
)
def test_a_thumbnail_has_the_colours_of_the_frame(
    tmp_path: Path, form: str, size: tuple[int, int], shape: tuple[int, int, int]
) -> None:
    pixels = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    pixels[..., 0] = np.linspace(20, 220, size[0])
    pixels[size[1] // 2 :, :, 2] = 180
    path = tmp_path / "a.jpeg"
    Image.fromarray(pixels).save(path, format=form, quality=95)
    thumbnail = read_thumbnail(path)
    assert (thumbnail.shape, thumbnail.dtype) == (shape, np.uint8)
    assert thumbnail.mean(axis=(0, 1)) == pytest.approx(read_frame(path).mean(axis=(0, 1)), abs=1.5)


def test_a_grey_thumbnail_is_rgb(tmp_path: Path) -> None:
    Image.new("L", (80, 40), 100).save(tmp_path / "a.jpeg")
    assert read_thumbnail(tmp_path / "a.jpeg").tolist() == np.full((5, 10, 3), 100).tolist()


def test_a_thumbnail_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = jpeg(tmp_path / "a.jpeg")
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=r"Frame a\.jpeg cannot be read: it is cut off or damaged"):
        read_thumbnail(path)
