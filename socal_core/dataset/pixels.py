"""What makes the pixels of a file those that viewers show: the orientation in its metadata, and 8 bits a colour."""

import struct

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

WIDE_GREY = ("I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's modes of greyscale with 16 bits."""

_UPRIGHT = 1
_LYING = frozenset({5, 6, 7, 8})
"""Orientations that exchange width and height."""


def orientation_of(image: Image.Image) -> int:
    """Return how an image has to be turned, from 1 (not at all) to 8, as EXIF counts; nothing is decoded.

    Call it before the image is loaded: Pillow turns a TIFF itself while it loads it, and gives its size turned.
    """
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return _UPRIGHT  # without EXIF before the pixels, Pillow would decode a PNG to look behind them
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, _UPRIGHT)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return _UPRIGHT  # metadata that nobody can read turn no picture
    return orientation if orientation in range(1, 9) else _UPRIGHT


def turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return width and height after turning."""
    return (size[1], size[0]) if orientation in _LYING else size


def turn(frame: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn a decoded frame (height, width, 3) by an EXIF orientation."""
    if orientation == _UPRIGHT:
        return frame
    if orientation in _LYING:
        frame = frame.transpose(1, 0, 2)
    # Of 1 to 4 and of 5 to 8: as it is, mirrored, upside down, both; the transposed ones come in another order.
    if orientation in {3, 4, 7, 8}:
        frame = frame[::-1]
    if orientation in {2, 3, 6, 7}:
        frame = frame[:, ::-1]
    return np.ascontiguousarray(frame)


def scale_grey(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale greyscale of 16 bits, (height, width), to RGB of 8 bits: white stays white."""
    scaled = ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.repeat(scaled[:, :, None], 3, axis=2)
