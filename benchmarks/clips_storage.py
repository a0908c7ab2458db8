"""Ways to keep frames on disk: how large, how fast, how exact. Part of benchmarks/clips.py."""

import io
import statistics
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.clips_common import CLIP_FRAMES, SIZE, THREADS, empty_workspace, encoded, preprocessor, table
from benchmarks.open_dataset import SOCAL_FRAMES
from socal_core.clips.store import FrameStore, TrialFrames
from socal_core.dataset.images import read_frame

Pixels = NDArray[np.uint8]
SHAPE = (3, SIZE, SIZE)
SECONDS = 1.5
"""For how long clips are read to count them."""


@dataclass(frozen=True)
class Way:
    """One way to keep a frame, uint8 (3, height, width), as the bytes of a file."""

    name: str
    encode: Callable[[Pixels], bytes]
    decode: Callable[[bytes], Pixels]


def measure_storage(scratch: Path, sources: list[Path]) -> None:
    """The table of ways; each frame is a file of its own, read from the file system's cache."""
    frames = [preprocessor().shrink(read_frame(path)) for path in sources]
    rows = [["way", "bytes a frame", "SOCAL GB", "ms to write", "ms to read", "clips/s, 2 threads", "max error"]]
    for number, way in enumerate(ways()):
        folder = scratch / f"way-{number}"
        folder.mkdir()
        files = [folder / str(index) for index in range(len(frames))]
        writing = []
        for path, pixels in zip(files, frames, strict=True):
            started = time.perf_counter()
            path.write_bytes(way.encode(pixels))
            writing.append(time.perf_counter() - started)
        reading, error = [], 0
        for path, pixels in zip(files, frames, strict=True):
            started = time.perf_counter()
            found = np.ascontiguousarray(way.decode(path.read_bytes()))
            reading.append(time.perf_counter() - started)
            error = max(error, int(np.abs(found.astype(int) - pixels).max()))
        size = statistics.mean(path.stat().st_size for path in files)
        speed = clips_a_second(way.decode, files)
        rows.append(_row(way.name, size, statistics.median(writing), statistics.median(reading), speed, error))
    rows.append(_store_row(scratch, frames))
    table(rows)


def ways() -> list[Way]:
    """Those that are compared."""
    return [
        Way("raw, a file a frame", lambda pixels: pixels.tobytes(), lambda data: _shaped(data)),
        Way("PNG level 1, read by Pillow", _pillow("PNG", compress_level=1), _by_pillow),
        Way("PNG level 1, read by OpenCV", _pillow("PNG", compress_level=1), _by_opencv),
        Way("PNG level 6, read by OpenCV", _pillow("PNG", compress_level=6), _by_opencv),
        Way("zlib level 1", lambda pixels: zlib.compress(pixels.data, 1), lambda data: _shaped(zlib.decompress(data))),
        Way("zlib level 1 of differences to the left", _pack_differences, _unpack_differences),
        Way("WebP lossless, read by Pillow", _pillow("WEBP", lossless=True, method=0), _by_pillow),
        Way("JPEG quality 95, read by OpenCV", _pillow("JPEG", quality=95), _by_opencv),
        Way("JPEG quality 95, 4:4:4, read by OpenCV", _pillow("JPEG", quality=95, subsampling=0), _by_opencv),
    ]


def clips_a_second(decode: Callable[[bytes], Pixels], files: list[Path]) -> float:
    """Clips of 16 frames a second, whole clips read by two threads."""

    def clip(number: int) -> None:
        out = np.empty((CLIP_FRAMES, *SHAPE), np.uint8)
        for i in range(CLIP_FRAMES):
            out[i] = decode(files[(number * CLIP_FRAMES + i) % len(files)].read_bytes())

    return rate(clip)


def rate(clip: Callable[[int], None]) -> float:
    """Calls a second on two threads."""
    count, started = 0, time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        while time.perf_counter() - started < SECONDS:
            count += len(list(pool.map(clip, range(count, count + 4 * THREADS))))
    return count / (time.perf_counter() - started)


def _store_row(scratch: Path, frames: list[Pixels]) -> list[str]:
    """The store itself: raw, a file a trial, each frame with a checksum."""
    with empty_workspace(scratch / "workspace"):
        trial = TrialFrames("S100T1", tuple(f"S100T1_frame_{index + 1:08d}.jpeg" for index in range(len(frames))))
        store = FrameStore(scratch, {}, SHAPE)
        with store.in_use():
            writing, reading = [], []
            for place, pixels in enumerate(frames):
                started = time.perf_counter()
                store.write(trial, place, pixels, None)
                writing.append(time.perf_counter() - started)
            for start in range(0, len(frames) - CLIP_FRAMES + 1, CLIP_FRAMES):
                out = np.empty((CLIP_FRAMES, *SHAPE), np.uint8)
                started = time.perf_counter()
                store.read(trial, range(start, start + CLIP_FRAMES), out)
                reading.append((time.perf_counter() - started) / CLIP_FRAMES)

            def clip(number: int) -> None:
                start = number * CLIP_FRAMES % (len(frames) - CLIP_FRAMES + 1)
                out = np.empty((CLIP_FRAMES, *SHAPE), np.uint8)
                store.read(trial, range(start, start + CLIP_FRAMES), out)

            speed = rate(clip)
    name = "the store: raw, a file a trial, checksums"
    return _row(name, store.frame_bytes, statistics.median(writing), statistics.median(reading), speed, 0)


def _row(name: str, size: float, writing: float, reading: float, speed: float, error: int) -> list[str]:
    whole = f"{size * SOCAL_FRAMES / 1e9:.1f}"
    return [name, f"{size:,.0f}", whole, f"{writing * 1e3:.2f}", f"{reading * 1e3:.3f}", f"{speed:,.0f}", str(error)]


def _shaped(data: bytes) -> Pixels:
    return np.frombuffer(data, np.uint8).reshape(SHAPE)


def _pillow(kind: str, **options: Any) -> Callable[[Pixels], bytes]:
    return lambda pixels: encoded(Image.fromarray(np.moveaxis(pixels, 0, -1)), format=kind, **options)


def _by_pillow(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as picture:
        return np.moveaxis(np.asarray(picture), -1, 0)


def _by_opencv(data: bytes) -> Pixels:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.moveaxis(np.asarray(picture, np.uint8), -1, 0)


def _pack_differences(pixels: Pixels) -> bytes:
    differences = pixels.copy()
    differences[..., 1:] -= pixels[..., :-1]  # modulo 256
    return zlib.compress(differences.data, 1)


def _unpack_differences(data: bytes) -> Pixels:
    return np.cumsum(_shaped(zlib.decompress(data)), axis=-1, dtype=np.uint8)
