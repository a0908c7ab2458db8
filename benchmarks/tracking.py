"""How well boxes are joined to tracks, beside ByteTrack on the same boxes, and how long it takes.

    pip install --no-deps -r requirements-benchmarks.txt
    python -m benchmarks.tracking [--json]

The second file exists because `trackers` asks for a build of OpenCV that would overwrite ours. ByteTrack, IDF1 and
identity switches are those of `trackers`; the metric may match a box with itself alone.

- demo: the drawn tools' own tracks, ids removed before tracking. A tool that comes back into view is a new track there.
  Seeds 1 to 3 are refused: on them the tracker's constants and ByteTrack's settings were chosen.
- real: ../shared/data/real-trials, left out where it is absent. It has no ids; the truth is that all boxes of a label
  in a trial are one tool, for those labels alone that no frame of the trial shows twice. Here gaps count the other
  way: a tool that comes back is the same one. It is too small to keep a part of it for the choice of constants.
- socal: random walks in SOCAL's numbers of trials, frames and boxes of each label; seconds alone.

ByteTrack runs on each label by itself at a frame rate of 1. It names a tool at the second sighting only; with `first
boxes` the one before gets the same id afterwards, and a tool seen once an id of its own: ByteTrack does neither.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.tracker import track_all
from socal_core.dataset.opening import open_dataset
from socal_core.demo.write import write_demo

try:
    import supervision as sv
    from trackers import ByteTrackTracker, DIoU
    from trackers.eval import (
        aggregate_clear_metrics,
        aggregate_identity_metrics,
        compute_clear_metrics,
        compute_identity_metrics,
    )
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}. Run: pip install --no-deps -r requirements-benchmarks.txt") from error

IntArray = NDArray[np.int64]
Tracker = Callable[[pd.DataFrame], IntArray]

REAL_TRIALS = Path(__file__).resolve().parents[2] / "shared/data/real-trials"
TUNING_SEEDS = {1, 2, 3}
CORNERS = ["x1", "y1", "x2", "y2"]
SOCAL = {
    "suction": 22_356,
    "grasper": 15_943,
    "string": 11_917,
    "cottonoid": 10_005,
    "muscle": 4_560,
    "drill": 210,
    "tool": 76,
    "scalpel": 4,
}
"""Boxes of each label in the published data set: 65,071."""
SOCAL_TRIALS, SOCAL_FRAMES = 147, 31_443


def main() -> None:
    """Track every data set with every tracker and print the table, or the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9], help="of the demo (default: 7 8 9)")
    parser.add_argument("--surgeons", type=int, default=40, help="of each demo, two trials each (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    if used := TUNING_SEEDS & set(arguments.seeds):
        parser.error(f"seeds {sorted(used)} were used to choose the constants: take others")
    rows = [
        {"data": name, **measure(boxes, track, name != "socal"), "tracker": tracker}
        for name, boxes in data_sets(arguments.seeds, arguments.surgeons)
        for tracker, track in TRACKERS.items()
        if name != "socal" or tracker in TIMED
    ]
    if arguments.json:
        print(json.dumps({"machine": machine(), "rows": rows}, indent=1))
        return
    print(f"{'data':<8}{'tracker':<50}{'boxes':>7}{'IDF1':>9}{'switches':>10}{'no id':>7}{'seconds':>9}")
    for row in rows:
        print(
            f"{row['data']:<8}{row['tracker']:<50}{row['boxes']:>7}{text(row['idf1'], '.4f'):>9}"
            f"{text(row['switches'], 'd'):>10}{row['without_id']:>7}{row['seconds']:>9.2f}"
        )
    print("real: truth = labels that no frame of a trial shows twice, each taken for one tool.")
    print(machine())


def text(value: float | None, form: str) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else format(value, form)


def machine() -> str:
    """What the seconds were measured on."""
    names = [line.split(":")[1].strip() for line in read_lines("/proc/cpuinfo") if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else platform.machine()}, Python {platform.python_version()}"


def read_lines(path: str) -> list[str]:
    """The lines of a text file, none where there is no such file."""
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).is_file() else []


