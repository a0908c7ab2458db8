"""Measure how well the frames of the demo data set predict the outcome, and by which cues.

    python -m benchmarks.demo_signal

The oracle is a logistic regression on the true area of the pool, in five-fold cross-validation across surgeons. Its
AUROC estimates the best result of a network that uses only the pool. No trial is written to disk.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from socal_core.demo.scene import Scene
from socal_core.demo.simulate import FloatArray, Trial, simulate_trials
from socal_core.demo.write import encode_jpeg

FRAMES_PER_CLIP = 16
WINDOW_S = 60
PIXELS = 64


def main() -> None:
    """Print the table for the settings on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surgeons", type=int, default=200, help="two trials each (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=1, help="average over the seeds 0, 1, … (default: %(default)s)")
    parser.add_argument("--no-frames", action="store_true", help="skip the measurements that need rendered frames")
    arguments = parser.parse_args()
    results = [measure(arguments.surgeons, seed, not arguments.no_frames) for seed in range(arguments.seeds)]
    print(f"{2 * arguments.surgeons} trials, mean of {arguments.seeds} seed(s)")
    for name in results[0]:
        values = [result[name] for result in results]
        print(f"{name:<62}{np.mean(values):6.3f}   ({min(values):.3f} to {max(values):.3f})")


def measure(surgeons: int, seed: int, with_frames: bool) -> dict[str, float]:
    """Return the rows of the table for one demo, values by name."""
    trials = simulate_trials(surgeons, seed)
    success = np.array([trial.success for trial in trials])
    whole = [clip_seconds(trial.frames) for trial in trials]
    first = [clip_seconds(min(WINDOW_S, trial.frames)) for trial in trials]
    window = f"first {WINDOW_S} s"

    def oracle(features: FloatArray) -> float:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        groups = [trial.participant_id for trial in trials]
        scores = cross_val_predict(model, features, success, groups=groups, cv=GroupKFold(5), method="predict_proba")
        return float(roc_auc_score(success, scores[:, 1]))

    rows = {
        "fraction of successes": float(success.mean()),
        f"AUROC of the pool's area at 16 points, {window}": oracle(areas(trials, first)),
        "AUROC of the pool's area at 16 points, whole trial": oracle(areas(trials, whole)),
        "AUROC of the number of frames (fewer = success)": roc_auc_score(success, [-t.frames for t in trials]),
        "AUROC of the frame size (larger = success)": roc_auc_score(success, [t.width for t in trials]),
    }
    if with_frames:
        redness = redness_curves(trials, first)
        rows |= {
            f"AUROC of mean redness at 64 px, {window} (less = success)": roc_auc_score(success, -redness.mean(1)),
            f"AUROC of redness at 64 px at 16 points, {window}": oracle(redness),
            "AUROC of redness at 64 px at 16 points, whole trial": oracle(redness_curves(trials, whole)),
        }
    return rows


def clip_seconds(frames: int) -> list[int]:
    """Spread the frames of a clip evenly over the first `frames` seconds of a trial."""
    return [int(second) for second in np.linspace(0, frames - 1, FRAMES_PER_CLIP).round()]


def areas(trials: list[Trial], seconds: list[list[int]]) -> FloatArray:
    """Return the true fraction of the field under blood, (trials, frames of a clip)."""
    return np.array([trial.area[chosen] for trial, chosen in zip(trials, seconds, strict=True)])


def redness_curves(trials: list[Trial], seconds: list[list[int]]) -> FloatArray:
    """Measure red minus the mean of green and blue in small decoded frames, (trials, frames of a clip)."""
    with ThreadPoolExecutor() as pool:
        return np.array(list(pool.map(redness_curve, trials, seconds)))


def redness_curve(trial: Trial, seconds: list[int]) -> list[float]:
    """Measure the mean redness, in grey levels, of the centre square of frames of one trial."""
    scene = Scene(trial)
    curve = []
    for second in seconds:
        frame = cv2.imdecode(np.frombuffer(encode_jpeg(scene.render(second)[0]), np.uint8), cv2.IMREAD_COLOR)
        edge = (trial.width - trial.height) // 2
        small = cv2.resize(frame[:, edge : edge + trial.height], (PIXELS, PIXELS), interpolation=cv2.INTER_AREA)
        blue, green, red = small.reshape(-1, 3).astype(float).T
        curve.append(float((red - (green + blue) / 2).mean()))
    return curve


if __name__ == "__main__":
    main()
