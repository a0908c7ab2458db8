"""Opens thousands of broken data folders in one process and reports all that went wrong as JSON.

    python -m tests.dataset.fuzz_sweep FOLDER [--every N] [SCENE …]

FOLDER is empty and is filled with data folders, and with canaries beside them that nobody may read. --every N runs
only every N-th round of a scene.
"""

import argparse
import json
import os
import sys
import time
import traceback
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

from socal_core.annotations.rows import BOX_DTYPES
from socal_core.dataset.dataset import Dataset, Problem
from socal_core.dataset.images import quiet_pillow, read_thumbnail
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import FOLDED, PROBLEMS_PER_KIND
from socal_core.errors import DataError
from tests.dataset.fuzz_archives import sweep_archives
from tests.dataset.fuzz_links import link_scenes
from tests.dataset.fuzz_scenes import SCENES, Scene
from tests.dataset.fuzz_watch import Watch, snapshot

LONGEST_MESSAGE = 400
ABOUT_A_ROW = frozenset(
    (
        "bad-bbox", "bad-centre-and-size", "bad-class", "bad-coordinates", "bad-corner-and-size", "bad-entry",
        "bad-frame-number", "bad-success", "bad-track-id", "bad-track-row", "bad-trial-id", "bad-value",
        "box-outside-frame", "box-past-edge", "box-without-area", "box-without-frame", "box-without-image",
        "box-without-label", "box-without-track", "broken-quotes", "broken-xml", "doubled-box", "doubled-column",
        "doubled-mapping-row", "doubled-optional-column", "doubled-surgeon", "doubled-trial", "incomplete-entry",
        "mapping-without-frame", "missing-column", "missing-fields", "missing-optional-column", "no-participant",
        "not-a-box", "nul-bytes", "object-without-box", "repeated-column", "repeated-trial", "track-without-box",
        "wrong-number-of-fields",
    )
)  # fmt: skip
"""Codes of problems that always say the row."""


class Sweep:
    """What was tried so far, and what went wrong."""

    def __init__(self, place: Path, every: int) -> None:
        self.place = place
        self.every = every
        self.watch = Watch(place)
        self.tried: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self.refused = 0
        self.failures: list[str] = []

    def run(self, scene: Scene) -> None:
        """Replace files, open, compare; the files that fail together are tried alone."""
        for payloads in _rounds(scene)[:: self.every]:
            self.tried.update(reader for reader, *_ in payloads)
            if not self._faults(scene, payloads):
                continue
            for one in payloads:
                faults = self._faults(scene, [one])
                self.failures += [f"{one[0]}: {one[1]}, {one[2]}: {fault}" for fault in faults]

    def run_links(self) -> None:
        """Open folders with links that lead out."""
        for what, make in link_scenes(self.place).items():
            self.failures += [f"links: {what}: {fault}" for fault in self._faults(make(), [])]
            self.tried["links"] += 1

    def _faults(self, scene: Scene, payloads: list[tuple[str, str, str, bytes]]) -> list[str]:
        contents = {**scene.sound, **{slot: data for _, slot, _, data in payloads}}
        for slot, data in contents.items():
            (scene.root / slot).write_bytes(data)
        before = snapshot(scene.root)
        faults: list[str] = []
        dataset = None
        with self.watch.looking(scene.root):
            try:
                dataset = open_dataset(scene.root.name, OpenOptions(scene.key))
                if scene.decodes:
                    _decode(dataset)
            except DataError as error:
                self.refused += 1
                faults += self._faults_of_text(str(error))
            except BaseException as error:  # noqa: BLE001, whatever it is, it is what is looked for
                faults.append(f"{type(error).__name__}: {error!s:.300} at {_where(error)}")
        faults += self.watch.misdeeds
        if snapshot(scene.root) != before:
            faults.append("the data folder was changed")
        faults += [f"{slot} was not opened" for _, slot, *_ in payloads if slot not in self.watch.opened]
        for problem in () if dataset is None else dataset.problems:
            self.codes[problem.code] += 1
            faults += self._faults_of_problem(problem, contents.get(problem.path))
        return faults + ([] if dataset is None else _faults_of_boxes(dataset, scene.key))

    def _faults_of_problem(self, problem: Problem, data: bytes | None) -> list[str]:
        faults = self._faults_of_text(problem.message)
        faults += self._faults_of_text(problem.path)
        if not problem.path or problem.path.startswith("/") or ".." in problem.path.split("/"):
            faults.append(f"{problem.code} is about no file: {problem.path!r}")
        if problem.code in ABOUT_A_ROW and problem.row is None and FOLDED not in problem.parameters:
            faults.append(f"{problem.code} says no row: {problem.message}")
        lines = 1 if data is None else max(data.count(b"\n") + data.count(b"\r"), data.count(b",")) + 1
        if data is not None and problem.row is not None and not 1 <= problem.row <= lines:
            faults.append(f"{problem.code} is in row {problem.row} of {lines}")
        return faults

    def _faults_of_text(self, text: str) -> list[str]:
        faults = []
        if len(text) >= LONGEST_MESSAGE:
            faults.append(f"a text of {len(text)} letters: {text[:200]}")
        if str(self.place) in text or "Traceback" in text:
            faults.append(f"a path of the server: {text[:300]}")
        if not all(character.isprintable() for character in text):
            faults.append(f"a text that cannot be shown: {text[:200]!r}")
        return faults


