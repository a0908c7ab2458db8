"""How far simple measurements get on a set of benchmarks/transfer_data.py, and how far the best possible model does.

    python -m benchmarks.transfer_controls --make clamp|colour|field|motion|unseen [--surgeons 70] [--seed 0]

Each AUROC but the first is that of a logistic regression: five folds, no surgeon in two of them, the mean of five ways
to fold. It sees the first 60 frames. No frame is written to disk.
"""

import argparse
from collections import Counter
from itertools import islice

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.transfer.folder import Frames
from benchmarks.transfer.trial import FloatArray, Trial
from benchmarks.transfer_data import MAKERS

WINDOW = 60
LABELS = ("suction", "grasper", "cottonoid", "string", "muscle", "drill", "tool", "scalpel")


def main() -> None:
    """Print the measurements of the set that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", choices=MAKERS, required=True)
    parser.add_argument("--surgeons", type=int, default=70, help="two trials each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    maker = MAKERS[options.make]
    trials = maker.simulate(options.surgeons, options.seed)
    measured = [measure(maker.draw(trial)) for trial in trials]
    success = np.array([trial.success for trial in trials])
    print(f"{options.make}, seed {options.seed}: {len(trials)} trials, {success.mean():.1%} successes")
    print(f"{'latent variables':<32}{roc_auc_score(success, [trial.probability for trial in trials]):.3f}")
    length = np.array([[trial.frames, trial.width, trial.quality] for trial in trials], dtype=float)
    columns = {name: np.array([row[name] for row in measured]) for name in measured[0]}
    for name, features in (columns | {"frames, size, JPEG quality": length}).items():
        if np.ptp(features, axis=0).any():
            print(f"{name:<32}{auroc(features, trials):.3f}")


def measure(frames: Frames) -> dict[str, FloatArray]:
    """Compute the features of one trial by their names in the table."""
    colours, steps, seen, before = [], [], Counter(), None
    for image, boxes in islice(frames, WINDOW):
        colours.append(cv2.mean(image)[:3])
        if before is not None:
            steps.append(cv2.norm(image, before, cv2.NORM_L1) / image.size)
        before = image
        seen.update({box.label for box in boxes})
    series = np.array(colours)
    slope = np.polyfit(np.linspace(-1, 1, len(series)), series, 1)[0]
    jumps = np.abs(np.diff(series, axis=0)).mean(axis=0)
    spread = [series.std(axis=0), series.min(axis=0), series.max(axis=0), series[-1] - series[0], jumps]
    return {
        "colour: mean": series.mean(axis=0),
        "colour: mean, slope": np.concatenate([series.mean(axis=0), slope]),
        "colour: statistics over time": np.concatenate([series.mean(axis=0), slope, *spread]),
        "mean absolute frame difference": np.array([np.mean(steps)]),
        "share of frames with each label": np.array([seen[label] / len(series) for label in LABELS]),
    }


def auroc(features: FloatArray, trials: list[Trial]) -> float:
    """AUROC of a logistic regression on held-out surgeons, the mean of five ways to fold."""
    success = [trial.success for trial in trials]
    surgeons = [trial.surgeon for trial in trials]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    scores = []
    for seed in range(5):
        folds = GroupKFold(5, shuffle=True, random_state=seed)
        predicted = cross_val_predict(model, features, success, groups=surgeons, cv=folds, method="predict_proba")
        scores.append(roc_auc_score(success, predicted[:, 1]))
    return float(np.mean(scores))


if __name__ == "__main__":
    main()