def data_sets(seeds: list[int], surgeons: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and boxes of each data set; column `truth` holds the true track's number."""
    yield "demo", pd.concat([demo_boxes(seed, surgeons) for seed in seeds], ignore_index=True)
    if REAL_TRIALS.is_dir():
        yield "real", real_boxes()
    else:
        print("real: left out, there is no ../shared/data/real-trials beside the project.", file=sys.stderr)
    yield "socal", socal_boxes()


def demo_boxes(seed: int, surgeons: int) -> pd.DataFrame:
    """The demo of a seed as the app reads it; its ids become the truth."""
    with tempfile.TemporaryDirectory(prefix="tracking-") as folder:
        boxes = open_dataset(write_demo(Path(folder) / "demo", surgeons, seed)).boxes
    boxes = boxes.assign(trial_id=boxes["trial_id"] + f"-{seed}")
    return without_ids(boxes, boxes["track_id"].to_numpy(np.int64))


def real_boxes() -> pd.DataFrame:
    """Boxes of the labels that no frame of their trial shows twice: each such label is one track."""
    boxes = open_dataset(REAL_TRIALS).boxes
    twice = boxes.duplicated(["trial_id", "position", "label"])
    single = ~twice.groupby([boxes["trial_id"], boxes["label"]]).transform("any")
    return without_ids(boxes[single], pd.factorize(boxes["label"])[0][single])


def without_ids(boxes: pd.DataFrame, truth: IntArray) -> pd.DataFrame:
    """The boxes with their true tracks in a column that no tracker reads."""
    return boxes.assign(truth=truth, track_id=pd.array([pd.NA] * len(boxes), dtype="Int64")).reset_index(drop=True)


def socal_boxes() -> pd.DataFrame:
    """Boxes that walk at random, in SOCAL's numbers; strings and cottonoids come in pairs, others alone."""
    rng = np.random.default_rng(0)
    frames = np.arange(SOCAL_FRAMES)
    trial, position = frames % SOCAL_TRIALS, frames // SOCAL_TRIALS
    parts = []
    for label, count in SOCAL.items():
        tools = 2 if label in ("string", "cottonoid") else 1
        for tool in range(tools):
            rows = np.flatnonzero(frames < count // tools + (count % tools if tool == 0 else 0))
            steps = rng.normal(0, 60, (len(rows), 2))
            centre = 300 + 500 * tool + 0.2 * np.abs(np.cumsum(steps, axis=0) % 2000 - 1000)
            part = pd.DataFrame({"trial_id": trial[rows], "position": position[rows], "label": label})
            part[CORNERS] = np.hstack([centre - 60, centre + 60]).astype(np.int64)
            parts.append(part)
    boxes = pd.concat(parts).sort_values(["trial_id", "position"], kind="stable")
    boxes["trial_id"] = "S" + boxes["trial_id"].astype("str") + "T1"
    return without_ids(boxes, np.zeros(len(boxes), dtype=np.int64))


def measure(boxes: pd.DataFrame, track: Tracker, scored: bool) -> dict[str, Any]:
    """Seconds, and where there is a truth IDF1 and identity switches over all trials."""
    start = time.perf_counter()
    ids = track(boxes)
    seconds = time.perf_counter() - start
    row = {"boxes": len(boxes), "seconds": seconds, "without_id": int((ids < 0).sum()), "idf1": None, "switches": None}
    if scored:
        parts = [frames_of(boxes.loc[rows], ids[rows]) for rows in boxes.groupby("trial_id").indices.values()]
        row["idf1"] = aggregate_identity_metrics([compute_identity_metrics(*part) for part in parts])["IDF1"]
        row["switches"] = aggregate_clear_metrics([compute_clear_metrics(*part) for part in parts])["IDSW"]
    return row


def frames_of(boxes: pd.DataFrame, ids: IntArray) -> tuple[list[IntArray], list[IntArray], list[NDArray[np.float64]]]:
    """True ids, given ids and their similarity (1 for the same box, else 0) in each frame of a trial."""
    truth, given, similarity = [], [], []
    for _, rows in sorted(boxes.groupby("position").indices.items()):
        has_id = ids[rows] >= 0
        truth.append(boxes["truth"].to_numpy()[rows])
        given.append(ids[rows][has_id])
        similarity.append(np.eye(len(rows))[:, has_id])
    return truth, given, similarity


def ours(boxes: pd.DataFrame) -> IntArray:
    """The project's tracker."""
    return track_all(boxes)["track_id"].to_numpy(np.int64)


def byte_track(first_boxes: bool = False, **settings: Any) -> Tracker:
    """ByteTrack on each label of each trial, frames without a box included; -1 where it gives no id."""

    def track(boxes: pd.DataFrame) -> IntArray:
        ids = np.full(len(boxes), -1)
        corners = boxes[CORNERS].to_numpy(np.float32)
        positions = boxes["position"].to_numpy()
        used = 0
        for rows in boxes.groupby(["trial_id", "label"], sort=False).indices.values():
            found = byte_track_one(corners[rows], positions[rows], first_boxes, settings)
            ids[rows] = np.where(found >= 0, found + used, -1)
            used += int(found.max()) + 1
        return ids

    return track


def byte_track_one(
    corners: NDArray[np.float32], positions: IntArray, first_boxes: bool, settings: dict[str, Any]
) -> IntArray:
    """ByteTrack's ids of the boxes of one label."""
    tracker = ByteTrackTracker(frame_rate=1, **settings)
    ids = np.full(len(positions), -1)
    seen: list[Any] = []
    begun: list[tuple[int, Any]] = []
    for now in range(positions.min(), positions.max() + 1):
        rows = np.flatnonzero(positions == now)
        detections = sv.Detections(corners[rows], confidence=np.ones(len(rows), np.float32), class_id=rows)
        tracked = tracker.update(detections)
        ids[tracked.class_id] = tracked.tracker_id
        new = [track for track in tracker.tracks if not any(track is known for known in seen)]
        begun += zip(tracked.class_id[len(tracked) - len(new) :], new, strict=True)  # the new ones stand last
        seen = list(tracker.tracks)
    for row, track in begun if first_boxes else []:
        ids[row] = track.tracker_id if track.tracker_id >= 0 else ids.max() + 1
    return ids


AT_1_FPS = {"first_boxes": True, "minimum_consecutive_frames": 1}
TRACKERS: dict[str, Tracker] = {
    "ours": ours,
    "ByteTrack, defaults": byte_track(),
    "ByteTrack, IoU >= 0.01": byte_track(minimum_consecutive_frames=1, minimum_iou_threshold=0.01),
    "ByteTrack, IoU >= 0.01, first boxes": byte_track(**AT_1_FPS, minimum_iou_threshold=0.01),
    # The two best of 35 settings on the tuning seeds, and the better of them with our patience.
    "ByteTrack, IoU >= 0, no patience, first boxes": byte_track(
        **AT_1_FPS, minimum_iou_threshold=0.0, lost_track_buffer=0
    ),
    "ByteTrack, DIoU >= -0.7, no patience, first boxes": byte_track(
        **AT_1_FPS, minimum_iou_threshold=-0.7, lost_track_buffer=0, iou=DIoU()
    ),
    "ByteTrack, DIoU >= -0.7, patience 3, first boxes": byte_track(
        **AT_1_FPS, minimum_iou_threshold=-0.7, lost_track_buffer=90, iou=DIoU()
    ),
}
TIMED = {"ours", "ByteTrack, defaults"}
"""On SOCAL's size, where the settings make no point."""


if __name__ == "__main__":
    main()
