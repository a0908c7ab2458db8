"""Opening a frame: its size from the header, its pixels, the full check. The only code that opens images.

Size and pixels are those of the picture that viewers show: turned as its metadata say (pixels.py).
"""

import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from socal_core.dataset.pixels import WIDE_GREY, orientation_of, scale_grey, turn, turned_size
from socal_core.errors import DataError

MAX_PIXELS = 40_000_000
"""A frame with more is refused before it is decoded: 4K video has 8.8 million."""

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_NOT_8_OR_16_BITS = ("I", "F")
"""Pillow's modes of pictures whose values have no known range, so that no grey level follows from them."""
_REDUCTIONS = (8, 4, 2)
_MAX_JPEG_BYTES = 64 * 2**20
"""OpenCV takes a JPEG from memory; Pillow reads the rest of a longer one, block by block."""

# What ends the compressed data of a scan: a marker that is neither a stuffed 0xFF nor a restart of the scan.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xDA), 0xFF})
"""Second bytes of markers that no segment with a length follows."""
# What Pillow's readers let through when the bytes are not what they should be.
_READ_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """No warnings from Pillow (large images, broken metadata); enter it once, around all threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels from the header, nothing decoded; DataError says what is wrong with the file."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            return turned_size(image.size, orientation_of(image))
    except _READ_ERRORS as error:
        raise DataError(_reason(error)) from error


def check_image(path: Path) -> tuple[int, int]:
    """Decode the file fully and return width and height in pixels; DataError says what is wrong with the file."""
    with _opened(path) as (_, image):
        size = turned_size(image.size, orientation_of(image))
        image.load()
        return size


def read_frame(path: Path, short_side: int | None = None) -> NDArray[np.uint8]:
    """Decode a frame to RGB, shape (height, width, 3); DataError names the file and what is wrong with it.

    With `short_side` a JPEG is decoded at 1/8, 1/4 or 1/2 of its size in a fraction of the time: at the smallest of
    these whose shorter side is still twice `short_side` pixels, enough for a picture that is to be resized to that.
    """
    try:
        with _opened(path) as (file, image):
            reduced = 1 if short_side is None else _reduction(image.size, short_side)
            orientation = orientation_of(image)
            frame = _decode_plain(file, image, reduced)
            return turn(_decode(image, reduced) if frame is None else frame, orientation)
    except DataError as error:
        raise DataError(f"Frame {path.name} cannot be read: {error}.") from None


def read_thumbnail(path: Path) -> NDArray[np.uint8]:
    """Decode a frame to RGB, a JPEG at an eighth of its size, in a fraction of the time; else as `read_frame`."""
    try:
        with _opened(path) as (_, image):
            orientation = orientation_of(image)
            return turn(_decode(image, reduced=8), orientation)
    except DataError as error:
        raise DataError(f"Frame {path.name} cannot be read: {error}.") from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Image.Image]]:
    """The file and its image, not yet decoded and refused by its header when it is too large.

    DataError says what is wrong with the file, here or while it is decoded.
    """
    try:
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise DataError(f"it has {width}x{height} pixels, more than the {MAX_PIXELS:,} allowed")
            if image.mode in _NOT_8_OR_16_BITS:
                raise DataError("it has 32 bits a pixel; save it with 8 or 16")
            yield file, image
    except _READ_ERRORS as error:
        raise DataError(_reason(error)) from error


def _reduction(size: tuple[int, int], short_side: int) -> int:
    """By how much a picture may be reduced: 1, 2, 4 or 8, its shorter side at least twice `short_side` afterwards.

    Both sides can be divided by it: what is rounded up would shift the picture by up to a pixel.
    """
    fitting = (factor for factor in _REDUCTIONS if min(size) >= 2 * short_side * factor)
    return next((factor for factor in fitting if size[0] % factor == size[1] % factor == 0), 1)


def _decode(image: Image.Image, reduced: int) -> NDArray[np.uint8]:
    """Decode by Pillow to RGB, a JPEG at 1/`reduced` of its size."""
    if reduced > 1:
        image.draft(None, (max(1, image.width // reduced), max(1, image.height // reduced)))
    image.load()
    if image.mode in WIDE_GREY:
        return scale_grey(np.asarray(image))
    return np.array(image.convert("RGB"))


def _decode_plain(file: BinaryIO, image: Image.Image, reduced: int) -> NDArray[np.uint8] | None:
    """Decode a plain JPEG by OpenCV, which gives what Pillow gives in less time; None when Pillow has to see to it.

    OpenCV and Pillow differ in CMYK, and OpenCV lets through some files that are cut off inside and go on with the
    end of another. Both are left to Pillow, and so is whatever OpenCV cannot decode: Pillow says what is wrong.
    """
    if image.format != "JPEG" or image.mode not in {"RGB", "L"}:
        return None
    width, height = image.size
    file.seek(0)
    data = file.read(_MAX_JPEG_BYTES)
    if not _is_one_whole_scan(data):
        return None
    # OpenCV takes a while to load, and most pages decode no frame.
    import cv2

    # The names of the reduced kinds also choose a colour; GRAYSCALE stands for a zero there, so that RGB can be added.
    scale = {
        1: 0,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    }
    flags = scale[reduced] | cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    if frame is None or frame.shape != (-(-height // reduced), -(-width // reduced), 3):
        return None
    return frame.astype(np.uint8, copy=False)


def _is_one_whole_scan(data: bytes) -> bool:
    """Whether a JPEG's segments lead to a scan that only the end of the image follows.

    So no byte of it is missing at the end, and nothing else was put in its place. Progressive JPEGs have more scans.
    """
    at = 2
    marker = 0
    while marker != _START_OF_SCAN:
        head = data[at : at + 4]
        if len(head) < 4 or head[0] != 0xFF or head[1] in _WITHOUT_LENGTH:
            return False
        marker = head[1]
        at += 2 + int.from_bytes(head[2:], "big")
    found = _MARKER.search(data, at)
    return found is not None and found[0] == _END_OF_IMAGE


def _reason(error: Exception) -> str:
    """What is wrong, without the path that Pillow's own messages hold."""
    if isinstance(error, UnidentifiedImageError):
        return "it is no JPEG, PNG, BMP, TIFF or WebP image"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has far more pixels than the {MAX_PIXELS:,} allowed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it is cut off or damaged"
