"""Opens a few giant files that were made to fill the memory or to take for ever, each in a process of its own.

    python -m tests.dataset.fuzz_big FOLDER [CASE …]

Prints as JSON what each took: seconds, peak memory (bytes), number of problems, and the error where there was one.
"""

import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from socal_core.annotations.tracker import track_all
from socal_core.dataset import layout
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from tests.factories import write_dataset

MB = 1_000_000


def _file(name: str, content: Callable[[], bytes], key: str = "csv") -> Callable[[Path], int]:
    """A case: one file of a sound folder becomes giant, and the folder is opened."""

    def run(root: Path) -> int:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content())
        return len(open_dataset(root, OpenOptions(key)).problems)

    return run


def _cvat(inside: bytes, times: int) -> Callable[[], bytes]:
    return lambda: (
        b'<annotations>\n<image id="0" name="x.jpeg" width="1" height="1">' + inside * times + b"</image></annotations>"
    )


def _attributes() -> bytes:
    return b"<annotations><image " + b" ".join(b'a%d=""' % number for number in range(4 * MB)) + b"/></annotations>"


def _video_tracks() -> bytes:
    box = b'<box frame="%d" outside="0" xtl="1" ytl="1" xbr="5" ybr="5"/>'
    track = b'<track id="1" label="x">' + box % 0 + box % 999_999_999 + b"</track>"
    return b"<annotations><meta><task><size>1000000000</size></task></meta>" + track * 250_000 + b"</annotations>"


def _crowd(root: Path) -> int:
    """100,000 boxes of one label in a frame, and as many in each of the next ones, through the tracker."""
    places = np.arange(100_000)
    x, y = places % 400, places // 400
    for number in (1, 2, 3):
        rows = pd.DataFrame({"frame": f"S100T1_frame_{number:08d}.jpeg", "x1": x, "y1": y, "x2": x + 3, "y2": y + 3})
        rows.assign(label="muscle").to_csv(root / layout.BOXES_FILE, mode="a", header=False, index=False)
    for frame in (root / layout.IMAGES_DIR).iterdir():
        Image.new("RGB", (1920, 1080)).save(frame)
    (root / layout.OUTCOMES_FILE).write_text("trial_id,success\nS100T1,1\n")
    dataset = open_dataset(root, OpenOptions("csv"))
    assert len(dataset.boxes) > 300_000
    tracked = track_all(dataset.boxes)
    assert tracked["track_id"].notna().all()
    return len(dataset.problems)


CASES: dict[str, Callable[[Path], int]] = {
    "JSON, nested": _file(
        "annotations/instances.json", lambda: b'{"images": ' + b"[" * 20 * MB + b"]" * 20 * MB + b"}", "coco"
    ),
    "JSON, wide": _file(
        "annotations/instances.json", lambda: b'{"annotations": [], "images": [' + b"{}," * 13 * MB + b"{}]}", "coco"
    ),
    "JSON, as wide as is read": _file(
        "annotations/instances.json",
        lambda: b'{"annotations": [], "images": [' + b'{"id":[],"a":[]},' * 700_000 + b"{}]}",
        "coco",
    ),
    "JSON, one text": _file(
        "annotations/instances.json",
        lambda: b'{"images": [], "annotations": "' + "\U0001f600".encode() * 10 * MB,
        "coco",
    ),
    "XML, elements": _file("annotations.xml", _cvat(b"<a/>", 10 * MB), "cvat-images"),
    "XML, boxes": _file(
        "annotations.xml", _cvat(b'<box label="a" xtl="1" ytl="1" xbr="5" ybr="5"/>', 900_000), "cvat-images"
    ),
    "XML, images": _file("annotations.xml", lambda: b"<annotations>" + b'<image name="x"/>' * 2_900_000, "cvat-images"),
    "XML, attributes": _file("annotations.xml", _attributes, "cvat-images"),
    "XML, nested": _file("annotations.xml", _cvat(b"<a>", 13 * MB), "cvat-images"),
    "XML, tracks": _file("S100T1.xml", _video_tracks, "cvat-video"),
    "CSV, one line": _file("socal.csv", lambda: b"a" * 50 * MB),
    "CSV, one line of commas": _file("socal.csv", lambda: b"," * 50 * MB),
    "CSV, one line of cells": _file("socal.csv", lambda: b"a," * 25 * MB),
    "CSV, newlines": _file("socal.csv", lambda: b"\n" * 50 * MB),
    "CSV, commas": _file("socal.csv", lambda: b",,,,,\n" * 8 * MB),
    "CSV, quotes": _file("socal.csv", lambda: b'"\n' * 15 * MB),
    "CSV, short rows": _file("socal.csv", lambda: b"a\n" * 15 * MB),
    "mapping, short rows": _file(layout.MAPPING_FILE, lambda: b"frame,trial_id,frame_number\n" + b"a,b,1\n" * 8 * MB),
    "outcomes, wide header": _file(layout.OUTCOMES_FILE, lambda: b"trial_id,success," + b"a," * 20 * MB + b"\n1,2\n"),
    "outcomes, short rows": _file(layout.OUTCOMES_FILE, lambda: b"trial_id,success\n" + b"a\n" * 15 * MB),
    "CSV, as many odd rows as are read": _file("socal.csv", lambda: b'"\n' * 3_900_000),
    "CSV, as many rows as are read": _file("socal.csv", lambda: b"a,b,1,2,3,x\n" * 3_900_000),
    "mapping, as many rows as are read": _file(
        layout.MAPPING_FILE, lambda: b"frame,trial_id,frame_number\n" + b"a,b,1\n" * 3_900_000
    ),
    "outcomes, as wide as is read": _file(
        layout.OUTCOMES_FILE, lambda: b"trial_id,success" + b",a" * 9_900 + b"\n1,2\n"
    ),
    "outcomes, as many rows as are read": _file(
        layout.OUTCOMES_FILE, lambda: b"trial_id,success\n" + b"S1T1,1\n" * 99_000
    ),
    "YOLO, one file": _file("labels/S100T1_frame_00000001.txt", lambda: b"0 0.5 0.5 0.1 0.1\n" * 400_000, "yolo"),
    "MOT, rows": _file("S100T1/gt/gt.txt", lambda: b"1,1,1,1,1,1\n" * 3 * MB, "mot"),
    "MOT, as many rows as are read": _file("S100T1/gt/gt.txt", lambda: b"1,1,1,1,1,1\n" * 1_900_000, "mot"),
    "one frame, 100,000 boxes": _crowd,
}


def measure(case: Callable[[Path], int], place: Path) -> dict[str, object]:
    """Run one case in a child process."""
    root = place / "data"
    write_dataset(root, surgeons=1, frames=4)
    reading, writing = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        result: dict[str, object]
        try:
            result = {"problems": case(root)}
        except BaseException as error:  # noqa: BLE001, whatever it is, it is what is looked for
            result = {"error": f"{type(error).__name__}: {error}"[:300]}
        os.write(writing, json.dumps(result).encode())
        os._exit(0)
    os.close(writing)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    said = os.read(reading, 1 << 16)
    os.close(reading)
    shutil.rmtree(root)
    result = json.loads(said) if said else {"error": f"the process ended with {status}"}
    return {**result, "seconds": round(seconds, 2), "peak": used.ru_maxrss * 1024}


def main(place: Path, wanted: list[str]) -> None:
    """Measure the cases and print what they took, each as soon as it is known to stderr, all at the end to stdout."""
    warnings.simplefilter("error")
    results = {}
    for name in wanted or CASES:
        results[name] = measure(CASES[name], place)
        sys.stderr.write(f"{name}: {results[name]}\n")
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
