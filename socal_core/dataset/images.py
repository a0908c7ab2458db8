"""Opening a frame: its size from the header, its pixels, the full check. The only code that opens images."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from socal_core.errors import DataError

MAX_PIXELS = 40_000_000
"""A frame with more is refused before it is decoded: 4K video has 8.8 million."""

_FORMATS = ("JPEG", "PNG")
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
            return image.size
    except _READ_ERRORS as error:
        raise DataError(_reason(error)) from error


def check_image(path: Path) -> tuple[int, int]:
    """Decode the file fully and return width and height in pixels; DataError says what is wrong with the file."""
    with _decoded(path) as image:
        return image.size


def read_frame(path: Path) -> NDArray[np.uint8]:
    """Decode a frame to RGB, shape (height, width, 3); DataError names the file and what is wrong with it."""
    try:
        with _decoded(path) as image:
            return np.asarray(image.convert("RGB"))
    except DataError as error:
        raise DataError(f"Frame {path.name} cannot be read: {error}.") from None


def read_thumbnail(path: Path) -> NDArray[np.uint8]:
    """Decode a frame to RGB, a JPEG at an eighth of its size, in a fraction of the time; else as `read_frame`."""
    try:
        with _decoded(path, reduced=8) as image:
            return np.asarray(image.convert("RGB"))
    except DataError as error:
        raise DataError(f"Frame {path.name} cannot be read: {error}.") from None


@contextmanager
def _decoded(path: Path, reduced: int = 1) -> Iterator[Image.Image]:
    """The decoded image, refused by its header when it is too large; DataError says what is wrong with the file.

    A JPEG is decoded at 1/`reduced` of its size (1, 2, 4 or 8), a PNG fully.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise DataError(f"it has {width}x{height} pixels, more than the {MAX_PIXELS:,} allowed")
            if reduced > 1:
                image.draft(None, (max(1, width // reduced), max(1, height // reduced)))
            image.load()
            yield image
    except _READ_ERRORS as error:
        raise DataError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """What is wrong, without the path that Pillow's own messages hold."""
    if isinstance(error, UnidentifiedImageError):
        return "it is no JPEG or PNG image"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has far more pixels than the {MAX_PIXELS:,} allowed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it is cut off or damaged"