def _rounds(scene: Scene) -> list[list[tuple[str, str, str, bytes]]]:
    """Which files are replaced at a time: reader, slot, what was done, content."""
    count = max(-(-len(scene.payloads[reader]) // len(slots)) for reader, slots in scene.slots.items())
    rounds: list[list[tuple[str, str, str, bytes]]] = [[] for _ in range(count)]
    for reader, slots in scene.slots.items():
        for number, (what, data) in enumerate(scene.payloads[reader]):
            turn, place = divmod(number, len(slots))
            rounds[turn].append((reader, slots[place], what, data))
    return rounds


def _decode(dataset: Dataset) -> None:
    """The first frame of each trial, in the two ways in which the pages show it."""
    with quiet_pillow():
        for frame in dataset.frames.loc[dataset.frames["position"] == 0, "frame"]:
            try:
                assert dataset.read_frame(frame).ndim == 3
                if dataset.is_image(frame):
                    read_thumbnail(dataset.file_of(frame))
            except DataError as error:
                assert len(str(error)) < LONGEST_MESSAGE, error
                assert str(Path.cwd()) not in str(error), error


def _faults_of_boxes(dataset: Dataset, key: str) -> list[str]:
    """What no file may bring into the tables."""
    boxes = dataset.boxes
    faults = [] if dataset.box_format == key or not key else [f"the boxes were read as {dataset.box_format}"]
    if not (boxes.dtypes.astype(str) == [_dtype(name) for name in BOX_DTYPES]).all():
        faults.append(f"dtypes {boxes.dtypes.to_dict()}")
    if not ((boxes["x1"] < boxes["x2"]) & (boxes["y1"] < boxes["y2"]) & (boxes["x1"] >= 0) & (boxes["y1"] >= 0)).all():
        faults.append("a box without area, or outside")
    if not boxes["frame"].isin(dataset.frames["frame"]).all() or (boxes["label"] == "").any():
        faults.append("a box of no frame, or without a label")
    kinds = Counter((problem.code, problem.severity, problem.path.partition("/")[0]) for problem in dataset.problems)
    if max(kinds.values(), default=0) > PROBLEMS_PER_KIND + 1 and key:
        faults.append(f"problems that are not folded: {kinds.most_common(1)}")
    return faults


def _dtype(name: str) -> str:
    return BOX_DTYPES[name]


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-5:]))


def peak_memory() -> int:
    """The most bytes that this process held; getrusage would count those of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main(place: Path, wanted: list[str], every: int) -> None:
    """Run the scenes and print what came of them."""
    (place / "canary.csv").write_text("S100T1_frame_00000001.jpeg,1,2,3,4,muscle\n")
    (place / "canary").write_text("names: [leaked]\n")
    os.chdir(place)
    scenes = {
        name: make(place / name.replace(" ", "-")) for name, make in SCENES.items() if not wanted or name in wanted
    }
    sweep = Sweep(place, every)
    archives = partial(sweep_archives, place / "archives", sweep.watch, sweep.tried, sweep.failures)
    warnings.simplefilter("error")
    for name, scene in scenes.items():
        start = time.perf_counter()
        sweep.run(scene)
        sweep.seconds[name] = round(time.perf_counter() - start, 2)
    for name, run in {"links": sweep.run_links, "zip": archives}.items():
        if name in wanted or not wanted:
            start = time.perf_counter()
            run()
            sweep.seconds[name] = round(time.perf_counter() - start, 2)
    peak = peak_memory()
    result = {"tried": sweep.tried, "failures": sweep.failures, "refused": sweep.refused, "peak": peak}
    sys.stdout.write(json.dumps({**result, "codes": sweep.codes, "seconds": sweep.seconds}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenes", nargs="*")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    main(options.folder.resolve(), options.scenes, options.every)
