"""How long a data set of SOCAL's size takes to open: each repeat in a process of its own.

    python -m benchmarks.open_dataset [--cold]

The folder is made in a temporary place; its frames are hard links to one small JPEG, since opening decodes none.
--cold empties the file system's cache before each opening (Linux, needs root), so that the disk is read.
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from socal_core.dataset import layout

REPOSITORY = Path(__file__).resolve().parents[1]

CHILD = """
import sys, time
start = time.perf_counter()
from socal_core.dataset.open import open_dataset
imported = time.perf_counter()
data = open_dataset(sys.argv[1])
opened = time.perf_counter()
print(imported - start, opened - imported, len(data.trials), len(data.frames), len(data.boxes), len(data.problems))
"""


def main() -> None:
    """Write the folder, open it a few times, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=147)
    parser.add_argument("--frames", type=int, default=31_443)
    parser.add_argument("--boxes", type=int, default=65_071)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="empty the file system's cache before each opening")
    parser.add_argument("--unsized", action="store_true", help="leave the frame sizes out of the outcomes file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="open-dataset-") as folder:
        write_folder(Path(folder), arguments)
        print(f"{'run':>3}  {'import s':>8}  {'open s':>7}  trials  frames  boxes  problems")
        for run in range(1, arguments.repeats + 1):
            if arguments.cold:
                os.sync()
                Path("/proc/sys/vm/drop_caches").write_text("3")
            command = [sys.executable, "-c", CHILD, folder]
            done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
            imported, opened, trials, frames, boxes, problems = done.stdout.split()
            print(
                f"{run:>3}  {float(imported):8.2f}  {float(opened):7.2f}  "
                f"{trials:>6}  {frames:>6}  {boxes:>5}  {problems:>8}"
            )


def write_folder(root: Path, arguments: argparse.Namespace) -> None:
    """A folder in the published layout with the numbers asked for, two trials a surgeon, and nothing wrong with it."""
    chance = random.Random(0)
    images = root / layout.IMAGES_DIR
    images.mkdir()
    frame_file = root / "one.jpeg"
    Image.new("RGB", (320, 180), (150, 60, 60)).save(frame_file)
    trials = [f"S{100 + index // 2}T{index % 2 + 1}" for index in range(arguments.trials)]
    names: list[tuple[str, str, int]] = []
    for index in range(arguments.frames):
        trial, second = trials[index % len(trials)], index // len(trials) + 1
        names.append((f"{trial}_frame_{second:08d}.jpeg", trial, second))
        (images / names[-1][0]).hardlink_to(frame_file)
    with_tools = names[len(names) // 20 :]  # SOCAL too has frames without a tool
    rows: list[tuple[object, ...]] = [(name, "", "", "", "", "") for name, _, _ in names[: len(names) // 20]]
    for index in range(arguments.boxes):
        x, y = chance.randrange(0, 250), chance.randrange(0, 120)
        label = layout.LABELS[index // len(with_tools) % len(layout.LABELS)]
        width, height = chance.randrange(5, 60), chance.randrange(5, 50)
        rows.append((with_tools[index % len(with_tools)][0], x, y, x + width, y + height, label))
    size = ("", "") if arguments.unsized else (320, 180)
    outcomes = [(t, t[1:-2], 20, 1, 40, 1, 100, i % 2, 250, *size) for i, t in enumerate(trials)]
    write_csv(root / layout.BOXES_FILE, rows, ())
    write_csv(root / layout.MAPPING_FILE, sorted(names), layout.MAPPING_COLUMNS)
    write_csv(root / layout.OUTCOMES_FILE, outcomes, layout.OUTCOME_COLUMNS)


def write_csv(path: Path, rows: list[tuple[object, ...]], header: tuple[str, ...]) -> None:
    """Write rows below a header, if there is one."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([header, *rows] if header else rows)


if __name__ == "__main__":
    main()
