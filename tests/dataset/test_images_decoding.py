"""Frames pixel for pixel: what OpenCV decodes is what Pillow makes of the file."""

import io
import random
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from socal_core.dataset import images
from socal_core.dataset.images import quiet_pillow, read_frame
from socal_core.errors import DataError
from tests.dataset.image_files import jpeg, png_header


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Smooth colours with edges and a little noise, as in a photo."""
    y, x = np.mgrid[0:height, 0:width]
    colours = [128 + 100 * np.sin(x / 17 + y / 31), 128 + 90 * np.cos(x / 9), 60 + (x + y) % 150]
    noise = np.random.default_rng(0).normal(0, 6, (height, width, 3))
    return Image.fromarray((np.stack(colours, axis=-1) + noise).clip(0, 255).astype(np.uint8)).convert(mode)


def encoded(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=form, **options)
    return buffer.getvalue()


def by_pillow(data: bytes, reduced: int = 1) -> np.ndarray | None:
    """What Pillow alone makes of an image, None when it refuses it."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            if reduced > 1:
                image.draft(None, (image.width // reduced, image.height // reduced))
            wide = image.mode.startswith("I;16")
            image = ImageOps.exif_transpose(image)
            if wide:
                grey = np.round(np.asarray(image) / 65535 * 255).astype(np.uint8)
                return np.stack([grey] * 3, axis=2)
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
        return None


def jpeg_header(path: Path, width: int, height: int) -> Path:
    """A small JPEG whose header claims another size."""
    data = bytearray(encoded(picture(64, 48)))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    path.write_bytes(bytes(data))
    return path


@pytest.fixture
def decoded_by_opencv(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one entry with each picture that OpenCV decodes."""
    calls: list[int] = []
    imdecode = cv2.imdecode

    def counted(data: np.ndarray, flags: int) -> np.ndarray | None:
        calls.append(flags)
        return imdecode(data, flags)

    monkeypatch.setattr(cv2, "imdecode", counted)
    return calls


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


PLAIN = {
    "4:4:4": encoded(picture(101, 77), subsampling="4:4:4"),
    "4:2:2": encoded(picture(101, 77), subsampling="4:2:2"),
    "4:2:0": encoded(picture(101, 77), subsampling="4:2:0", quality=95),
    "one pixel": encoded(picture(1, 1)),
    "odd": encoded(picture(7, 3)),
    "low quality": encoded(picture(200, 150), quality=20),
    "optimised": encoded(picture(200, 150), optimize=True),
    "restarts": encoded(picture(200, 150), restart_marker_blocks=3),
    "grey": encoded(picture(101, 77, "L")),
    "kept RGB": encoded(picture(101, 77), keep_rgb=True),
    "upside down": encoded(picture(101, 77), exif=turned(3)),
    "on its side": encoded(picture(101, 77), exif=turned(6)),
    "4:1:1": cv2.imencode(".jpg", np.asarray(picture(101, 77)), [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x411111])[
        1
    ].tobytes(),
    "trailing zeros": encoded(picture(64, 48)) + bytes(100),
    "trailing text": encoded(picture(64, 48)) + b"not a picture" * 1000,
    "another picture after it": encoded(picture(64, 48)) + encoded(picture(50, 40)),
}
OTHERS = {
    "progressive": encoded(picture(101, 77), progressive=True),
    "CMYK": encoded(picture(101, 77, "CMYK")),
    "two pictures": encoded(picture(64, 48), "MPO", save_all=True, append_images=[picture(64, 48)]),
    "PNG": encoded(picture(101, 77), "PNG"),
    "PNG palette": encoded(picture(101, 77, "P"), "PNG"),
    "PNG alpha": encoded(picture(101, 77, "RGBA"), "PNG"),
    "PNG grey and alpha": encoded(picture(101, 77, "LA"), "PNG"),
    "PNG 1 bit": encoded(picture(101, 77, "1"), "PNG"),
    "PNG 16 bit": encoded(Image.fromarray(np.arange(3000, dtype=np.uint16).reshape(50, 60) * 20), "PNG"),
}


@pytest.mark.parametrize("kind", [*PLAIN, *OTHERS])
def test_a_frame_is_what_pillow_makes_of_it(tmp_path: Path, kind: str, decoded_by_opencv: list[int]) -> None:
    data = {**PLAIN, **OTHERS}[kind]
    (tmp_path / "a.jpeg").write_bytes(data)
    frame = read_frame(tmp_path / "a.jpeg")
    np.testing.assert_array_equal(frame, by_pillow(data), strict=True)
    assert frame.flags.c_contiguous
    assert frame.flags.writeable
    assert len(decoded_by_opencv) == (kind in PLAIN)


SOUND = encoded(picture(200, 150))


@pytest.mark.parametrize(
    "data",
    [
        *(SOUND[:-missing] for missing in (1, 2, 3, 100, len(SOUND) // 10, len(SOUND) // 2)),
        SOUND[: len(SOUND) // 2] + SOUND,
        SOUND[: len(SOUND) // 2] + PLAIN["odd"][300:],
        SOUND[: len(SOUND) // 2] + PLAIN["restarts"][PLAIN["restarts"].index(b"\xff\xdd") :],
        SOUND[: len(SOUND) // 2] + OTHERS["progressive"][300:],
        PLAIN["grey"][:-2],
        PLAIN["restarts"][:-50],
    ],
)
def test_a_frame_with_something_missing_is_refused_and_never_half_grey(
    tmp_path: Path, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert by_pillow(data) is None
    (tmp_path / "a.jpeg").write_bytes(data)
    for short_edge in (None, 20):
        with pytest.raises(DataError, match=r"Frame a\.jpeg cannot be read: it is cut off or damaged"):
            read_frame(tmp_path / "a.jpeg", short_edge)
    assert capfd.readouterr().err == ""


def damaged(sound: bytes, chance: random.Random) -> bytes:
    data = bytearray(sound)
    place = chance.randrange(2, len(data))
    match chance.randrange(6):
        case 0:
            del data[place : place + chance.randrange(1, 30)]
        case 1:
            data[place:place] = chance.randbytes(chance.randrange(1, 9))
        case 2:
            data[place:] = chance.choice(list(PLAIN.values()))[-chance.randrange(1, 900) :]
        case 3:
            data[place:] = b"\xff\xd9"
        case 4:
            data[place] = 0xFF
        case _:
            for _ in range(chance.randrange(1, 10)):
                data[chance.randrange(min(len(data), chance.choice([640, len(data)])))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.slow
def test_damage_gives_what_pillow_gives(tmp_path: Path, decoded_by_opencv: list[int]) -> None:
    chance = random.Random(0)
    path = tmp_path / "a.jpeg"
    refused = 0
    with quiet_pillow():
        for _ in range(1000):
            data = damaged(chance.choice([*PLAIN.values(), OTHERS["progressive"]]), chance)
            path.write_bytes(data)
            expected = by_pillow(data)
            if expected is None:
                refused += 1
                with pytest.raises(DataError):
                    read_frame(path)
            else:
                np.testing.assert_array_equal(read_frame(path), expected)
    assert 200 < refused < 800
    assert len(decoded_by_opencv) > 300


@pytest.mark.parametrize("write", [jpeg_header, png_header])
def test_a_picture_of_gigapixels_is_refused_by_its_header(
    tmp_path: Path, write: Callable[[Path, int, int], Path]
) -> None:
    path = write(tmp_path / "a.jpeg", 65_000, 65_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for short_edge in (None, 8):
        with quiet_pillow(), pytest.raises(DataError, match="40,000,000 allowed"):
            read_frame(path, short_edge)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB; its pixels are 12 GB


def test_a_jpeg_too_long_for_memory_is_left_to_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded_by_opencv: list[int]
) -> None:
    (tmp_path / "a.jpeg").write_bytes(SOUND)
    monkeypatch.setattr(images, "_MAX_JPEG_BYTES", 1000)
    np.testing.assert_array_equal(read_frame(tmp_path / "a.jpeg"), by_pillow(SOUND))
    assert decoded_by_opencv == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("size", "short_edge", "reduced"),
    [
        ((640, 480), 120, 2),
        ((640, 480), 121, 1),
        ((480, 640), 119, 2),
        ((640, 480), 60, 4),
        ((640, 480), 61, 2),
        ((640, 480), 30, 8),
        ((640, 480), 1, 8),
        ((643, 481), 30, 1),
        ((644, 484), 30, 4),
        ((30, 20), 224, 1),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_scaled_frame_keeps_twice_the_pixels_asked_for(
    tmp_path: Path, size: tuple[int, int], short_edge: int, reduced: int, mode: str
) -> None:
    data = encoded(picture(*size, mode))
    (tmp_path / "a.jpeg").write_bytes(data)
    frame = read_frame(tmp_path / "a.jpeg", short_edge)
    assert frame.shape == (-(-size[1] // reduced), -(-size[0] // reduced), 3)
    np.testing.assert_array_equal(frame, by_pillow(data, reduced), strict=True)


def test_a_scaled_png_is_a_whole_one(tmp_path: Path) -> None:
    picture(640, 480).save(tmp_path / "a.png")
    assert read_frame(tmp_path / "a.png", short_edge=10).shape == (480, 640, 3)


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    expected = {}
    for name, data in {**PLAIN, **OTHERS}.items():
        path = tmp_path / f"{len(expected)} {name.replace(':', '')}.jpeg"
        path.write_bytes(data)
        expected[path] = by_pillow(data)
    with ThreadPoolExecutor(8) as pool:
        for path, frame in zip([*expected] * 5, pool.map(read_frame, [*expected] * 5), strict=True):
            np.testing.assert_array_equal(frame, expected[path])


def test_opencv_is_loaded_with_the_first_jpeg(tmp_path: Path) -> None:
    jpeg(tmp_path / "a.jpeg")
    code = (
        "import sys; from pathlib import Path; from socal_core.dataset.images import read_frame, read_size; "
        "path = Path(sys.argv[1]); read_size(path); before = 'cv2' in sys.modules; read_frame(path); "
        "print(before, 'cv2' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.jpeg")]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert result.stdout.split() == ["False", "True"]
