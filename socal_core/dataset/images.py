"""Read the size of a frame from its header, decode it, or check it fully. No other code opens images.

Size and pixels are those of the image as viewers show it, turned by the orientation in its metadata (pixels.py).
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
from socal_core.file_handles import handles_explained, os_reason

MAX_PIXELS = 40_000_000
"""Larger frames are refused before they are decoded. 4K video has 8.8 million pixels."""

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_NOT_8_OR_16_BITS = ("I", "F")
"""Pillow's modes whose values have no known range, so that they cannot be converted to grey levels."""
_REDUCTIONS = (8, 4, 2)
_MAX_JPEG_BYTES = 64 * 2**20
"""OpenCV decodes a JPEG from memory; a larger one is left to Pillow, which reads it block by block."""

# The end of the compressed data of a scan: a marker that is neither a stuffed 0xFF nor a restart of the scan.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xDA), 0xFF})
"""Second bytes of markers that no segment with a length follows."""
# Exceptions that Pillow's readers raise for invalid bytes.
_READ_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence Pillow's warnings (large images, broken metadata); enter it once, around all threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_size(path: Path) -> tuple[int, int]:
    """Read width and height in pixels from the header; nothing is decoded.

    Raises:
        DataError: The file is not an image that can be read; the message is only the reason.
        TooManyFilesError: Too many files are open.
    """
    try:
        with handles_explained(), Image.open(path, formats=_FORMATS) as image:
            return turned_size(image.size, orientation_of(image))
    except _READ_ERRORS as error:
        raise DataError(_reason(error)) from error


def check_image(path: Path) -> tuple[int, int]:
    """Decode a file fully and return its width and height in pixels.

    Raises:
        DataError: The file cannot be decoded; the message is only the reason.
    """
    with _opened(path) as (_, image):
        size = turned_size(image.size, orientation_of(image))
        image.load()
        return size


def read_frame(path: Path, short_edge: int | None = None) -> NDArray[np.uint8]:
    """Decode a frame to RGB.

    Args:
        path: The image file.
        short_edge: Pixels of the shorter edge after a later resize. A JPEG is then decoded faster, at the smallest of
            1/8, 1/4 and 1/2 of its size whose shorter edge is at least twice as long.

    Returns:
        The pixels, (height, width, 3).

    Raises:
        DataError: The frame cannot be read; the message names the file and the reason.
    """
    try:
        with _opened(path) as (file, image):
            reduced = 1 if short_edge is None else _reduction(image.size, short_edge)
            orientation = orientation_of(image)
            frame = _decode_plain(file, image, reduced)
            return turn(_decode(image, reduced) if frame is None else frame, orientation)
    except DataError as error:
        raise DataError(f"Frame {path.name} cannot be read: {error}.") from None


def read_thumbnail(path: Path) -> NDArray[np.uint8]:
    """Decode a frame to RGB as `read_frame` does, but a JPEG at an eighth of its size, which is faster.

    Raises:
        DataError: The frame cannot be read; the message names the file and the reason.
    """
    try:
        with _opened(path) as (_, image):
            orientation = orientation_of(image)
            return turn(_decode(image, reduced=8), orientation)
    except DataError as error:
        raise DataError(f"Frame {path.name} cannot be read: {error}.") from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Image.Image]]:
    """Open a file and its image without decoding it; its header is enough to refuse an image that is too large.

    Raises:
        DataError: The file cannot be opened, or not be decoded in the body of the `with` statement.
        TooManyFilesError: Too many files are open.
    """
    try:
        with handles_explained(), path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise DataError(f"it has {width}x{height} pixels, more than the {MAX_PIXELS:,} allowed")
            if image.mode in _NOT_8_OR_16_BITS:
                raise DataError("it has 32 bits per pixel; save it with 8 or 16")
            yield file, image
    except _READ_ERRORS as error:
        raise DataError(_reason(error)) from error


def _reduction(size: tuple[int, int], short_edge: int) -> int:
    """Return 1, 2, 4 or 8, by which an image can be reduced with its shorter edge still at least twice `short_edge`.

    Width and height are multiples of it, since rounding up would shift the image by up to a pixel.
    """
    fitting = (factor for factor in _REDUCTIONS if min(size) >= 2 * short_edge * factor)
    return next((factor for factor in fitting if size[0] % factor == size[1] % factor == 0), 1)


def _decode(image: Image.Image, reduced: int) -> NDArray[np.uint8]:
    """Decode with Pillow to RGB, a JPEG at 1/`reduced` of its size."""
    if reduced > 1:
        image.draft(None, (max(1, image.width // reduced), max(1, image.height // reduced)))
    image.load()
    if image.mode in WIDE_GREY:
        return scale_grey(np.asarray(image))
    return np.array(image.convert("RGB"))


def _decode_plain(file: BinaryIO, image: Image.Image, reduced: int) -> NDArray[np.uint8] | None:
    """Decode a plain JPEG with OpenCV, which gives the same pixels as Pillow in less time.

    OpenCV and Pillow differ for CMYK, and OpenCV accepts some truncated files that continue with the end of another.
    Both are left to Pillow, as are files that OpenCV cannot decode, since Pillow reports the reason.

    Returns:
        The pixels, or None if Pillow has to decode the file.
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

    # The flags for reduced sizes also choose the colour; those with GRAYSCALE have a zero there, so RGB can be added.
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
    """Return whether the segments of a JPEG lead to a single scan, followed by the end of the image.

    Then its end is neither missing nor replaced. Progressive JPEGs have several scans.
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
    """Return what is wrong, without the path that is in Pillow's own messages."""
    if isinstance(error, UnidentifiedImageError):
        return "it is no JPEG, PNG, BMP, TIFF or WebP image"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has far more pixels than the {MAX_PIXELS:,} allowed"
    if isinstance(error, OSError) and error.strerror:
        return os_reason(error)
    return "it is cut off or damaged"
