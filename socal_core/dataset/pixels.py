"""Convert the pixels of a file to those that viewers show, by its orientation and to 8 bits per colour."""

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
    """Return the EXIF orientation of an image, from 1 (upright) to 8; nothing is decoded.

    Call it before the image is loaded, since Pillow itself turns a TIFF, and its size, while loading it.
    """
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return _UPRIGHT  # if a PNG has no EXIF before its pixels, Pillow would decode it to search behind them
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, _UPRIGHT)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return _UPRIGHT  # unreadable metadata are ignored
    return orientation if orientation in range(1, 9) else _UPRIGHT


def turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return the width and height of an image after turning it by an EXIF orientation."""
    return (size[1], size[0]) if orientation in _LYING else size


def turn(frame: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn a decoded frame (height, width, 3) by an EXIF orientation."""
    if orientation == _UPRIGHT:
        return frame
    if orientation in _LYING:
        frame = frame.transpose(1, 0, 2)
    # 1 to 4 are upright, mirrored, rotated by 180 degrees and flipped; 5 to 8 are transposed and in another order.
    if orientation in {3, 4, 7, 8}:
        frame = frame[::-1]
    if orientation in {2, 3, 6, 7}:
        frame = frame[:, ::-1]
    return np.ascontiguousarray(frame)


def scale_grey(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale 16-bit greyscale, (height, width), to 8-bit RGB, (height, width, 3); white stays white."""
    scaled = ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.repeat(scaled[:, :, None], 3, axis=2)
