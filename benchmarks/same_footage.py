"""How well reduced frames and features of a frozen encoder distinguish copies of real footage from other footage.

    python -m benchmarks.same_footage [--features] [--data FOLDER]

The frames are ../shared/data/real-trials: 89 windows of 8 frames, one per second, of five operations. Neighbouring
windows of an operation may continue each other, so they are the hardest frames that are not copies. Every fourth trial
is copied in several ways. For each kind of copy: the largest distance of a frame to its original, and how many copies
are found as trials with the same footage. `--features` adds the cosine distances of EfficientNet-Lite0.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.images import read_frame
from socal_core.dataset.opening import open_dataset
from socal_core.evaluation.frame_embedding import frame_embedder
from socal_core.evaluation.same_footage import EDGE, FEWEST, LIMIT, FramePrints, frame_prints, reduced, same_footage

REAL_TRIALS = Path(__file__).resolve().parents[2] / "shared/data/real-trials"
EVERY = 4
Image = NDArray[np.uint8]


def resized(image: Image, factor: float, interpolation: int = cv2.INTER_AREA) -> Image:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=interpolation), np.uint8)


def inside(image: Image, share: float) -> Image:
    height, width = (round(share * edge) for edge in image.shape[:2])
    return image[height : image.shape[0] - height, width : image.shape[1] - width]


# Each with the change of the frame, the quality of the JPEG, and how many frames at the start are left out.
COPIES: dict[str, tuple[Callable[[Image], Image], int, int]] = {
    "encoded again, quality 30": (lambda image: image, 30, 0),
    "half the size": (lambda image: resized(image, 0.5), 90, 0),
    "a third of the size, not smoothed": (lambda image: resized(image, 1 / 3, cv2.INTER_LINEAR), 90, 0),
    "doubled": (lambda image: resized(image, 2, cv2.INTER_CUBIC), 80, 0),
    "squeezed to 3/4 of the height": (
        lambda image: np.asarray(cv2.resize(image, (image.shape[1], image.shape[0] * 3 // 4)), np.uint8),
        90,
        0,
    ),
    "15 % brighter": (lambda image: np.clip(image * 1.15 + 8, 0, 255).astype(np.uint8), 90, 0),
    "gamma 0.8": (lambda image: (255 * (image / 255) ** 0.8).astype(np.uint8), 90, 0),
    "2 % cut off each edge": (lambda image: inside(image, 0.02), 90, 0),
    "shifted by one second, half the size": (lambda image: resized(image, 0.5), 60, 1),
}


def copied(dataset: Dataset, trial: str, kind: str, folder: Path) -> list[Path]:
    """Write the frames of a copy of a trial."""
    change, quality, skipped = COPIES[kind]
    paths = []
    for number, frame in enumerate(dataset.read_frames(list(dataset.frames_of(trial)["frame"])[skipped:])):
        path = folder / f"{number}.jpeg"
        cv2.imwrite(str(path), change(frame)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        paths.append(path)
    return paths


def with_copy(prints: FramePrints, values: NDArray[np.float32]) -> FramePrints:
    table = pd.DataFrame({"trial_id": "copy", "second": np.arange(len(values))})
    frames = pd.concat([prints.frames, table], ignore_index=True)
    return FramePrints(np.concatenate([prints.values, values]), frames, 0)


def between(values: NDArray[np.float64], groups: pd.Series) -> float:
    """The smallest cosine distance between frames of different groups."""
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    codes = pd.factorize(groups)[0]
    return float((1 - unit @ unit.T)[codes[:, None] != codes].min())


def to_original(copy: NDArray[np.float64], original: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(copy, axis=1) * np.linalg.norm(original, axis=1)
    distances: NDArray[np.float64] = 1 - (copy * original).sum(axis=1) / norms
    return distances


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", action="store_true", help="also measure a frozen encoder")
    parser.add_argument("--data", type=Path, default=REAL_TRIALS, help="another place of the real trials")
    options = parser.parse_args()
    dataset = open_dataset(options.data)
    start = time.perf_counter()
    prints = frame_prints(dataset, lambda done, total: None)
    read = time.perf_counter() - start
    found = same_footage(prints)
    print(f"{len(prints.frames)} frames read in {read:.1f} s; {len(found)} pairs of trials found without a copy")
    trials, operations = prints.frames["trial_id"], prints.frames["trial_id"].str.partition("T")[0]
    values = prints.values.astype(np.float64)
    print(
        f"reduced frames, smallest distance: {between(values, trials):.4f} between trials, "
        f"{between(values, operations):.4f} between operations; limit {LIMIT}, in {FEWEST} frames"
    )
    embed = frame_embedder() if options.features else None
    features = np.empty((0, 0))
    if embed is not None:
        names = list(dataset.frames["frame"])
        features = np.concatenate([embed(next(dataset.read_frames([n])).transpose(2, 0, 1)[None]) for n in names])
        near, far = between(features, dataset.frames["trial_id"]), between(features, operations)
        print(f"features, smallest distance: {near:.4f} between trials, {far:.4f} between operations")
    chosen = list(dataset.trials.index[::EVERY])
    for kind, (_, _, skipped) in COPIES.items():
        distances, of_features, hits, others = [], [], 0, 0
        with tempfile.TemporaryDirectory() as folder:
            for trial in chosen:
                paths = copied(dataset, trial, kind, Path(folder))
                copy = np.array([reduced(read_frame(path, short_edge=2 * EDGE)) for path in paths])
                rows = np.flatnonzero(trials == trial)[skipped:]
                distances.append(to_original(copy.astype(np.float64), values[rows]))
                pairs = [pair.trial_id for pair in same_footage(with_copy(prints, copy)) if pair.other == "copy"]
                hits += trial in pairs
                others += len(set(pairs) - {trial})
                if embed is not None:
                    again = np.concatenate([embed(read_frame(path).transpose(2, 0, 1)[None]) for path in paths])
                    of_features.append(to_original(again, features[rows]))
        text = f"{kind}: largest distance {np.concatenate(distances).max():.4f}, median "
        text += f"{np.median(np.concatenate(distances)):.4f}; found {hits} of {len(chosen)}, other trials {others}"
        if of_features:
            text += f"; features {np.concatenate(of_features).max():.4f}"
        print(text, flush=True)


if __name__ == "__main__":
    main()
