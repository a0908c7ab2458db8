"""Small images on disk for tests, sound ones and one that claims any size."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def jpeg(path: Path, size: tuple[int, int] = (64, 48)) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, format="JPEG")
    return path


def png_header(path: Path, width: int, height: int) -> Path:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", body) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return path
