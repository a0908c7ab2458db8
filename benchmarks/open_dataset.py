"""How long a data set takes to open, first (cold) and again (warm), and how much memory that needs.

    python -m benchmarks.open_dataset [--scale] [--boxes FORMAT]

Each opening is a process of its own. The folder is made in a temporary place; its frames are hard links to a few small
JPEGs, since opening decodes none. Cold: nothing is kept from before, and the file system's cache is emptied (Linux,
needs root; without that it says so). Warm: as the second opening of any data set is.
--boxes has the boxes in another format (yolo, voc: a file a frame; coco; cvat-video).
--scale opens 10^4, 10^5 and 10^6 frames in place of SOCAL's 31,443, with SOCAL's number of boxes a frame.
"""

import argparse
import csv
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from socal_core.annotations import FORMATS, format_of
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset

REPOSITORY = Path(__file__).resolve().parents[1]

CSV = "csv"
SOCAL_FRAMES = 31_443
SOCAL_BOXES = 65_071
SCALE = (10_000, 100_000, 1_000_000)
LINKS = 50_000
"""Hard links to one file; ext4 allows 65,000."""

CHILD = """
import resource, sys, time
start = time.perf_counter()
from socal_core.dataset.table_cache import open_cached
imported = time.perf_counter()
data = open_cached(sys.argv[1])
opened = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(imported - start, opened - imported, peak, len(data.frames), len(data.boxes), len(data.problems))
"""


def main() -> None:
    """Write the folders, open each a few times, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", action="store_true", help="10^4, 10^5 and 10^6 frames")
    parser.add_argument("--boxes", default=CSV, choices=[form.key for form in FORMATS if form.write is not None])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{'frames':>9} {'boxes':>9} opening import s  open s us/frame peak MB problems")
    for frames in SCALE if arguments.scale else (SOCAL_FRAMES,):
        with tempfile.TemporaryDirectory(prefix="open-dataset-") as folder:
            data, workspace = Path(folder) / "data", Path(folder) / "workspace"
            write_folder(data, frames, frames * SOCAL_BOXES // SOCAL_FRAMES)
            if arguments.boxes != CSV:
                change_boxes(data, arguments.boxes)
            for _ in range(arguments.repeats):
                shutil.rmtree(workspace, ignore_errors=True)
                open_once("cold" if empty_file_cache() else "first", data, workspace)
                open_once("warm", data, workspace)


def change_boxes(data: Path, key: str) -> None:
    """Have the boxes in another format than the published one."""
    write = format_of(key).write
    assert write is not None
    dataset = open_dataset(data)
    (data / layout.BOXES_FILE).unlink()
    write(dataset, data)
    settle(data)


def empty_file_cache() -> bool:
    """Empty the file system's cache; False where that is not allowed."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def open_once(name: str, data: Path, workspace: Path) -> None:
    """Open the folder in a new process and print its line."""
    environment = os.environ | {"SOCAL_WORKSPACE": str(workspace)}
    command = [sys.executable, "-c", CHILD, str(data)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True)
    imported, opened, peak, frames, boxes, problems = done.stdout.split()
    each = float(opened) / int(frames) * 1e6
    print(
        f"{int(frames):>9,} {int(boxes):>9,} {name:>7} {float(imported):8.2f} {float(opened):7.2f} {each:8.2f} "
        f"{float(peak):7.0f} {problems:>8}"
    )


def write_folder(root: Path, frames: int, boxes: int, trial_count: int = 147) -> None:
    """A folder in the published layout with the numbers asked for, two trials a surgeon, and nothing wrong with it."""
    chance = random.Random(0)
    images = root / layout.IMAGES_DIR
    images.mkdir(parents=True)
    trials = [f"S{100 + index // 2}T{index % 2 + 1}" for index in range(trial_count)]
    names: list[tuple[str, str, int]] = []
    source = images
    for index in range(frames):
        trial, second = trials[index % len(trials)], index // len(trials) + 1
        names.append((f"{trial}_frame_{second:08d}.jpeg", trial, second))
        if index % LINKS == 0:
            source = images / names[-1][0]
            Image.new("RGB", (320, 180), (150, 60, 60)).save(source)
        else:
            (images / names[-1][0]).hardlink_to(source)
    with_tools = names[len(names) // 20 :]  # SOCAL too has frames without a tool
    rows: list[tuple[object, ...]] = [(name, "", "", "", "", "") for name, _, _ in names[: len(names) // 20]]
    for index in range(boxes):
        x, y = chance.randrange(0, 250), chance.randrange(0, 120)
        label = layout.LABELS[index // len(with_tools) % len(layout.LABELS)]
        width, height = chance.randrange(5, 60), chance.randrange(5, 50)
        rows.append((with_tools[index % len(with_tools)][0], x, y, x + width, y + height, label))
    outcomes = [(t, t[1:-2], 20, 1, 40, 1, 100, i % 2, 250, 320, 180) for i, t in enumerate(trials)]
    surgeons = sorted({t[1:-2] for t in trials})
    write_csv(root / layout.BOXES_FILE, rows, ())
    write_csv(root / layout.MAPPING_FILE, sorted(names), layout.MAPPING_COLUMNS)
    write_csv(root / layout.OUTCOMES_FILE, outcomes, layout.OUTCOME_COLUMNS)
    write_csv(
        root / layout.DEMOGRAPHICS_FILE,
        [(surgeon, f"C{index % 3}", "Neurosurgery", "Trainee") for index, surgeon in enumerate(surgeons)],
        ("participant_id", "cohort", "specialty", "training_status"),
    )
    settle(root)


def settle(root: Path) -> None:
    """As if nobody had touched the folder for an hour: what has only just changed is not kept."""
    an_hour_ago = time.time() - 3600
    places = (root, *root.iterdir(), *(path for path in root.rglob("*") if path.suffix in {".txt", ".xml", ".json"}))
    for path in places:
        os.utime(path, (an_hour_ago, an_hour_ago))


def write_csv(path: Path, rows: list[tuple[object, ...]], header: tuple[str, ...]) -> None:
    """Write rows below a header, if there is one."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([header, *rows] if header else rows)


if __name__ == "__main__":
    main()
